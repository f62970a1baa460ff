"""Which patterns are unusual: new ones, those that come far more often than before, and those that come in bursts.

AWS does not say how `anomaly` decides; this is counting. A count is far more than another where the difference is six
times what chance makes of counts of that size (their square root), and at least twice as many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import median
from typing import Protocol

PARTS = 30
"""Into how many parts a query's time is divided."""
_LEAST = 10
_SIGMAS = 6


class Counted(Protocol):
    """How often a pattern comes: now, in the time before of the same length, and now by part of the time."""

    @property
    def now(self) -> float:
        """Events in the query's time."""
        ...

    @property
    def before(self) -> float:
        """Events in the time before."""
        ...

    @property
    def parts(self) -> Mapping[int, float]:
        """Events by part of the query's time; parts without one may be missing."""
        ...


def anomalies(found: Sequence[Counted]) -> dict[int, tuple[str, str]]:
    """What is unusual of patterns: kind and description, by their place."""
    known = any(one.before for one in found)
    judged = ((place, _judge(one, known)) for place, one in enumerate(found))
    return {place: told for place, told in judged if told is not None}


def _judge(one: Counted, known: bool) -> tuple[str, str] | None:
    if not one.now:
        return None
    if known and not one.before:
        return "New pattern", f"{_times(one.now)}, and not in the time before, which is as long."
    if known and _far_more(one.now, one.before):
        return "Pattern frequency", f"{_times(one.now)}, in the time before {_times(one.before)}."
    parts = [one.parts.get(part, 0.0) for part in range(PARTS)]
    usual, most = median(parts), max(parts)
    if _far_more(most, usual):
        told = f"Up to {_times(most)} in a {PARTS}th of the time, which usually has {round(usual):,}."
        return "Pattern frequency", told
    return None


def _far_more(count: float, than: float) -> bool:
    return count >= _LEAST and count >= 2 * than and count - than > _SIGMAS * sqrt(than + 1)


def _times(count: float) -> str:
    return "once" if round(count) == 1 else f"{round(count):,} times"
