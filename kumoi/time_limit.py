"""How long what runs often may take: one timer for all that is under way, since whatever began first is due first.

A timer for each, as `asyncio.timeout` has, is a noticeable part of what takes a tenth of a millisecond.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from types import TracebackType


class TimeLimit:
    """Bounds what tasks do to a number of seconds: `with limit.bound():` raises TimeoutError when they are over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.running: dict[Bounded, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the tasks run in: asking for the running one takes a system call each time."""
        return asyncio.get_running_loop()

    def bound(self) -> Bounded:
        """One bound."""
        return Bounded(self)

    def watch(self, due: float) -> None:
        """Have the timer run, for whoever is due first."""
        if self._timer is None:
            self._timer = self.loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        while self.running:
            one = next(iter(self.running))
            if one.due > self.loop.time():
                self.watch(one.due)
                return
            del self.running[one]
            one.expire()


class Bounded:
    """What something runs in; a cancellation by others passes through it."""

    __slots__ = ("_cancelling", "_expired", "_limit", "_task", "due")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self._expired = False

    def __enter__(self) -> None:
        limit = self._limit
        task = asyncio.current_task(limit.loop)
        assert task is not None, "what is bounded runs in a task"
        self._task, self._cancelling = task, task.cancelling()
        self.due = limit.loop.time() + limit.seconds
        limit.running[self] = None
        if len(limit.running) == 1:
            limit.watch(self.due)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._limit.running.pop(self, None)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """End what runs: its time is over."""
        self._expired = True
        self._task.cancel()
