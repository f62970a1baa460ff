"""What is kept of a metric's values within one period, and the statistics of it. Pure.

A distribution has the count, sum, least and greatest exactly. The values themselves are kept with their counts while
there are few (`MOST_EXACT`); after that each is rounded to within one percent, so that percentiles stay good whatever
comes. Statistic sets have no values: of them, percentiles are not known.

Source: "CloudWatch statistics definitions" of the user guide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

import msgspec

MOST_EXACT = 150
_GROWTH = math.log(1.02)
_NUMBER = r"-?\d{1,20}(?:\.\d{1,20})?"
_FORM = re.compile(
    r"(?P<kind>p|tm|tc|ts|wm)(?P<percent>\d{1,3}(?:\.\d{1,10})?)"
    r"|(?P<ranged>TM|TC|TS|WM|PR)"
    rf"\((?:(?P<low>{_NUMBER})(?P<lowp>%?))?:(?:(?P<high>{_NUMBER})(?P<highp>%?))?\)"
    r"|(?P<iqm>IQM|iqm)"
)


class Distribution(msgspec.Struct, frozen=True, array_like=True):
    """The values of a period: `values` holds (value, count), rounded once there were too many; `known` of them."""

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf
    values: dict[str, float] = {}

    def with_values(self, values: Iterable[tuple[float, float]]) -> Distribution:
        """With more values, each as often as its count says."""
        given: Collection[tuple[float, float]] = [*values]
        if not given:
            return self
        found = Distribution(
            self.count + sum([times for _, times in given]),
            self.total + sum([value * times for value, times in given]),
            min(self.least, min(given)[0]),
            max(self.greatest, max(given)[0]),
        )
        if len(given) > MOST_EXACT and len({value for value, _ in given}) > MOST_EXACT:
            given = _together(given)
        kept = dict(self.values)
        for value, times in given:
            key = repr(value)
            kept[key] = kept.get(key, 0.0) + times
        return msgspec.structs.replace(found, values=_bounded(kept))

    def with_set(self, count: float, total: float, least: float, greatest: float) -> Distribution:
        """With a statistic set."""
        return Distribution(
            self.count + count,
            self.total + total,
            min(self.least, least),
            max(self.greatest, greatest),
            self.values,
        )

    def merged(self, other: Distribution) -> Distribution:
        """With the values of another period."""
        kept = dict(self.values)
        for key, times in other.values.items():
            kept[key] = kept.get(key, 0.0) + times
        return Distribution(
            self.count + other.count,
            self.total + other.total,
            min(self.least, other.least),
            max(self.greatest, other.greatest),
            _bounded(kept),
        )

    def ordered(self) -> list[tuple[float, float]]:
        """(value, count) by value."""
        return sorted((float(key), times) for key, times in self.values.items())


EMPTY = Distribution()


def _bounded(values: dict[str, float]) -> dict[str, float]:
    if len(values) <= MOST_EXACT:
        return values
    rounded: dict[str, float] = {}
    for key, times in values.items():
        near = _near(key)
        rounded[near] = rounded.get(near, 0.0) + times
    return rounded


def _together(values: Iterable[tuple[float, float]]) -> Collection[tuple[float, float]]:
    """Neighbours among values that are too many anyway, which costs less than to make each of them a key before."""
    rounded: dict[float, float] = {}
    for value, times in values:
        near = _rounded(value)
        rounded[near] = rounded.get(near, 0.0) + times
    return rounded.items()


@lru_cache(4096)
def _near(key: str) -> str:
    """The key that a value counts under once there are too many; most were rounded before."""
    return repr(_rounded(float(key)))


@lru_cache(8192)
def _rounded(value: float) -> float:
    """A value within one percent, always the same for neighbours."""
    if value == 0.0:
        return 0.0
    return math.copysign(_grown(round(math.log(abs(value)) / _GROWTH)), value)


@lru_cache(4096)
def _grown(steps: int) -> float:
    return math.exp(steps * _GROWTH)


_SIMPLE: Mapping[str, Callable[[Distribution], float]] = {
    "SampleCount": lambda found: found.count,
    "Sum": lambda found: found.total,
    "Average": lambda found: found.total / found.count,
    "Minimum": lambda found: found.least,
    "Maximum": lambda found: found.greatest,
}


def is_statistic(name: str) -> bool:
    """Whether CloudWatch has a statistic of that name."""
    if name in _SIMPLE:
        return True
    found = _FORM.fullmatch(name)
    if found is None:
        return False
    percent = found["percent"]
    return percent is None or float(percent) <= 100


def statistic(found: Distribution, name: str) -> float | None:
    """A statistic of a period's values; None where there are none, or only statistic sets. `name` must be one."""
    if not found.count:
        return None
    simple = _SIMPLE.get(name)
    if simple is not None:
        return simple(found)
    values = found.ordered()
    if not values:
        return None
    form = _FORM.fullmatch(name)
    assert form is not None, "is_statistic was asked before"
    if form["kind"] == "p":
        return _percentile(values, float(form["percent"]))
    kind, low, high = _bounds(form, values)
    if kind == "PR":
        inside = sum(times for value, times in values if low < value <= high)
        return 100.0 * inside / sum(times for _, times in values)
    if kind == "WM":
        return sum(min(max(value, low), high) * times for value, times in values) / sum(times for _, times in values)
    chosen = [(value, times) for value, times in values if low <= value <= high]
    count = sum(times for _, times in chosen)
    total = sum(value * times for value, times in chosen)
    if kind == "TC":
        return count
    if kind == "TS":
        return total
    return total / count if count else None


def _bounds(form: re.Match[str], values: list[tuple[float, float]]) -> tuple[str, float, float]:
    """Which kind of trimmed statistic, and the least and greatest value that it takes as they are."""
    if form["iqm"]:
        return "TM", _percentile(values, 25), _percentile(values, 75)
    if form["kind"]:
        return form["kind"].upper(), -math.inf, _percentile(values, float(form["percent"]))
    low, high = form["low"], form["high"]
    return (
        form["ranged"],
        -math.inf if low is None else _percentile(values, float(low)) if form["lowp"] else float(low),
        math.inf if high is None else _percentile(values, float(high)) if form["highp"] else float(high),
    )


def _percentile(values: list[tuple[float, float]], percent: float) -> float:
    """The value below which that share of the values lies, interpolated as CloudWatch does (nearest rank between)."""
    total = sum(times for _, times in values)
    rank = percent / 100 * (total - 1)
    seen = 0.0
    for at, (value, times) in enumerate(values):
        if rank <= seen + times - 1:
            return value
        seen += times
        if rank < seen and at + 1 < len(values):
            return value + (values[at + 1][0] - value) * (rank - (seen - 1))
    return values[-1][0]
