"""From a message to its deliveries: one for each subscription, stored with it, tried until taken or given up.

Deliveries of a standard topic are independent. Those of one group of a FIFO topic's subscription go one after the
other: only the first is in the outbox, the rest wait as rows, and the next one moves up in the transaction that ends
the one before. So order survives retries and crashes, and an endpoint that fails holds up nobody else.
"""

from __future__ import annotations

import msgspec

from kumoi.delivery import Delivery, Outbox, RetryPolicy
from kumoi.doorway import Doorway
from kumoi.names import uuid
from kumoi.services.sns.hand_over import HandOver
from kumoi.services.sns.notification import Handover
from kumoi.services.sns.records import BUSY, SEQUENCE, Waiting, waiting
from kumoi.services.sns.retries import AWS_MANAGED, HTTP_SECONDS, HttpRetries, pause_http, pause_managed
from kumoi.state import Transaction
from kumoi.state.timers import TimerRunner


class Dispatcher:
    """The deliveries of one platform."""

    def __init__(self, doorway: Doorway, timers: TimerRunner, hand_over: HandOver) -> None:
        self._decode = msgspec.msgpack.Decoder(Handover).decode
        self.outbox = Outbox(
            "sns.delivery",
            state=doorway.state,
            clock=doorway.clock,
            timers=timers,
            attempt=hand_over.attempt,
            give_up=hand_over.give_up,
            ended=self._next,
            pause=self._pause,
        )

    async def send(self, tx: Transaction, one: Handover) -> None:
        """Store a delivery in a transaction of the topic's place; it is on its way once that has committed."""
        lane = f"{one.subscription}/{one.group}" if one.fifo else one.subscription
        delivery = Delivery(
            id=uuid(),
            account=tx.account,
            region=tx.region,
            lane=lane,
            content=msgspec.msgpack.encode(one),
            accepted=tx.now,
            policy=RetryPolicy(_retries(one).numRetries, HTTP_SECONDS) if _is_http(one) else AWS_MANAGED,
        )
        if one.fifo:
            if await tx.get((BUSY, lane)) is not None:
                sequence = await tx.add((SEQUENCE, "waiting"))
                await waiting.put(tx, Waiting(lane=lane, sequence=sequence, delivery=delivery))
                return
            await tx.put((BUSY, lane), b"")
        await self.outbox.accept(tx, [delivery])

    async def _next(self, tx: Transaction, ended: Delivery) -> None:
        """Have the next delivery of a group follow one that ended; those of standard topics have none."""
        if "/" not in ended.lane or await tx.get((BUSY, ended.lane)) is None:
            return
        behind = await waiting.list(tx, ended.lane, limit=1)
        if not behind:
            await tx.delete((BUSY, ended.lane))
            return
        (first,) = behind
        await waiting.delete(tx, first.lane, first.sequence)
        await self.outbox.accept(tx, [first.delivery])

    def _pause(self, delivery: Delivery, attempts: int) -> float:
        one = self._decode(delivery.content)
        return pause_http(_retries(one), attempts) if _is_http(one) else pause_managed(attempts)


def _is_http(one: Handover) -> bool:
    return one.protocol in ("http", "https")


def _retries(one: Handover) -> HttpRetries:
    return msgspec.convert(one.policy.get("healthyRetryPolicy") or {}, HttpRetries)
