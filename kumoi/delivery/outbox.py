"""The outbox: deliveries that are rows until they are done.

A delivery is stored in the transaction that decided on it and tried as soon as that has committed. A failed one is
tried again on the platform's clock as `retry` says; then it is given up (the service writes its dead letter). What an
earlier process left behind is tried at the next start. So a target gets each delivery at least once.

Deliveries of one lane (a target) run side by side up to a bound, and never hold up those of another. Those that end in
the same turn of the event loop are removed in one transaction. What a service knows to be held up waits without being
tried or written: one timer looks for all of it whether that is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from kumoi.clock import Clock
from kumoi.delivery.retry import Failure, RetryPolicy, exhausted, failure_of, pause
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.space import Space
from kumoi.state.timers import TimerRunner

logger = logging.getLogger(__name__)

LANE_WIDTH = 32
"""Deliveries under way at once to one target."""
LOOK_SECONDS = 30.0
"""How often it is looked whether what holds deliveries up is over."""
_RELEASED = 256
"""How many that were held up are tried at once: there may be very many."""
_HELD = "held/"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Something to hand over: `content` is the service's own record of it, `lane` names its target.

    `attempts` counts the tries that failed; `accepted` and `due` are epoch seconds.
    """

    id: str
    account: str
    region: str
    lane: str
    content: bytes
    accepted: float
    policy: RetryPolicy = RetryPolicy()
    attempts: int = 0
    due: float = 0.0


@dataclass(slots=True)
class _Lane:
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LANE_WIDTH))
    users: int = 0


def growing(delivery: Delivery, attempts: int) -> float:
    """The pause before the next try, unless a service has rules of its own."""
    return pause(delivery.id, attempts)


def nothing_lasts(_held: str) -> bool:
    """Nothing holds deliveries up."""
    return False


async def nothing_more(_tx: Transaction, _delivery: Delivery) -> None:
    """A delivery that ended leaves nothing to do."""


class Outbox:
    """The deliveries of one service.

    `topic` names its rows and timers. `attempt` hands a delivery over or raises; `give_up` is told of one that will
    not be tried again; `ended` runs in the transaction that removes a delivery, taken or given up. `pause` says how
    many seconds go by after so many failed tries, `lasts` whether what a failure said it is `held` by still is.
    """

    def __init__(
        self,
        topic: str,
        *,
        state: State,
        clock: Clock,
        timers: TimerRunner,
        attempt: Callable[[Delivery], Awaitable[None]],
        give_up: Callable[[Delivery, Failure], Awaitable[None]],
        ended: Callable[[Transaction, Delivery], Awaitable[None]] = nothing_more,
        pause: Callable[[Delivery, int], float] = growing,
        lasts: Callable[[str], bool] = nothing_lasts,
    ) -> None:
        self._topic = topic
        self._state = state.at("", "")
        self._clock = clock
        self._attempt = attempt
        self._give_up = give_up
        self._ended = ended
        self._pause = pause
        self._lasts = lasts
        self._held: dict[str, dict[str, float]] = {}
        self._rows: Space[Delivery] = Space(topic, Delivery, lambda delivery: (delivery.id,), scope="global")
        self._lanes: dict[str, _Lane] = {}
        self._running: dict[str, tuple[asyncio.Task[None], str]] = {}
        self._over: list[Delivery] = []
        self._removals: set[asyncio.Task[None]] = set()
        self._stopped = False
        timers.on(topic, self._due)

    async def accept(self, tx: Transaction, deliveries: Iterable[Delivery]) -> None:
        """Store deliveries in a transaction; they are on their way once it has committed."""
        for delivery in deliveries:
            await self._rows.put(tx, delivery)
            tx.on_commit(lambda delivery=delivery: self._start(delivery))  # type: ignore[misc]

    async def resume(self) -> None:
        """Have what an earlier process left behind tried once the platform is up."""
        await self._state.run(self._wake)

    async def tried(self, ids: Iterable[str]) -> None:
        """Return once the tries of these deliveries that are under way have ended."""
        tasks = [self._running[one][0] for one in ids if one in self._running]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Stop; what is under way stays stored and is tried again at the next start."""
        self._stopped = True
        await self._cancel(list(self._running))
        await asyncio.gather(*self._removals)

    async def forget(self, account: str | None) -> None:
        """Drop the deliveries of an account, or all."""
        await self._cancel([one for one, (_, owner) in self._running.items() if account in (None, owner)])
        await self._state.run(self._drop, account)

    async def _cancel(self, ids: Iterable[str]) -> None:
        tasks = [self._running[one][0] for one in ids]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, delivery: Delivery) -> None:
        if self._stopped or delivery.id in self._running:
            return
        task = asyncio.create_task(self._run(delivery))
        self._running[delivery.id] = task, delivery.account
        task.add_done_callback(lambda _: self._running.pop(delivery.id, None))

    async def _due(self, timer: Timer) -> None:
        if timer.key.startswith(_HELD):
            await self._look(timer.key.removeprefix(_HELD))
            return
        delivery_id = timer.payload.decode()
        await self.tried([delivery_id])  # the try that set this timer may still be ending
        delivery = await _find(self._state, self._rows, delivery_id)
        if delivery is not None and delivery.due <= self._clock.now():
            self._start(delivery)
            await self.tried([delivery_id])

    async def _run(self, delivery: Delivery) -> None:
        lane = self._lanes.setdefault(delivery.lane, _Lane())
        lane.users += 1
        try:
            async with lane.slots:
                await self._try(delivery)
        except Exception:
            logger.exception("delivery %s to %s is stuck until the next start", delivery.id, delivery.lane)
        finally:
            lane.users -= 1
            if not lane.users:
                self._lanes.pop(delivery.lane, None)

    async def _try(self, delivery: Delivery) -> None:
        try:
            await self._attempt(delivery)
        except Exception as error:  # noqa: BLE001  (whatever went wrong, the delivery failed)
            failure = failure_of(error)
        else:
            await self._remove(delivery)
            return
        if failure.held and exhausted(delivery.policy, 0, self._clock.now() + LOOK_SECONDS, delivery.accepted) is None:
            await self._hold(delivery, failure.held)
            return
        now, attempts = self._clock.now(), delivery.attempts + 1
        if failure.retry:
            due = now + self._pause(delivery, attempts)
            limit = exhausted(delivery.policy, attempts, due, delivery.accepted)
            if limit is None:
                await self._state.run(self._retry, msgspec.structs.replace(delivery, attempts=attempts, due=due))
                return
            failure = msgspec.structs.replace(failure, exhausted=limit)
        logger.warning("delivery %s to %s is given up: %s", delivery.id, delivery.lane, failure.message)
        await self._give_up(delivery, failure)
        await self._remove(delivery)

    async def _hold(self, delivery: Delivery, held: str) -> None:
        """Have a delivery wait until what holds it up is over, or until the last moment that it may be tried at."""
        waiting = self._held.get(held)
        if waiting is None:
            waiting = self._held[held] = {}
            await self._state.run(self._look_later, held)
        waiting[delivery.id] = delivery.accepted + delivery.policy.age - LOOK_SECONDS

    async def _look(self, held: str) -> None:
        """Try what has waited long enough, which is all of it once nothing holds it up any more."""
        waiting = self._held.get(held, {})
        lasts, now = self._lasts(held), self._clock.now()
        over = [one for one, last in waiting.items() if not lasts or last < now]
        for start in range(0, len(over), _RELEASED):
            some = over[start : start + _RELEASED]
            for one in some:
                del waiting[one]
                delivery = await _find(self._state, self._rows, one)
                if delivery is not None:
                    self._start(delivery)
            await self.tried(some)
        if waiting:
            await self._state.run(self._look_later, held)
        else:
            self._held.pop(held, None)

    async def _look_later(self, tx: Transaction, held: str) -> None:
        tx.timer(tx.now + LOOK_SECONDS, self._topic, key=f"{_HELD}{held}")

    async def _remove(self, delivery: Delivery) -> None:
        """Remove a delivery that ended, with all others that end in this turn."""
        if not self._over:
            self._removal = asyncio.create_task(self._remove_all())
            self._removals.add(self._removal)
            self._removal.add_done_callback(self._removals.discard)
        self._over.append(delivery)
        await asyncio.shield(self._removal)

    async def _remove_all(self) -> None:
        over, self._over = self._over, []
        try:
            await self._state.run(self._finish, over)
        except Exception:
            logger.exception("%d deliveries that ended could not be removed together; each is now alone", len(over))
        else:
            return
        for delivery in over:
            try:
                await self._state.run(self._finish, [delivery])
            except Exception:
                logger.exception("delivery %s to %s is made again at the next start", delivery.id, delivery.lane)

    async def _finish(self, tx: Transaction, over: Sequence[Delivery]) -> None:
        for delivery in over:
            if await self._rows.delete(tx, delivery.id):
                await self._ended(tx.at(delivery.account, delivery.region), delivery)

    async def _retry(self, tx: Transaction, delivery: Delivery) -> None:
        if await self._rows.get(tx, delivery.id) is not None:
            await self._rows.put(tx, delivery)
            tx.timer(delivery.due, self._topic, delivery.id.encode(), key=delivery.id)

    async def _wake(self, tx: Transaction) -> None:
        for delivery in await self._rows.list(tx):
            tx.timer(delivery.due, self._topic, delivery.id.encode(), key=delivery.id)

    async def _drop(self, tx: Transaction, account: str | None) -> None:
        for delivery in await self._rows.list(tx):
            if account in (None, delivery.account):
                await self._rows.delete(tx, delivery.id)
                tx.cancel_timer(self._topic, delivery.id)


@transactional
async def _find(tx: Transaction, rows: Space[Delivery], delivery_id: str) -> Delivery | None:
    return await rows.get(tx, delivery_id)
