"""How long executions may take: one timer for all of them, since whichever began first is due first.

A timer for each, as `asyncio.timeout` has, is a noticeable part of a short query.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class TimeLimit:
    """Bounds executions to a number of seconds: `with limit.bound():` raises TimeoutError when they are over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Bounded, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def bound(self) -> Bounded:
        """The bound of one execution."""
        return Bounded(self)

    def begin(self, one: Bounded, loop: asyncio.AbstractEventLoop) -> float:
        """Count an execution in; when it is due."""
        due = loop.time() + self._seconds
        self._running[one] = None
        if self._timer is None:
            self._timer = loop.call_at(due, self._look, loop)
        return due

    def end(self, one: Bounded) -> None:
        """Count an execution out."""
        self._running.pop(one, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._running:
            one = next(iter(self._running))
            if one.due > loop.time():
                self._timer = loop.call_at(one.due, self._look, loop)
                return
            self.end(one)
            one.expire()


class Bounded:
    """What one execution runs in; a cancellation by others passes through it."""

    __slots__ = ("_cancelling", "_expired", "_limit", "_task", "due")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "executions run in tasks"
        self._task, self._cancelling = task, task.cancelling()
        self.due = self._limit.begin(self, task.get_loop())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._limit.end(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """End the execution: its time is over."""
        self._expired = True
        self._task.cancel()
