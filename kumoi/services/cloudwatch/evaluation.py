"""Whether an alarm is in alarm: pure rules over the data points of its evaluation periods.

Source: "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" of the user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from kumoi.services.cloudwatch.records import StateValue

COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (lambda value, bound: value >= bound, "greater than or equal to"),
    "GreaterThanThreshold": (lambda value, bound: value > bound, "greater than"),
    "LessThanThreshold": (lambda value, bound: value < bound, "less than"),
    "LessThanOrEqualToThreshold": (lambda value, bound: value <= bound, "less than or equal to"),
}


class Rule(NamedTuple):
    """What an alarm asks: `needed` of the last `periods` data points beyond the threshold."""

    comparison: str
    threshold: float
    periods: int
    needed: int
    missing: str = "missing"


class Judgement(NamedTuple):
    """The state of an alarm, and why; None where it stays as it is."""

    state: StateValue | None
    reason: str = ""
    data: dict[str, Any] | None = None


def judge(rule: Rule, points: Sequence[tuple[float, float | None]], now: float) -> Judgement:
    """What the data points say: (start of the period, value or None), the oldest first, `rule.periods` of them."""
    beyond, words = COMPARISONS[rule.comparison]
    known = [(at, value) for at, value in points if value is not None]
    breaching = [beyond(value, rule.threshold) for _, value in known]
    absent = len(points) - len(known)
    if rule.missing == "breaching":
        breaching += [True] * absent
    elif rule.missing == "notBreaching":
        breaching += [False] * absent
    elif not known:
        return Judgement(None) if rule.missing == "ignore" else _no_data(rule, now)
    alarmed = sum(breaching) >= rule.needed
    if not alarmed and rule.missing in ("missing", "ignore") and _undecided(rule, breaching, absent):
        return Judgement(None)
    state: StateValue = "ALARM" if alarmed else "OK"
    return Judgement(state, _reason(rule, known, absent, alarmed, words), _data(rule, known, now))


def _undecided(rule: Rule, breaching: Sequence[bool], absent: int) -> bool:
    """Whether all that is there is beyond the threshold, but too few: then the state is kept."""
    return absent > 0 and all(breaching) and len(breaching) < rule.needed


def _no_data(rule: Rule, now: float) -> Judgement:
    many = rule.periods > 1
    text = f"Insufficient Data: {rule.periods} datapoint{'s were' if many else ' was'} unknown."
    return Judgement("INSUFFICIENT_DATA", text, _data(rule, [], now))


def _reason(rule: Rule, known: Sequence[tuple[float, float]], absent: int, alarmed: bool, words: str) -> str:
    if not known:
        how = "missing" if rule.missing == "missing" else rule.missing
        return (
            f"Threshold Crossed: no datapoints were received for {rule.periods} period{'s' * (rule.periods > 1)} and "
            f"{rule.periods} missing datapoint{'s were' if rule.periods > 1 else ' was'} treated as "
            f"[{'Breaching' if how == 'breaching' else 'NonBreaching'}]."
        )
    beyond, _ = COMPARISONS[rule.comparison]
    chosen = [(at, value) for at, value in known if beyond(value, rule.threshold) == alarmed] or list(known)
    shown = ", ".join(
        f"{value} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})" for at, value in reversed(chosen)
    )
    few = len(chosen)
    verb = "were" if few > 1 else "was"
    turn = "" if alarmed else "not "
    way = "OK -> ALARM" if alarmed else "ALARM -> OK"
    least = f"(minimum {rule.needed} datapoint{'s' * (rule.needed > 1)} for {way} transition)"
    head = (
        f"{few} out of the last {rule.periods} datapoints [{shown}] {verb}"
        if rule.periods > 1
        else (f"{few} datapoint [{shown}] was")
    )
    return f"Threshold Crossed: {head} {turn}{words} the threshold ({rule.threshold})" + (
        f" {least}." if rule.periods > 1 else "."
    )


def _data(rule: Rule, known: Sequence[tuple[float, float]], now: float) -> dict[str, Any]:
    """StateReasonData."""
    return {
        "version": "1.0",
        "queryDate": stamp(now),
        "startDate": stamp(known[0][0]) if known else stamp(now),
        "recentDatapoints": [value for _, value in known],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [{"timestamp": stamp(at), "value": value} for at, value in reversed(known)],
    }


def stamp(seconds: float) -> str:
    """A moment as `2026-01-02T03:04:05.000+0000`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
