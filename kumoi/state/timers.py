"""Timers: one task for the whole platform sleeps until the earliest due timer in state, then runs its handler.

A timer is removed once its handler has returned, unless the handler's own transaction removed it with its effect
(`tx.complete_timer`). A handler that fails is called again after a growing pause. Timers survive a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from kumoi.clock import Clock
from kumoi.state.interface import Timer, Transaction
from kumoi.state.sqlite import SqliteState

logger = logging.getLogger(__name__)

Handler = Callable[[Timer], Awaitable[None]]

BATCH = 100
MAX_PAUSE = 300.0


class TimerRunner:
    """Runs due timers. Register handlers with `on` before `start`."""

    def __init__(self, state: SqliteState, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        state.engine.on_timer = self._set

    def on(self, topic: str, handler: Handler) -> None:
        """Have `handler` called for the timers of a topic; ValueError when it has one already."""
        if topic in self._handlers:
            raise ValueError(f"the topic {topic} already has a handler")
        self._handlers[topic] = handler

    async def start(self) -> None:
        """Begin to run timers, those that fell due while nothing ran first."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; handlers under way are cancelled and their timers fire again at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def idle(self) -> None:
        """Return once nothing that is due is left unrun; at once when the runner is not started."""
        while self._task is not None:
            self._idle.clear()
            self._changed.set()
            await self._idle.wait()
            due = await self._state.next_timer()
            if due is None or due > self._clock.now():
                return

    def _set(self, due: float) -> None:
        self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            due = await self._state.due_timers(BATCH)
            if due:
                await asyncio.gather(*(self._fire(timer) for timer in due))
                continue
            self._idle.set()
            await self._sleep(await self._state.next_timer())

    async def _sleep(self, until: float | None) -> None:
        """Sleep until a time of the platform's clock, or until a timer was set."""
        changed = asyncio.create_task(self._changed.wait())
        waits: list[asyncio.Task[object]] = [changed]
        if until is not None:
            waits.append(asyncio.create_task(self._clock.sleep_until(until)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _fire(self, timer: Timer) -> None:
        handler = self._handlers.get(timer.topic)
        try:
            if handler is None:
                logger.warning("nobody handles timers of %s; one is dropped", timer.topic)
            else:
                await handler(timer)
        except Exception:
            pause = min(2.0**timer.attempts, MAX_PAUSE)
            logger.exception("a timer of %s failed; it fires again in %.0f s", timer.topic, pause)
            await self._state.postpone_timer(timer, self._clock.now() + pause)
            return
        await self._state.run(_complete, timer)


async def _complete(tx: Transaction, timer: Timer) -> None:
    tx.complete_timer(timer)
