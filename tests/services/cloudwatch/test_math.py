"""Metric math over small series."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.cloudwatch.math.evaluation import Labelled, Scope, as_series, evaluate
from kumoi.services.cloudwatch.math.parser import ExpressionError, names, parse

KNOWN = {
    "a": Labelled("a", {0: 1.0, 60: 2.0, 120: 4.0}),
    "b": Labelled("b", {0: 2.0, 120: 8.0}),
}
SCOPE = Scope(KNOWN, list(KNOWN.values()), range(0, 240, 60), 60, lambda *_given: [KNOWN["a"]])  # type: ignore[arg-type]

CASES: dict[str, Any] = {
    "1 + 2 * 3": 7.0,
    "(1 + 2) * 3": 9.0,
    "2 ^ 3 ^ 2": 512.0,
    "-a": {0: -1.0, 60: -2.0, 120: -4.0},
    "a + b": {0: 3.0, 120: 12.0},
    "100 * b / a": {0: 200.0, 120: 200.0},
    "a > 1": {0: 0.0, 60: 1.0, 120: 1.0},
    "a > 1 AND a < 4": {0: 0.0, 60: 1.0, 120: 0.0},
    "a / 0": {},
    "SUM([a, b])": {0: 3.0, 60: 2.0, 120: 12.0},
    "SUM(METRICS())": {0: 3.0, 60: 2.0, 120: 12.0},
    'MAX(METRICS("b"))': {0: 2.0, 120: 8.0},
    "AVG(a)": pytest.approx(7 / 3),
    "FILL(b, 0)": {0: 2.0, 60: 0.0, 120: 8.0, 180: 0.0},
    "FILL(b, REPEAT)": {0: 2.0, 60: 2.0, 120: 8.0, 180: 8.0},
    "FILL(b, LINEAR)": {0: 2.0, 60: 5.0, 120: 8.0},
    "DIFF(a)": {60: 1.0, 120: 2.0},
    "RATE(b)": {120: 0.05},
    "DIFF_TIME(b)": {120: 120.0},
    "RUNNING_SUM(a)": {0: 1.0, 60: 3.0, 120: 7.0},
    "IF(a > 1, b, 0)": {0: 0.0, 120: 8.0},
    "IF(1, 5)": 5.0,
    "PERIOD(a)": 60.0,
    "ABS(0 - a)": {0: 1.0, 60: 2.0, 120: 4.0},
    "TIME_SERIES(3)": {0: 3.0, 60: 3.0, 120: 3.0, 180: 3.0},
    "SLICE(SORT([a, b], MAX, DESC), 0, 1)": {0: 2.0, 120: 8.0},
    "SEARCH('{NS} x', 'Sum', 60)": {0: 1.0, 60: 2.0, 120: 4.0},
}


@pytest.mark.parametrize("text", CASES)
def test_expressions(text: str) -> None:
    value = evaluate(parse(text), SCOPE)
    wanted = CASES[text]
    if isinstance(wanted, dict):
        (series,) = as_series(value, SCOPE)
        assert series.values == pytest.approx(wanted)
    else:
        assert value == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "(a",
        "a b",
        "SUM(",
        "a $ b",
        "FOO(a)",
        "unknown",
        '"text"',
        "(" * 100,
        "9e999",
        "FIRST(METRICS('none'))",
        "IF([a, b], 1, 2)",
        "SLICE([a, b], 0 / 0)",
        "TIME_SERIES(METRICS('none'))",
    ],
)
def test_what_is_wrong_is_told(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(parse(text), SCOPE)


def test_long_sums_and_long_series_take_no_long_time() -> None:
    many = range(0, 100_000 * 60, 60)
    scope = Scope({"a": Labelled("a", dict.fromkeys(many[::5], 1.0))}, (), many, 60, lambda *_given: [])
    begun = time.thread_time()
    assert evaluate(parse("1" + "+1" * 1_000), scope) == 1_001.0
    assert names(parse("a" + "+a" * 1_000)) == {"a"}
    (filled,) = as_series(evaluate(parse("FILL(a, LINEAR)"), scope), scope)
    assert len(filled.values) == len(many) - 4
    assert time.thread_time() - begun < 10


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["a", "b", "+", "-", "*", "/", "^", "(", ")", ",", "SUM(", "IF(", "[", "]", "9", "''"]))
)
def test_garbage_is_computed_or_refused(words: list[str]) -> None:
    try:
        evaluate(parse(" ".join(words)), SCOPE)
    except ExpressionError as error:
        assert str(error)
