"""Statistics of a period's values."""

from __future__ import annotations

import math
import random

import pytest

from kumoi.services.cloudwatch.distribution import EMPTY, Distribution, is_statistic, statistic


def of(*values: float) -> Distribution:
    return EMPTY.with_values((value, 1.0) for value in values)


TEN = of(*range(1, 11))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p0", 1),
        ("p50", 5.5),
        ("p100", 10),
        ("p90", 9.1),
        ("tm50", 3),
        ("TM(2:4)", 3),
        ("TC(:3)", 3),
        ("TS(9:)", 19),
        ("TM(10%:90%)", 5.5),
        ("PR(:5)", 50),
        ("PR(5:)", 50),
        ("WM(3:8)", 5.5),
        ("IQM", 5.5),
    ],
)
def test_statistics(name: str, value: float) -> None:
    assert is_statistic(name)
    assert statistic(TEN, name) == pytest.approx(value)


@pytest.mark.parametrize("name", ["", "sum", "p101", "p", "TM", "TM(1)", "x50", "TM(a:b)", "TM(-:5)", "PR(.:)"])
def test_what_is_no_statistic(name: str) -> None:
    assert not is_statistic(name)


def test_many_values_keep_their_percentiles_within_a_percent() -> None:
    rng = random.Random(1)
    values = [rng.lognormvariate(3, 1) for _ in range(5000)]
    halves = [of(*values[:2500]), of(*values[2500:])]
    whole = halves[0].merged(halves[1])
    assert len(whole.values) < 2000
    assert (whole.count, whole.least, whole.greatest) == (5000, min(values), max(values))
    assert whole.total == pytest.approx(math.fsum(values))
    for percent in (1, 50, 99):
        exact = sorted(values)[round(percent / 100 * 4999)]
        assert statistic(whole, f"p{percent}") == pytest.approx(exact, rel=0.02)


def test_statistic_sets_have_no_percentiles() -> None:
    found = EMPTY.with_set(4, 10, 1, 5)
    assert statistic(found, "Average") == 2.5
    assert statistic(found, "p50") is None
    assert statistic(EMPTY, "Sum") is None


def test_values_that_come_at_once_are_kept_as_those_that_come_one_by_one() -> None:
    rng = random.Random(2)
    values = [rng.choice((-1, 0, 1)) * rng.lognormvariate(3, 2) for _ in range(1000)]
    slowly = EMPTY
    for value in values:
        slowly = slowly.with_values([(value, 2.0)])
    at_once = EMPTY.with_values((value, 2.0) for value in values)
    assert at_once.values == slowly.values
    assert at_once.total == pytest.approx(slowly.total)
    assert (at_once.count, at_once.least, at_once.greatest) == (2000.0, min(values), max(values))
    assert EMPTY.with_values([]) == EMPTY
