"""What was found of the endpoints that health checks are about; in memory, found anew after a start."""

from __future__ import annotations

from typing import NamedTuple


class Observation(NamedTuple):
    """What a checker saw last; `when` in epoch seconds."""

    well: bool
    text: str
    when: float


class Observations:
    """Of each health check its last observation, the last failure, and whether it is well by its threshold."""

    def __init__(self) -> None:
        self.last: dict[str, Observation] = {}
        self.failed: dict[str, Observation] = {}
        self.found: dict[str, bool] = {}
        self._streaks: dict[str, int] = {}

    def note(self, check: str, seen: Observation, threshold: int) -> bool:
        """Take down what was seen; whether the check has changed its mind: after `threshold` in a row."""
        self.last[check] = seen
        if not seen.well:
            self.failed[check] = seen
        before = self.found.get(check)
        if before is None or before == seen.well:
            self._streaks[check] = 0
            if before is None:
                self.found[check] = seen.well
            return before is None and not seen.well
        self._streaks[check] = self._streaks.get(check, 0) + 1
        if self._streaks[check] < threshold:
            return False
        self._streaks[check] = 0
        self.found[check] = seen.well
        return True

    def forget(self, check: str) -> None:
        """Forget a check that is gone, or that checks something else now."""
        for one in (self.last, self.failed, self.found, self._streaks):
            one.pop(check, None)
