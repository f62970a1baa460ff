"""When an alarm is in alarm, and the rules of composites."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.cloudwatch.alarm_rule import RuleError, parse
from kumoi.services.cloudwatch.evaluation import Rule, judge


@pytest.mark.parametrize(
    ("points", "missing", "needed", "state"),
    [
        ([1, 1, 9], "missing", 1, "ALARM"),
        ([1, 9, 9], "missing", 3, "OK"),
        ([9, 9, 9], "missing", 3, "ALARM"),
        ([None, None, None], "missing", 1, "INSUFFICIENT_DATA"),
        ([None, None, None], "ignore", 1, None),
        ([None, None, None], "breaching", 3, "ALARM"),
        ([None, None, None], "notBreaching", 3, "OK"),
        ([9, None, None], "missing", 1, "ALARM"),
        ([9, None, None], "missing", 2, None),
        ([1, None, None], "missing", 2, "OK"),
        ([9, None, None], "breaching", 3, "ALARM"),
        ([9, None, 9], "notBreaching", 3, "OK"),
        ([9, None, 9], "notBreaching", 2, "ALARM"),
    ],
)
def test_states(points: list[float | None], missing: str, needed: int, state: str | None) -> None:
    rule = Rule("GreaterThanThreshold", 5, 3, needed, missing)
    timed = [(60.0 * at, None if one is None else float(one)) for at, one in enumerate(points)]
    assert judge(rule, timed, 180).state == state


def test_the_reason_is_aws() -> None:
    found = judge(Rule("GreaterThanOrEqualToThreshold", 5.0, 1, 1), [(0.0, 7.0)], 60)
    assert found.reason == (
        "Threshold Crossed: 1 datapoint [7.0 (01/01/70 00:00:00)] was greater than or equal to the threshold (5.0)."
    )
    found = judge(Rule("GreaterThanThreshold", 5.0, 2, 2), [(0.0, 7.0), (60.0, 8.0)], 120)
    assert found.reason == (
        "Threshold Crossed: 2 out of the last 2 datapoints [8.0 (01/01/70 00:01:00), 7.0 (01/01/70 00:00:00)] were "
        "greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )


STATES = {"a": "ALARM", "b": "OK", "c": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('ALARM("a")', True),
        ("ALARM(a) AND OK('b')", True),
        ("ALARM(b) OR INSUFFICIENT_DATA(c)", True),
        ("NOT (ALARM(a) OR FALSE)", False),
        ("TRUE AND NOT ALARM(b)", True),
        ("ALARM(b) OR ALARM(a) AND FALSE", False),
    ],
)
def test_rules_of_composites(text: str, holds: bool) -> None:
    assert parse(text).holds(lambda name: STATES[name]) is holds


@pytest.mark.parametrize(
    "text", ["", "ALARM", "ALARM()", "ALARM(a) AND", "(ALARM(a)", "FOO(a)", "ALARM(a) OK(b)", "NOT " * 60]
)
def test_what_is_no_rule(text: Any) -> None:
    with pytest.raises(RuleError):
        parse(text)
