"""Timers: one task for the whole platform sleeps until the earliest due timer in state, then starts its handler.

Handlers start in the order their timers fell due and run side by side, so that a slow one holds up no other; one that
is set anew under its key while its handler runs waits for that handler. A timer is removed once its handler has
returned, unless the handler's own transaction removed it with its effect (`tx.complete_timer`). A handler that fails is
called again after a growing pause. Timers survive a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from kumoi.clock import Clock
from kumoi.state.interface import Timer, Transaction
from kumoi.state.sqlite import SqliteState

logger = logging.getLogger(__name__)

Handler = Callable[[Timer], Awaitable[None]]
Name = tuple[str, str, str, str]
"""What a timer replaces another by: account, region, topic and key."""

CONCURRENCY = 100
"""Handlers under way at once; what is due beyond them waits. Handlers hand long work to a task of their own."""
MAX_PAUSE = 300.0
"""Seconds of platform time, at most, until a handler that failed is called again."""
RECOVERY = 1.0
"""Real seconds until the next try when state itself failed (a full disk, say)."""

_NEVER = float("inf")


class TimerRunner:
    """Runs due timers. Register handlers with `on` before `start`."""

    def __init__(self, state: SqliteState, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._busy: set[Name] = set()
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._wakes_at = _NEVER
        self.advancing = False
        """Whether the clock is being advanced: handlers then see what they began through, as far as it goes."""
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
        if self._task is None:
            return
        tasks = [self._task, *self._running.values()]
        self._task = None
        self._idle.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Return once nothing that is due is left unrun or under way; at once when the runner is not started."""
        while self._task is not None:
            self._idle.clear()
            self._changed.set()
            await self._idle.wait()
            due = await self._state.next_timer()
            if due is None or due > self._clock.now():
                return

    async def advance(self, seconds: float) -> None:
        """Advance the clock, stopping at each timer on the way until its handler is done.

        A handler then finds the clock where its timer is due, and what it sets within the window fires within it: a
        schedule of every minute runs sixty times in an hour. ValueError for a negative time.
        """
        end = self._clock.now() + seconds
        self.advancing = True
        try:
            while self._task is not None:
                due = await self._state.next_timer()
                if due is None or due > end:
                    break
                self._clock.advance(max(due - self._clock.now(), 0.0))
                await self.idle()
        finally:
            self.advancing = False
        self._clock.advance(seconds if seconds < 0 else max(end - self._clock.now(), 0.0))

    def _set(self, due: float) -> None:
        if due < self._wakes_at:
            self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            self._wakes_at = _NEVER
            try:
                until = await self._start_due()
            except Exception:
                logger.exception("timers could not be read; the next try is in %.0f s", RECOVERY)
                await asyncio.sleep(RECOVERY)
                continue
            if not self._changed.is_set():
                await self._sleep(until)

    async def _start_due(self) -> float:
        """Start the handlers of what is due; answers when the next timer will be."""
        free = CONCURRENCY - len(self._running)
        held = len(self._busy)  # at most so many wait for the handlers that run under their names
        due = await self._state.due_timers(free + held, besides=self._running.keys()) if free else []
        for timer in due:
            name = (timer.account, timer.region, timer.topic, timer.key)
            if name in self._busy or len(self._running) == CONCURRENCY:
                continue
            if timer.key:
                self._busy.add(name)
            task = self._running[timer.id] = asyncio.create_task(self._fire(timer))
            task.add_done_callback(partial(self._ended, timer.id, name))
        if len(self._running) == CONCURRENCY:
            return _NEVER
        if not self._running:
            self._idle.set()
        following = await self._state.next_timer(after=self._clock.now())
        return _NEVER if following is None else following

    def _ended(self, timer_id: int, name: Name, _task: asyncio.Task[None]) -> None:
        del self._running[timer_id]
        self._busy.discard(name)
        self._changed.set()

    async def _sleep(self, until: float) -> None:
        """Sleep until a time of the platform's clock, or until an earlier timer was set or a handler ended."""
        self._wakes_at = until
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._changed.wait())]
        if until < _NEVER:
            waits.append(asyncio.create_task(self._clock.sleep_until(until)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _fire(self, timer: Timer) -> None:
        """Run a timer's handler, and remove the timer or set it anew."""
        try:
            if await self._handled(timer):
                await self._state.run(_complete, timer)
            else:
                pause = min(2.0**timer.attempts, MAX_PAUSE)
                await self._state.postpone_timer(timer, self._clock.now() + pause)
        except Exception:
            logger.exception("a timer of %s could not be removed; it fires again", timer.topic)
            await asyncio.sleep(RECOVERY)

    async def _handled(self, timer: Timer) -> bool:
        handler = self._handlers.get(timer.topic)
        if handler is None:
            logger.warning("nobody handles timers of %s; one is dropped", timer.topic)
            return True
        try:
            await handler(timer)
        except Exception:
            logger.exception("a timer of %s failed %d times; it fires again", timer.topic, timer.attempts + 1)
            return False
        return True


async def _complete(tx: Transaction, timer: Timer) -> None:
    tx.complete_timer(timer)
