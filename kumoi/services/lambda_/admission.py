"""How many invocations run on this host at once: first come, first served, past a bound that follows the machine.

The bound is a number of invocations per processor, so that a burst of computing functions does not slow each other
into time-outs. But functions also sleep, or wait for functions that wait here: as long as somebody waits while
processors idle, the bound is raised, up to `most`. It falls back as invocations end. Nobody is turned away: a 429 only
ever comes from limits that AWS has, too (`concurrency.py`).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from pathlib import Path

_PER_PROCESSOR = 8
_STEP_PER_PROCESSOR = 4
_LOOK_SECONDS = 0.05
_IDLE_SHARE = 0.25


class Admission:
    """Admits invocations: `admitted() or await enter()`, then `leave()`."""

    def __init__(self, usual: int | None = None, most: int = 1000) -> None:
        processors = os.cpu_count() or 2
        self._usual = usual or _PER_PROCESSOR * processors
        self._step = _STEP_PER_PROCESSOR * processors
        self._most = max(most, self._usual)
        self._bound = self._usual
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._looking: asyncio.TimerHandle | None = None
        self._times = (0, 0)

    @property
    def running(self) -> int:
        """How many are admitted now."""
        return self._running

    def admitted(self) -> bool:
        """Enter where there is no need to wait."""
        if self._running < self._bound and not self._waiting:
            self._running += 1
            return True
        return False

    async def enter(self) -> None:
        """Wait for one's turn."""
        if self.admitted():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._look_soon()
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """One has ended: the next may run."""
        self._running -= 1
        if self._bound > self._usual and not self._waiting:
            self._bound = max(self._usual, self._running)
        if self._waiting:
            self._admit()

    def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    def _admit(self) -> None:
        while self._waiting and self._running < self._bound:
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)

    def _look_soon(self) -> None:
        if self._looking is None:
            self._times = processor_times()
            self._looking = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Raise the bound when somebody waits although processors idle."""
        self._looking = None
        before, self._times = self._times, processor_times()
        if not self._waiting:
            return
        idle, total = self._times[0] - before[0], self._times[1] - before[1]
        if total <= 0 or idle / total >= _IDLE_SHARE:
            self._bound = min(self._bound + self._step, self._most)
            self._admit()
        if self._waiting:
            self._looking = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)


def processor_times() -> tuple[int, int]:
    """(idle, total) ticks of all processors since the machine started; (0, 0) where the system does not tell."""
    try:
        with Path("/proc/stat").open() as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return 0, 0
    return ticks[3] + ticks[4], sum(ticks)
