"""From what is kept of metrics to the series that queries ask for: periods made of minutes, statistics, expressions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.services.cloudwatch.distribution import EMPTY, Distribution, is_statistic, statistic
from kumoi.services.cloudwatch.errors import refused
from kumoi.services.cloudwatch.math.evaluation import Labelled, Scope, Series, Value, as_series, evaluate
from kumoi.services.cloudwatch.math.parser import Apply, ExpressionError, Node, Number, Text, names, parse, walked
from kumoi.services.cloudwatch.records import Dimensions, Metric, Period
from kumoi.services.cloudwatch.storage import Reading, all_metrics, read
from kumoi.state import State

MOST_POINTS = 100_800
_HIGH_RESOLUTION = frozenset((1, 5, 10, 20, 30))
_SEARCHED = re.compile(r"\{([^}]*)\}\s*(.*)", re.DOTALL)


class Query(NamedTuple):
    """One of the queries of GetMetricData or of an alarm: a metric's statistic, or an expression."""

    id: str
    label: str
    period: int
    shown: bool
    metric: tuple[str, str, Dimensions] | None = None
    stat: str = ""
    unit: str | None = None
    tree: Node | None = None


class Result(NamedTuple):
    """What a query gave."""

    query: Query
    value: Value
    message: str = ""


def dimensions_of(given: Sequence[Mapping[str, str]] | None) -> Dimensions:
    """Dimensions by name."""
    return tuple(sorted((one["Name"], one["Value"]) for one in given or ()))


def check_period(period: int) -> None:
    """Raise ValidationError for a period that no metric has."""
    if period not in _HIGH_RESOLUTION and (period < 60 or period % 60):
        raise refused(f"Period {period} is not valid: it must be 1, 5, 10, 20, 30 or a multiple of 60.")


def queries_of(given: Sequence[Mapping[str, Any]]) -> list[Query]:
    """MetricDataQueries, checked; raises ValidationError."""
    found = [_query(one) for one in given]
    ids = [one.id for one in found]
    if len(set(ids)) < len(ids):
        raise refused("The values for parameter id in MetricDataQueries are not unique.")
    for one in found:
        unknown = sorted(name for name in names(one.tree) - set(ids) if name[:1].islower()) if one.tree else []
        if unknown:
            raise refused(f"Error in expression '{one.id}': the id {unknown[0]} is not used by any query.")
    return found


def _query(given: Mapping[str, Any]) -> Query:
    name, stat, expression = given["Id"], given.get("MetricStat"), given.get("Expression")
    if not re.fullmatch(r"[a-z][a-zA-Z0-9_]{0,254}", name):
        raise refused(f"The value '{name}' for parameter Id is not valid: it must begin with a lowercase letter.")
    if (stat is None) == (expression is None):
        raise refused(f"Exactly one of MetricStat and Expression must be given for '{name}'.")
    shown = given.get("ReturnData", True)
    if stat is None:
        try:
            tree = parse(str(expression))
        except ExpressionError as error:
            raise refused(f"Error in expression '{name}': {error}") from None
        return Query(name, given.get("Label", name), given.get("Period", 0), shown, tree=tree)
    metric = stat["Metric"]
    check_period(stat["Period"])
    if not is_statistic(stat["Stat"]):
        raise refused(f"The value {stat['Stat']} for parameter Stat is not supported.")
    place = (metric.get("Namespace", ""), metric.get("MetricName", ""), dimensions_of(metric.get("Dimensions")))
    label = given.get("Label") or place[1]
    return Query(name, label, stat["Period"], shown, place, stat["Stat"], stat.get("Unit"))


def series_of(found: Sequence[Period], period: int, stat: str, start: float) -> Series:
    """What is kept, as a statistic of each period; periods begin at multiples of their length."""
    whole: dict[int, Distribution] = {}
    for one in found:
        at = one.start // period * period
        if at >= start:
            whole[at] = whole.get(at, EMPTY).merged(one.values)
    values = {at: statistic(one, stat) for at, one in whole.items()}
    return {at: value for at, value in sorted(values.items()) if value is not None and math.isfinite(value)}


async def answer(state: State, queries: Sequence[Query], start: float, end: float) -> list[Result]:
    """What each query gives between two moments, in the order of the queries."""
    period = max((one.period for one in queries), default=60) or 60
    first = int(start // period) * period
    moments = range(first, max(first, math.ceil(end / period) * period), period)
    if len(moments) > MOST_POINTS:
        raise refused(f"The requested time range has more than {MOST_POINTS} data points.")
    known: dict[str, Value] = {}
    for one in queries:
        if one.metric is not None:
            known[one.id] = await _metric(state, one, first if one.period == period else start, end)
    labelled = [value for value in known.values() if isinstance(value, Labelled)]
    searches = await _searches(state, queries, start, end, period)
    scope = Scope(known, labelled, moments, period, lambda *given: searches[given])
    results: dict[str, Result] = {}
    waiting = [one for one in queries if one.tree is not None]
    while waiting:
        ready = [one for one in waiting if one.tree is not None and names(one.tree) <= known.keys() | _WORDS]
        if not ready:
            raise refused(f"The expression '{waiting[0].id}' uses itself.")
        for one in ready:
            assert one.tree is not None
            try:
                known[one.id] = evaluate(one.tree, scope)
                results[one.id] = Result(one, known[one.id])
            except ExpressionError as error:
                raise refused(f"Error in expression '{one.id}': {error}") from None
        waiting = [one for one in waiting if one not in ready]
    return [results.get(one.id, Result(one, known[one.id])) for one in queries]


def shown_series(result: Result, moments: Sequence[int], period: int) -> list[Labelled]:
    """A result as the series that an answer shows; one keeps the query's label, several their own."""
    scope = Scope({}, (), moments, period, lambda *_given: [])
    series = as_series(result.value, scope)
    return [Labelled(result.query.label, series[0].values)] if len(series) == 1 else series


_WORDS = frozenset(("REPEAT", "LINEAR", "SUM", "AVG", "MIN", "MAX", "ASC", "DESC"))


async def _metric(state: State, query: Query, start: float, end: float) -> Labelled:
    assert query.metric is not None
    first = int(start // query.period) * query.period
    found = await read(state, Reading(*query.metric, first, end, query.unit))
    return Labelled(query.label, series_of(found, query.period, query.stat, first))


async def _searches(
    state: State, queries: Sequence[Query], start: float, end: float, period: int
) -> dict[tuple[str, str, int], list[Labelled]]:
    """What each SEARCH(…) in the expressions finds."""
    found: dict[tuple[str, str, int], list[Labelled]] = {}
    for one in queries:
        for text, stat, length in _asked(one.tree, period) if one.tree is not None else ():
            if not is_statistic(stat):
                raise refused(f"The value {stat} for parameter Stat is not supported.")
            check_period(length)
            found[text, stat, length] = await _search(state, text, stat, length, start, end)
    return found


def _asked(tree: Node, period: int) -> list[tuple[str, str, int]]:
    found = []
    for node in walked(tree):
        if isinstance(node, Apply) and node.function == "SEARCH":
            texts = [one.value for one in node.arguments if isinstance(one, Text)]
            last = node.arguments[2] if len(node.arguments) > 2 else None
            length = int(last.value) if isinstance(last, Number) else period
            found += [(texts[0], texts[1], length)] if len(texts) == 2 else []
    return found


async def _search(state: State, text: str, stat: str, period: int, start: float, end: float) -> list[Labelled]:
    """The series of the metrics that a search text means: `{Namespace,Dimension} MetricName="x" word`."""
    form = _SEARCHED.fullmatch(text.strip())
    namespace, wanted = None, None
    if form is not None:
        schema = [part.strip().strip('"') for part in form[1].split(",")]
        namespace, wanted = schema[0], set(schema[1:])
        text = form[2]
    exact = re.findall(r'(\w+)\s*=\s*"?([^"\s]+)"?', text)
    words = re.sub(r'(\w+)\s*=\s*"?([^"\s]+)"?', " ", text).split()
    found = []
    async for metric in all_metrics(state, namespace):
        if wanted is not None and {name for name, _ in metric.dimensions} != wanted:
            continue
        if not _is_meant(metric, exact, [word.strip('"').lower() for word in words if word.upper() != "AND"]):
            continue
        first = int(start // period) * period
        values = await read(state, Reading(metric.namespace, metric.name, metric.dimensions, first, end))
        label = " ".join([*(value for _, value in metric.dimensions), metric.name])
        found.append(Labelled(label, series_of(values, period, stat, first)))
    return sorted(found, key=lambda one: one.label)[:100]


def _is_meant(metric: Metric, exact: Sequence[tuple[str, str]], words: Sequence[str]) -> bool:
    known = {"MetricName": metric.name, "Namespace": metric.namespace, **dict(metric.dimensions)}
    if any(known.get(name) != value for name, value in exact):
        return False
    text = " ".join(known.values()).lower()
    return all(word in text for word in words)
