"""Computes metric math. Pure.

A series is a mapping from moments (epoch seconds) to values; an expression gives one series, several, or a number.
Where two series meet, a moment that one of them lacks is left out. Source: "Using math expressions with CloudWatch
metrics" of the user guide.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeGuard

from kumoi.services.cloudwatch.math.parser import Apply, Array, ExpressionError, Name, Node, Number, Text

Series = dict[int, float]


class Labelled(NamedTuple):
    """A series with its label."""

    label: str
    values: Series


Value = float | Labelled | list[Labelled]


class Scope(NamedTuple):
    """What an expression sees: the other queries by id, and the moments and period that it is asked for.

    `metrics` are the results of the metrics alone, for METRICS(); `search` finds series for SEARCH(…).
    """

    known: Mapping[str, Value]
    metrics: Sequence[Labelled]
    moments: Sequence[int]
    period: int
    search: Callable[[str, str, int], list[Labelled]]


def evaluate(node: Node, scope: Scope) -> Value:
    """The value of an expression; raises ExpressionError."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        if node.name not in scope.known:
            raise ExpressionError(f"The expression uses {node.name}, which no query is named")
        return scope.known[node.name]
    if isinstance(node, Array):
        return [one for item in node.items for one in as_series(evaluate(item, scope), scope)]
    if isinstance(node, Text):
        raise ExpressionError(f'The text "{node.value}" stands where a series is wanted')
    if _is_operation(node):
        return _operated(node, scope)
    function = _FUNCTIONS.get(node.function)
    if function is None:
        raise ExpressionError(f"Kumoi's metric math has no function {node.function}")
    return function(node, scope)


def as_series(value: Value, scope: Scope) -> list[Labelled]:
    """A value as series: a number has it at every moment."""
    if isinstance(value, list):
        return value
    if isinstance(value, Labelled):
        return [value]
    return [Labelled(f"{value:g}", dict.fromkeys(scope.moments, float(value)))]


def _is_operation(node: Node) -> TypeGuard[Apply]:
    return isinstance(node, Apply) and node.function in _OPERATORS and len(node.arguments) == 2


def _operated(node: Apply, scope: Scope) -> Value:
    """The value of operators in a row, from left to right: a sum of a thousand terms is no deeper than one of two."""
    row: list[Apply] = []
    first: Node = node
    while _is_operation(first):
        row.append(first)
        first = first.arguments[0]
    value = evaluate(first, scope)
    for one in reversed(row):
        value = _meet(_OPERATORS[one.function], value, evaluate(one.arguments[1], scope))
    return value


def _divided(left: float, right: float) -> float:
    return left / right if right else math.nan


_OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divided,
    "^": lambda left, right: math.pow(left, right),
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}


def _meet(operator: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Apply an operator to numbers and series in any combination; series of both sides go in pairs."""
    if isinstance(left, list) or isinstance(right, list):
        lefts = left if isinstance(left, list) else None
        rights = right if isinstance(right, list) else None
        if lefts is not None and rights is not None:
            if len(lefts) != len(rights):
                raise ExpressionError("Arrays of different lengths cannot be combined")
            pairs: list[tuple[Value, Value]] = list(zip(lefts, rights, strict=True))
        elif lefts is not None:
            pairs = [(one, right) for one in lefts]
        else:
            pairs = [(left, one) for one in rights or ()]
        made = [_meet(operator, one, other) for one, other in pairs]
        return [one for one in made if isinstance(one, Labelled)]
    if isinstance(left, Labelled) and isinstance(right, Labelled):
        shared = left.values.keys() & right.values.keys()
        return _clean(left.label, {at: _safely(operator, left.values[at], right.values[at]) for at in shared})
    if isinstance(left, Labelled):
        number = _number(right)
        return _clean(left.label, {at: _safely(operator, value, number) for at, value in left.values.items()})
    if isinstance(right, Labelled):
        number = _number(left)
        return _clean(right.label, {at: _safely(operator, number, value) for at, value in right.values.items()})
    return _safely(operator, _number(left), _number(right))


def _safely(operator: Callable[[float, float], float], left: float, right: float) -> float:
    try:
        return operator(left, right)
    except (OverflowError, ValueError, ZeroDivisionError):
        return math.nan


def _number(value: Value) -> float:
    if not isinstance(value, float):
        raise ExpressionError("A number is wanted, not a series")
    return value


def _clean(label: str, values: Series) -> Labelled:
    return Labelled(label, {at: values[at] for at in sorted(values) if math.isfinite(values[at])})


def _argument(node: Apply, at: int, scope: Scope) -> Value:
    if at >= len(node.arguments):
        raise ExpressionError(f"{node.function} needs more arguments")
    return evaluate(node.arguments[at], scope)


def _each(function: Callable[[Series, Scope], Series]) -> Callable[[Apply, Scope], Value]:
    """A function of one series, or of each of several."""

    def apply(node: Apply, scope: Scope) -> Value:
        value = _argument(node, 0, scope)
        if isinstance(value, list):
            return [_clean(one.label, function(one.values, scope)) for one in value]
        (one,) = as_series(value, scope)
        return _clean(one.label, function(one.values, scope))

    return apply


def _pointwise(function: Callable[[float], float]) -> Callable[[Apply, Scope], Value]:
    def apply(node: Apply, scope: Scope) -> Value:
        value = _argument(node, 0, scope)
        if isinstance(value, float):
            return _safely(lambda left, _right: function(left), value, 0.0)
        whole = _each(
            lambda series, _: {at: _safely(lambda one, _: function(one), it, 0.0) for at, it in series.items()}
        )
        return whole(node, scope)

    return apply


def _folded(function: Callable[[Sequence[float]], float]) -> Callable[[Apply, Scope], Value]:
    """Of several series, a series of each moment's values; of one series, the number over all its moments."""

    def apply(node: Apply, scope: Scope) -> Value:
        value = _argument(node, 0, scope)
        if isinstance(value, Labelled):
            return function(list(value.values.values())) if value.values else math.nan
        series = as_series(value, scope)
        moments = {at for one in series for at in one.values}
        return _clean(
            node.function, {at: function([one.values[at] for one in series if at in one.values]) for at in moments}
        )

    return apply


def _fill(node: Apply, scope: Scope) -> Value:
    value = _argument(node, 0, scope)
    how = node.arguments[1] if len(node.arguments) > 1 else None
    word = how.name.upper() if isinstance(how, Name) and how.name.upper() in ("REPEAT", "LINEAR") else ""
    number = 0.0 if word or how is None else _number(evaluate(how, scope))
    filled = [Labelled(one.label, _filled(one.values, scope.moments, word, number)) for one in as_series(value, scope)]
    return filled if isinstance(value, list) else filled[0]


def _filled(series: Series, moments: Sequence[int], word: str, number: float) -> Series:
    if not word:
        return {at: series.get(at, number) for at in moments}
    filled = dict(series)
    known = sorted(series)
    for at in moments:
        place = bisect(known, at)
        if at in series or place == 0:
            continue
        before = known[place - 1]
        if word == "REPEAT":
            filled[at] = series[before]
        elif place < len(known):
            after = known[place]
            share = (at - before) / (after - before)
            filled[at] = series[before] + (series[after] - series[before]) * share
    return filled


def _if(node: Apply, scope: Scope) -> Value:
    condition = _argument(node, 0, scope)
    then = _argument(node, 1, scope)
    otherwise = _argument(node, 2, scope) if len(node.arguments) > 2 else None
    if isinstance(condition, float):
        chosen = then if condition else otherwise
        return Labelled("IF", {}) if chosen is None else chosen
    if isinstance(condition, list) and len(condition) != 1:
        raise ExpressionError("IF needs a condition of one series")
    asked = _one_of(condition, scope, node)
    picks = [
        one if one is None or isinstance(one, float) else _one_of(one, scope, node).values for one in (then, otherwise)
    ]
    values: Series = {}
    for at, truth in asked.values.items():
        pick = picks[0] if truth else picks[1]
        found = pick if isinstance(pick, float) or pick is None else pick.get(at)
        if found is not None:
            values[at] = found
    return _clean("IF", values)


def _metrics(node: Apply, scope: Scope) -> Value:
    part = node.arguments[0].value if node.arguments and isinstance(node.arguments[0], Text) else ""
    return [one for one in scope.metrics if part in one.label]


def _search(node: Apply, scope: Scope) -> Value:
    texts = [one.value for one in node.arguments if isinstance(one, Text)]
    if len(texts) != 2:
        raise ExpressionError("SEARCH needs a search text and a statistic")
    last = node.arguments[2] if len(node.arguments) > 2 else None
    period = int(last.value) if isinstance(last, Number) else scope.period
    return scope.search(texts[0], texts[1], period)


def _steps(function: Callable[[float, int], float]) -> Callable[[Series, Scope], Series]:
    """A function of the change between a value and the one before, and of the seconds between them."""

    def apply(series: Series, _scope: Scope) -> Series:
        moments = sorted(series)
        return {at: function(series[at] - series[before], at - before) for before, at in pairwise(moments)}

    return apply


def _running(series: Series, _scope: Scope) -> Series:
    total, values = 0.0, {}
    for at in sorted(series):
        total += series[at]
        values[at] = total
    return values


def _one_of(value: Value, scope: Scope, node: Apply, at: int = 0) -> Labelled:
    """One series, where there may be several."""
    series = as_series(value, scope)
    if not series:
        raise ExpressionError(f"{node.function} was given no series")
    return series[at]


def _picked(at: int) -> Callable[[Apply, Scope], Value]:
    return lambda node, scope: _one_of(_argument(node, 0, scope), scope, node, at)


def _slice(node: Apply, scope: Scope) -> Value:
    series = as_series(_argument(node, 0, scope), scope)
    given = [_number(evaluate(one, scope)) for one in node.arguments[1:3]]
    if not all(math.isfinite(one) for one in given):
        raise ExpressionError("SLICE needs whole numbers")
    bounds = [int(one) for one in given]
    return series[bounds[0] : bounds[1]] if len(bounds) == 2 else series[: bounds[0] if bounds else None]


def _sort(node: Apply, scope: Scope) -> Value:
    series = as_series(_argument(node, 0, scope), scope)
    words = [one.name.upper() for one in node.arguments[1:3] if isinstance(one, Name)]
    by = _AGGREGATES.get(words[0] if words else "", sum)
    turned = len(words) > 1 and words[1] == "DESC"
    ordered = sorted(series, key=lambda one: by(list(one.values.values()) or [0.0]), reverse=turned)
    most = node.arguments[3] if len(node.arguments) > 3 else None
    return ordered[: int(most.value)] if isinstance(most, Number) else ordered


_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": math.fsum,
    "AVG": statistics.fmean,
    "MIN": min,
    "MAX": max,
    "STDDEV": statistics.pstdev,
}
_FUNCTIONS: Mapping[str, Callable[[Apply, Scope], Value]] = {
    **{name: _folded(function) for name, function in _AGGREGATES.items()},
    "ABS": _pointwise(abs),
    "CEIL": _pointwise(lambda value: float(math.ceil(value))),
    "FLOOR": _pointwise(lambda value: float(math.floor(value))),
    "LOG": _pointwise(math.log),
    "LOG10": _pointwise(math.log10),
    "DIFF": _each(_steps(lambda change, _seconds: change)),
    "DIFF_TIME": _each(_steps(lambda _change, seconds: float(seconds))),
    "RATE": _each(_steps(lambda change, seconds: change / seconds)),
    "RUNNING_SUM": _each(_running),
    "PERIOD": lambda _node, scope: float(scope.period),
    "DATAPOINT_COUNT": _folded(lambda values: float(len(values))),
    "FIRST": _picked(0),
    "LAST": _picked(-1),
    "FILL": _fill,
    "IF": _if,
    "METRICS": _metrics,
    "SEARCH": _search,
    "SLICE": _slice,
    "SORT": _sort,
    "TIME_SERIES": _picked(0),
}
