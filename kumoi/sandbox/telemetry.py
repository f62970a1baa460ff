"""The Telemetry API: extensions that subscribe get platform events and log lines in batches, by HTTP.

Source: "Accessing real-time telemetry data for extensions using the Telemetry API" of the developer guide. The older
Logs API has the same subscriptions and is answered alike.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

logger = logging.getLogger(__name__)

TYPES = frozenset({"platform", "function", "extension"})
HOSTS = frozenset({"sandbox", "sandbox.localdomain", "sandbox.local"})
_HELD = 4_000_000
_ATTEMPTS = 3
_SECONDS = 5.0


class InvalidSubscription(ValueError):
    """A subscription that the Telemetry API refuses; the text says why."""


class Destination(NamedTuple):
    """Where batches go."""

    port: int
    path: str


@dataclass(slots=True)
class Subscription:
    """One extension's wish. `items` are encoded events that wait; `wake` is set when a batch may be due."""

    name: str
    types: frozenset[str]
    destination: Destination
    max_items: int
    max_bytes: int
    timeout: float
    items: list[bytes] = field(default_factory=list)
    held: int = 0
    dropped: int = 0
    dropped_bytes: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sender: asyncio.Task[None] | None = None


class Telemetry:
    """The `subscriptions` of one sandbox, by extension."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self._awake = asyncio.Event()
        self._awake.set()

    def subscribe(self, name: str, body: bytes) -> None:
        """Subscribe an extension; raises InvalidSubscription."""
        subscription = _read(name, body)
        self._drop(name)
        self.subscriptions[name] = subscription
        subscription.sender = asyncio.create_task(_send(subscription, self._awake))
        record = {"name": name, "state": "Subscribed", "types": sorted(subscription.types)}
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.add("platform", {"time": now, "type": "platform.telemetrySubscription", "record": record})

    def lines(self, kind: str, when: float, lines: Sequence[str]) -> None:
        """Log lines of the function or of an extension, which came at a moment (epoch seconds)."""
        time = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for line in lines:
            self.add(kind, {"time": time, "type": kind, "record": line.removesuffix("\n")})

    def add(self, kind: str, event: dict[str, Any]) -> None:
        """An event of a kind (platform, function, extension)."""
        for subscription in self.subscriptions.values():
            if kind not in subscription.types:
                continue
            encoded = orjson.dumps(event)
            if subscription.held + len(encoded) > _HELD:
                subscription.dropped += 1
                subscription.dropped_bytes += len(encoded)
                continue
            subscription.items.append(encoded)
            subscription.held += len(encoded)
            subscription.wake.set()

    def pause(self) -> None:
        """The sandbox freezes: nobody there takes a batch."""
        self._awake.clear()

    def resume(self) -> None:
        """It goes on."""
        self._awake.set()

    async def flush(self) -> None:
        """Send what waits, at the end of the sandbox."""
        for subscription in list(self.subscriptions.values()):
            while subscription.items:
                await _post(subscription, _batch(subscription))
        self.clear()

    def clear(self) -> None:
        """Forget every subscription."""
        for name in list(self.subscriptions):
            self._drop(name)

    def _drop(self, name: str) -> None:
        subscription = self.subscriptions.pop(name, None)
        if subscription is not None and subscription.sender is not None:
            subscription.sender.cancel()


def _read(name: str, body: bytes) -> Subscription:
    try:
        wanted = orjson.loads(body)
        types = frozenset(wanted["types"])
        buffering = wanted.get("buffering") or {}
        uri = wanted["destination"].get("URI") or wanted["destination"]["uri"]
        parts = urlsplit(uri)
        port = parts.port or 80
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSubscription(f"The subscription could not be read: {error}") from None
    if not types or not types <= TYPES:
        raise InvalidSubscription(f"types must be some of {', '.join(sorted(TYPES))}")
    if wanted["destination"].get("protocol") != "HTTP" or parts.scheme != "http" or parts.hostname not in HOSTS:
        raise InvalidSubscription(f"The destination must be HTTP at http://sandbox.localdomain:PORT, not {uri}")
    return Subscription(
        name,
        types,
        Destination(port, parts.path or "/"),
        _between(buffering, "maxItems", 10_000, 1_000, 10_000),
        _between(buffering, "maxBytes", 262_144, 262_144, 1_048_576),
        _between(buffering, "timeoutMs", 1_000, 25, 30_000) / 1000,
    )


def _between(buffering: dict[str, Any], member: str, default: int, least: int, most: int) -> int:
    value = buffering.get(member, default)
    if not isinstance(value, int) or not least <= value <= most:
        raise InvalidSubscription(f"{member} must be between {least} and {most}")
    return value


async def _send(subscription: Subscription, awake: asyncio.Event) -> None:
    """Send batches as they become due: full, or their time-out over; never to a frozen sandbox."""
    while True:
        await subscription.wake.wait()
        deadline = asyncio.get_running_loop().time() + subscription.timeout
        while len(subscription.items) < subscription.max_items and subscription.held < subscription.max_bytes:
            subscription.wake.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(max(left, 0)):
                    await subscription.wake.wait()
            except TimeoutError:
                break
        await awake.wait()
        subscription.wake.clear()
        await _post(subscription, _batch(subscription))
        if subscription.items:
            subscription.wake.set()


def _batch(subscription: Subscription) -> list[bytes]:
    batch = subscription.items[: subscription.max_items]
    del subscription.items[: len(batch)]
    subscription.held -= sum(len(item) for item in batch)
    if subscription.dropped:
        record = {
            "reason": "Consumer seems to have fallen behind as it has not acknowledged receipt of telemetry.",
            "droppedRecords": subscription.dropped,
            "droppedBytes": subscription.dropped_bytes,
        }
        batch.append(orjson.dumps({"type": "platform.logsDropped", "record": record}))
        subscription.dropped = subscription.dropped_bytes = 0
    return batch


async def _post(subscription: Subscription, batch: list[bytes]) -> None:
    """POST one batch; a subscriber that does not answer loses it after a few attempts."""
    if not batch:
        return
    body = b"[" + b",".join(batch) + b"]"
    port, path = subscription.destination
    head = (
        f"POST {path} HTTP/1.1\r\nHost: sandbox.localdomain:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    for attempt in range(_ATTEMPTS):
        try:
            async with asyncio.timeout(_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(head.encode() + body)
                    await reader.readline()
                finally:
                    writer.close()
                return
        except (OSError, TimeoutError):
            await asyncio.sleep(0.05 * 2**attempt)
    logger.warning("extension %s did not take a batch of %d telemetry events", subscription.name, len(batch))
