"""Asynchronous invocations: accepted durably, run in the background, retried as Lambda does, their results passed on.

An event is a row until it has been handled and what follows from it delivered: a crash at any moment leaves it to be
taken up at the next start. Function errors are retried after one and two minutes of platform time, as often as the
function's configuration says; throttles and platform errors as long as the event may live, with growing pauses.
Rules: "Asynchronous invocation" of the developer guide.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
import orjson

from kumoi.doorway import CallDropped, Doorway, Principal, Trace
from kumoi.names import arn
from kumoi.services.lambda_.destinations import Delivery, Ended, dead_letter_attributes, deliver, record_of
from kumoi.services.lambda_.identifiers import LATEST
from kumoi.services.lambda_.lineage import MOST, STOPPED, entered, mark_of, times
from kumoi.services.lambda_.lookup import EventSettings, event_settings
from kumoi.state import State, Timer, Transaction, transactional
from kumoi.state.space import Space
from kumoi.state.timers import TimerRunner
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

TOPIC = "lambda.event"
RETRY_DELAYS = (60.0, 120.0)
MAX_AGE = 21_600.0
MAX_PAUSE = 300.0
MAX_DELIVERY_FAULTS = 16
HOPELESS = frozenset({"ResourceNotFoundException", "InvalidRuntimeException", STOPPED})
"""Errors of an invocation that trying again will not mend."""


class AsyncEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted event. `attempts` counts runs that ended in a function error, `faults` those the platform failed.

    `deliveries` is what is left to hand over once the event itself has been handled (`handled`).
    """

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
    handled: bool = False
    deliveries: tuple[Delivery, ...] = ()

    @property
    def function_arn(self) -> str:
        """The function's ARN with the qualifier that was invoked."""
        return f"{arn('lambda', self.region, self.account, f'function:{self.function}')}:{self.qualifier or LATEST}"

    @property
    def mark(self) -> str:
        """What lineages call the function."""
        return mark_of(self.account, self.region, self.function)

    @property
    def lineage(self) -> str:
        """The lineage that the event came with."""
        return Trace.parse(self.trace, self.accepted).lineage


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
            handled: AsyncEvent | None = event
            if not event.handled:
                handled = await self._handle(event)
            if handled is not None:
                await self._deliver(handled)

    async def _handle(self, event: AsyncEvent) -> AsyncEvent | None:
        """Run an event once: what is left to deliver when it has been handled, None when it will be tried again."""
        settings = await event_settings(self._state.at(event.account, event.region), event.function, event.qualifier)
        most = len(RETRY_DELAYS) if settings.max_attempts is None else settings.max_attempts
        expires = event.accepted + (settings.max_age or MAX_AGE)
        invocations = event.attempts + 1
        try:
            answer = await self._invoke(event)
        except (AwsError, CallDropped) as error:
            pause = min(2.0**event.faults, MAX_PAUSE)
            due = self._now + pause
            code, text = (error.code, error.message) if isinstance(error, AwsError) else ("", "There was no answer.")
            if code == STOPPED and times(event.lineage, event.mark) > MOST:
                settings = EventSettings()  # it is what came of telling that the loop was stopped
            if code in HOPELESS or settings.stopped or due > expires:
                condition: Any = "EventAgeExceeded" if due > expires else "RetriesExhausted"
                return await self._end(event, settings, Ended(condition, event.attempts, fault=text))
            await _retry(self._state, msgspec.structs.replace(event, faults=event.faults + 1, due=due))
            return None
        ended = Ended("Success", invocations, answer["ExecutedVersion"], answer.get("FunctionError"), answer["Payload"])
        if ended.function_error is None:
            return await self._end(event, settings, ended)
        if event.attempts >= most:
            return await self._end(event, settings, msgspec.structs.replace(ended, condition="RetriesExhausted"))
        due = self._now + RETRY_DELAYS[event.attempts]
        if due > expires:
            return await self._end(event, settings, msgspec.structs.replace(ended, condition="EventAgeExceeded"))
        await _retry(self._state, msgspec.structs.replace(event, attempts=invocations, due=due))
        return None

    async def _end(self, event: AsyncEvent, settings: EventSettings, ended: Ended) -> AsyncEvent:
        """The event has been handled: store what follows from it before any of it happens."""
        success = ended.condition == "Success"
        deliveries = []
        target = settings.on_success if success else settings.on_failure
        if target is not None:
            record = record_of(event.id, event.function_arn, event.payload, ended, self._now)
            deliveries.append(Delivery("destination", target, orjson.dumps(record), success, event.function_arn))
        if not success and settings.dead_letter is not None:
            attributes = dead_letter_attributes(event.id, ended)
            letter = Delivery("dead-letter", settings.dead_letter, event.payload, False, event.function_arn, attributes)
            deliveries.append(letter)
        if not success and not deliveries:
            logger.warning("event %s for %s is dropped: %s", event.id, event.function, ended.fault or ended.condition)
        handled = msgspec.structs.replace(event, handled=True, faults=0, deliveries=tuple(deliveries))
        await (_store if deliveries else _finish)(self._state, handled)
        return handled

    async def _deliver(self, event: AsyncEvent) -> None:
        """Hand over what is left, one after the other; a target that fails is tried again later."""
        trace = msgspec.structs.replace(
            Trace.parse(event.trace, event.accepted), lineage=entered(event.lineage, event.mark)
        )
        while event.deliveries:
            first, *rest = event.deliveries
            try:
                await deliver(self._doorway, first, f"lambda:{event.function}", trace, self._now)
            except (AwsError, CallDropped) as error:
                if event.faults < MAX_DELIVERY_FAULTS:
                    due = self._now + min(2.0**event.faults, MAX_PAUSE)
                    await _retry(self._state, msgspec.structs.replace(event, faults=event.faults + 1, due=due))
                    return
                logger.warning("the %s of event %s is dropped: %s: %r", first.kind, event.id, first.target, error)
            event = msgspec.structs.replace(event, deliveries=tuple(rest), faults=0)
            await (_store if rest else _finish)(self._state, event)

    async def _invoke(self, event: AsyncEvent) -> dict[str, Any]:
        """Invoke the function with the event, under the request id it was accepted with."""
        params = {"FunctionName": event.function, "Payload": event.payload}
        if event.qualifier is not None:
            params["Qualifier"] = event.qualifier
        answer: dict[str, Any] = await self._doorway.ask(
            "lambda",
            "Invoke",
            params,
            Principal.of_service(event.account, "lambda.amazonaws.com", event.source),
            event.region,
            Trace.parse(event.trace, event.accepted),
            request_id=event.id,
            attributes={"accepted": repr(event.accepted), "attempt": str(event.attempts + 1)},
        )
        return answer

    @property
    def _now(self) -> float:
        return self._doorway.clock.now()


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
