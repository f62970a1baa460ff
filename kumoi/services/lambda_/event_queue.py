"""Asynchronous invocations: accepted durably, run in the background, retried as Lambda does.

An event is a row until it has been handled: a crash at any moment leaves it to be run at the next start. Function
errors are retried twice, after one and two minutes of platform time; throttles and platform errors for up to six
hours, with growing pauses. Rules: "Asynchronous invocation" of the developer guide.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from kumoi.doorway import Doorway, Principal, Trace
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.space import Space
from kumoi.state.timers import TimerRunner
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

TOPIC = "lambda.event"
RETRY_DELAYS = (60.0, 120.0)
MAX_AGE = 21_600.0
HOPELESS = frozenset({"ResourceNotFoundException", "InvalidRuntimeException"})
"""Errors of an invocation that trying again will not mend."""


class AsyncEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted event. `attempts` counts runs that ended in a function error, `faults` those the platform failed."""

    id: str
    account: str
    region: str
    function: str
    qualifier: str | None
    payload: bytes
    source: str
    trace: str
    accepted: float
    attempts: int = 0
    faults: int = 0
    due: float = 0.0


events: Space[AsyncEvent] = Space(TOPIC, AsyncEvent, lambda event: (event.id,), scope="global")


class EventQueue:
    """Runs accepted events. `concurrency` bounds how many are under way; the rest wait in state."""

    def __init__(self, doorway: Doorway, state: State, timers: TimerRunner, concurrency: int = 64) -> None:
        self._doorway = doorway
        self._state = state
        self._slots = asyncio.Semaphore(concurrency)
        self._running: dict[str, asyncio.Task[None]] = {}
        timers.on(TOPIC, self._due)

    async def accept(self, event: AsyncEvent) -> None:
        """Store the event; once this returns it will be run, whatever happens to this process."""
        await _store(self._state, event)
        self._start(event)

    async def resume(self) -> None:
        """See to it that what an earlier process accepted and did not finish is run once the platform is up."""
        await _resume(self._state)

    async def stop(self) -> None:
        """Stop running events; those under way stay stored and run again at the next start."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def forget(self, account: str | None) -> None:
        """Drop the waiting events of an account, or all."""
        await _forget(self._state, account)

    async def _due(self, timer: Timer) -> None:
        event = await _find(self._state, timer.payload.decode())
        if event is not None:
            self._start(event)

    def _start(self, event: AsyncEvent) -> None:
        if event.id not in self._running:
            task = asyncio.create_task(self._run(event))
            self._running[event.id] = task
            task.add_done_callback(lambda _: self._running.pop(event.id, None))

    async def _run(self, event: AsyncEvent) -> None:
        async with self._slots:
            if await _find(self._state, event.id) is None:
                return
            now = self._doorway.clock.now()
            try:
                failed = await self._invoke(event)
            except AwsError as error:
                if error.code in HOPELESS or now - event.accepted > MAX_AGE:
                    logger.warning("event %s for %s is dropped: %s", event.id, event.function, error)
                    await _finish(self._state, event)
                    return
                pause = min(2.0**event.faults, 300.0)
                await _retry(self._state, msgspec.structs.replace(event, faults=event.faults + 1, due=now + pause))
                return
        if not failed or event.attempts >= len(RETRY_DELAYS):
            await _finish(self._state, event)
            return
        due = self._doorway.clock.now() + RETRY_DELAYS[event.attempts]
        await _retry(self._state, msgspec.structs.replace(event, attempts=event.attempts + 1, due=due))

    async def _invoke(self, event: AsyncEvent) -> bool:
        """Invoke the function with the event, under the request id it was accepted with; whether it failed."""
        params = {"FunctionName": event.function, "Payload": event.payload}
        if event.qualifier is not None:
            params["Qualifier"] = event.qualifier
        answer = await self._doorway.ask(
            "lambda",
            "Invoke",
            params,
            Principal.of_service(event.account, "lambda.amazonaws.com", event.source),
            event.region,
            Trace.parse(event.trace, event.accepted),
            request_id=event.id,
        )
        return "FunctionError" in answer


@transactional
async def _store(tx: Transaction, event: AsyncEvent) -> None:
    await events.put(tx, event)


@transactional
async def _find(tx: Transaction, event_id: str) -> AsyncEvent | None:
    return await events.get(tx, event_id)


@transactional
async def _resume(tx: Transaction) -> None:
    for event in await events.list(tx):
        tx.timer(event.due, TOPIC, event.id.encode(), key=event.id)


@transactional
async def _retry(tx: Transaction, event: AsyncEvent) -> None:
    await events.put(tx, event)
    tx.timer(event.due, TOPIC, event.id.encode(), key=event.id)


@transactional
async def _finish(tx: Transaction, event: AsyncEvent) -> None:
    await events.delete(tx, event.id)


@transactional
async def _forget(tx: Transaction, account: str | None) -> None:
    for event in await events.list(tx):
        if account in (None, event.account):
            await events.delete(tx, event.id)
            tx.cancel_timer(TOPIC, event.id)
