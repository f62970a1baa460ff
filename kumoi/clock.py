"""The platform's clock: the only source of `now` and of sleeping.

Time runs with the machine until someone takes hold of it: it can be held (stands still), advanced (jumps
forward and wakes every sleeper that falls due, in order) and scaled (runs faster or slower). A one-hour Wait, a
TTL or a nightly schedule is then tested in milliseconds. User-code time-outs and sockets stay on real time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClockStatus:
    """What the clock shows: `now` in epoch seconds, whether it is held, and its speed (1.0 = real time)."""

    now: float
    held: bool
    scale: float


class Clock:
    """Platform time in epoch seconds, as a float.

    One instance belongs to one platform. Reading is cheap (no lock); sleeping needs a running event loop.
    `real` is the machine's epoch clock, injectable for tests. It `begins` at the machine's time unless told another.
    """

    def __init__(self, real: Callable[[], float] = time.time, *, begins: float | None = None) -> None:
        self._real = real
        self._anchor_real = real()
        self._anchor = self._anchor_real
        self._scale = 1.0
        self._held = False
        self._natural = begins is None
        if begins is not None:
            self._anchor = begins
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._abandoned = 0
        self._sequence = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """The platform's time in epoch seconds."""
        if self._natural:
            return self._real()
        if self._held:
            return self._anchor
        return self._anchor + (self._real() - self._anchor_real) * self._scale

    def status(self) -> ClockStatus:
        """What a person asks the clock: the time, whether it is held, how fast it runs."""
        return ClockStatus(self.now(), self._held, self._scale)

    async def sleep(self, seconds: float) -> None:
        """Sleep `seconds` of platform time; at once when not positive."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, due: float) -> None:
        """Sleep until the platform's time is `due` (epoch seconds); at once when that has passed."""
        if due <= self.now():
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due, next(self._sequence), future))
        self._arm()
        try:
            await future
        except asyncio.CancelledError:
            self._forget_abandoned()
            raise

    async def happens_by(self, happening: Coroutine[Any, Any, object], due: float) -> bool:
        """Whether `happening` ends before the platform's time is `due` (epoch seconds); it is cancelled if not.

        It may be told from the clock's side only: a time-out of the machine's would not see the clock advanced.
        """
        waits = (asyncio.ensure_future(happening), asyncio.ensure_future(self.sleep_until(due)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[0].done():
                waits[0].result()
                return True
            return False
        finally:
            for one in waits:
                one.cancel()

    def hold(self) -> None:
        """Stop the clock where it is: nothing falls due until it is advanced or released."""
        self._re_anchor()
        self._held = True
        self._arm()

    def release(self) -> None:
        """Let time run again from where it stands, at the scale last set."""
        self._re_anchor()
        self._held = False
        self._arm()

    def scale(self, factor: float) -> None:
        """Run `factor` times as fast as the machine's clock; `factor` must be positive."""
        if factor <= 0:
            raise ValueError("a clock's scale must be positive; hold it to stop it")
        self._re_anchor()
        self._scale = factor
        self._arm()

    def advance(self, seconds: float) -> None:
        """Jump `seconds` forward and wake every sleeper that has fallen due, the earliest first."""
        if seconds < 0:
            raise ValueError("a clock cannot be advanced by a negative time")
        self._re_anchor()
        self._anchor += seconds
        self._arm()

    def _re_anchor(self) -> None:
        self._anchor, self._anchor_real = self.now(), self._real()
        self._natural = False

    def _forget_abandoned(self) -> None:
        """Take cancelled sleepers off the heap once they are the larger part of it."""
        self._abandoned += 1
        if self._abandoned * 2 > len(self._sleepers):
            self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
            heapq.heapify(self._sleepers)
            self._abandoned = 0

    def _arm(self) -> None:
        """Wake what is due and set one timer of the loop for the earliest of the rest."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        now = self.now()
        while self._sleepers and (self._sleepers[0][0] <= now or self._sleepers[0][2].done()):
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
        if self._sleepers and not self._held:
            # A long wait is cut into pieces, so that a machine that slept or set its clock is noticed.
            delay = min((self._sleepers[0][0] - now) / self._scale, 60.0)
            loop = self._sleepers[0][2].get_loop()
            self._alarm = loop.call_later(max(delay, 0.0), self._arm)
