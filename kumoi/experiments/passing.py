"""Time, while an experiment runs: it is waited for, sped up, and let pass until the application is quiet.

Time is the platform's: where nobody has to be waited for it is advanced, so that back-offs cost no real time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kumoi.experiments.application import Application
from kumoi.experiments.model import BadExperiment
from kumoi.experiments.verdict import Check, busy

STEP_SECONDS = 5.0
"""Seconds of the platform's clock between two looks at whether all is quiet."""
BREATH = 0.05
"""Real seconds that what has fallen due has to begin."""
PATIENCE = 20.0
"""Real seconds, at most, for which calls under way are waited for before time passes on."""
CALM_STEPS = 3
"""Looks in a row at which all must be quiet."""
HOPELESS_STEPS = 8
"""The same while invariants are broken: nothing will put them right any more."""
LOOK_SECONDS = 0.5
"""Real seconds between two looks at what has passed the doorway: it remembers the last ten thousand calls."""


class Time:
    """The time of one application."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def now(self) -> float:
        """The platform's time, in epoch seconds."""
        return float(self._application.ask("GET", "clock")["now"])

    def pause(self, duration: float) -> None:
        """Wait until the platform's clock has gone on for so long."""
        due = self.now() + duration
        while True:
            clock = self._application.ask("GET", "clock")
            if clock["held"]:
                raise BadExperiment("the clock is held: release it, a method waits")
            left = (due - clock["now"]) / clock["scale"]
            if left <= 0:
                return
            time.sleep(min(left, 1.0))

    @contextmanager
    def speed(self, factor: float) -> Iterator[None]:
        """Have the platform's clock run so fast meanwhile."""
        before = self._application.ask("GET", "clock")["scale"]
        if factor != before:
            self._application.ask("POST", "clock", {"action": "scale", "factor": factor})
        try:
            yield
        finally:
            if factor != before:
                self._application.ask("POST", "clock", {"action": "scale", "factor": before})

    def settle(self, left: float, look: Callable[[], list[Check]]) -> tuple[list[Check], float | None]:
        """Let time pass until all is quiet and the invariants hold, `left` seconds at most; what they say then.

        `look` tells of the invariants. The second value is the platform's time since when they held; None when they do
        not.
        """
        since: float | None = None
        calm = 0
        while True:
            now, quiet = self._pass(min(STEP_SECONDS, left))
            left -= STEP_SECONDS
            checks = look()
            held = all(check.held for check in checks)
            since = (since or now) if held else None
            calm = calm + 1 if quiet else 0
            if left <= 0 or calm >= (CALM_STEPS if held else HOPELESS_STEPS):
                return checks, since

    def linger(self, left: float) -> None:
        """Let time pass while all is broken, until nothing goes on any more."""
        calm = 0
        while left > 0 and calm < CALM_STEPS:
            _, quiet = self._pass(min(STEP_SECONDS, left))
            left -= STEP_SECONDS
            calm = calm + 1 if quiet else 0

    def watched(self, start: float) -> Passed:
        """What passes the doorway from a time of the platform's on, gathered while it goes on."""
        return Passed(self._application, start, self._recorded())

    def _pass(self, duration: float) -> tuple[float, bool]:
        """Let time pass: when that began, by the platform's clock, and whether all was quiet then.

        What is under way when it has passed is waited for, a moment at least.
        """
        application = self._application
        began = self.now()
        recorded = self._recorded()
        application.ask("POST", "clock", {"action": "advance", "seconds": duration})
        give_up = time.monotonic() + PATIENCE
        time.sleep(BREATH)
        while busy(self._under_way()) and time.monotonic() < give_up:
            time.sleep(BREATH)
        passed = Passed(application, began, recorded)
        passed.look()
        quiet = not busy(passed.hops) and not busy(self._under_way())
        return began, quiet and not any(application.waiting(queue) for queue in application.consumed())

    def _recorded(self) -> int:
        """How many calls have passed the doorway until now."""
        return int(self._application.ask("GET", "hops", limit="0")["recorded"])

    def _under_way(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._application.ask("GET", "calls", account=self._application.account)["calls"]
        return found


class Passed:
    """Gathers the `hops` of a run while it goes on. `missed` is how many calls, of whichever account, were not seen."""

    def __init__(self, application: Application, start: float, recorded: int) -> None:
        self._application = application
        self._start = start
        self._number = recorded
        self.hops: list[dict[str, Any]] = []
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look_on, name="hops", daemon=True)
        self.missed = 0

    def __enter__(self) -> Passed:
        self._looking.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._looking.join()

    def close(self) -> None:
        """Look for the last time: what passes from now on is none of the run's."""
        if not self._over.is_set():
            self._over.set()
            self._looking.join()
            self.look()

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Gather what has passed since the last look."""
        recorded = None
        while recorded is None or self._number < recorded:  # what passes while this looks is for the next look
            told = self._application.ask("GET", "hops", after=str(self._number), account=self._application.account)
            self.missed += told["missed"]
            self.hops += _since(self._start, told["hops"])
            self._number, recorded = told["through"], recorded or told["recorded"]


def _since(start: float, hops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The hops that began at a time (epoch seconds), or later."""
    return [hop for hop in hops if hop["time"] >= int(start * 1000)]
