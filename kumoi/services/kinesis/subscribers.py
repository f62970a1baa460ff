"""Who subscribes to which shard: one at a time per consumer, the latest.

A subscription within five seconds of the one before is refused; a later one takes over, and the earlier one ends.
Source: SubscribeToShard of the API reference.
"""

from __future__ import annotations

import asyncio

from kumoi.wire.errors import aws_error

PAUSE = 5.0


class Subscription:
    """One subscription: since when (epoch seconds), and the event that ends it."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.over = asyncio.Event()


class Subscribers:
    """The subscriptions of a platform, by consumer ARN and shard; a restart ends them all."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, str], Subscription] = {}

    def begin(self, consumer: str, shard: str, now: float) -> Subscription:
        """Begin a subscription; ResourceInUseException where one has begun less than five seconds ago."""
        earlier = self._current.get((consumer, shard))
        if earlier is not None:
            if 0 <= now - earlier.since < PAUSE:
                raise aws_error(
                    "ResourceInUseException",
                    "Another active subscription exists for this consumer: "
                    f"{consumer.split(':')[4]}:{consumer.partition('/')[2]}:{shard}",
                )
            earlier.over.set()
        subscription = self._current[consumer, shard] = Subscription(now)
        return subscription

    def end(self, consumer: str, shard: str, subscription: Subscription) -> None:
        """Forget a subscription that has ended."""
        if self._current.get((consumer, shard)) is subscription:
            del self._current[consumer, shard]
