"""The functions of `stats`, as SQL aggregates. Source: "Functions to use with stats" of the user guide.

`earliest` and `latest` answer numbers for times, as recorded: epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from kumoi.insights.functions import Scope, period
from kumoi.insights.syntax import Call, Malformed, Number, Star
from kumoi.insights.values import Expr, Kind, as_number, as_text, milliseconds, number, text


class Records(Scope, Protocol):
    """What an aggregate asks of the records it is over."""

    def order(self) -> str:
        """The records' order in time, as something that compares."""
        ...


Compile = Callable[[Records, Call], Expr]


class Aggregate(NamedTuple):
    """How many arguments it takes, and what it is in SQL."""

    least: int
    most: int
    compile: Compile


def compiled(records: Records, call: Call) -> Expr:
    """A call as SQL."""
    aggregate = AGGREGATES[call.function]
    if not aggregate.least <= len(call.arguments) <= aggregate.most:
        raise Malformed(f"Invalid arguments for function {call.function}", call.start, call.end)
    return aggregate.compile(records, call)


def _first(records: Records, call: Call) -> Expr:
    return records.expression(call.arguments[0])


def _numbers(template: str) -> Compile:
    return lambda records, call: number(template.format(as_number(_first(records, call))))


def _count(records: Records, call: Call) -> Expr:
    if not call.arguments or isinstance(call.arguments[0], Star):
        return number("count(*)::DOUBLE")
    return number(f"count({_first(records, call).sql})::DOUBLE")


def _count_distinct(records: Records, call: Call) -> Expr:
    value = _first(records, call)
    return number(f"count(DISTINCT {value.sql if value.kind is not Kind.JSON else as_text(value)})::DOUBLE")


def _extreme(function: str) -> Compile:
    def compile_(records: Records, call: Call) -> Expr:
        value = _first(records, call)
        if value.kind in (Kind.NUMBER, Kind.TIME, Kind.TRUTH):
            return number(f"{function}({as_number(value)})")
        numeric = Expr(f"{function}({as_number(value)})", Kind.NUMBER)
        return text(f"coalesce({as_text(numeric)}, {function}({as_text(value)}))")

    return compile_


def _sorted(function: str) -> Compile:
    return lambda records, call: text(f"{function}({as_text(_first(records, call))})")


def _in_time(function: str) -> Compile:
    def compile_(records: Records, call: Call) -> Expr:
        value = _first(records, call)
        if value.kind in (Kind.TIME, Kind.TRUTH, Kind.NUMBER):
            return number(f"{function}({as_number(value)}, {records.order()})")
        return text(f"{function}({as_text(value)}, {records.order()})")

    return compile_


def _pct(records: Records, call: Call) -> Expr:
    share = call.arguments[1]
    if not isinstance(share, Number) or not 0 <= float(share.text) <= 100:
        raise Malformed("Invalid percentile in function pct", call.start, call.end)
    return number(f"quantile_cont({as_number(_first(records, call))}, {float(share.text) / 100!r})")


def _values(records: Records, call: Call) -> Expr:
    value = as_text(_first(records, call))
    return Expr(f"to_json(list_sort(array_agg(DISTINCT {value}) FILTER (WHERE {value} IS NOT NULL)))", Kind.JSON)


def _rate(records: Records, call: Call) -> Expr:
    """How much a value changes in a period, on average between the first and the last record."""
    value, moment = as_number(_first(records, call)), records.moment()
    change = f"arg_max({value}, {records.order()}) - arg_min({value}, {records.order()})"
    span = f"(max({moment}) - min({moment}))::DOUBLE / {milliseconds(period(call, 1))}"
    return number(f"coalesce(({change}) / nullif({span}, 0), 0)")


AGGREGATES: Mapping[str, Aggregate] = {
    "count": Aggregate(0, 1, _count),
    "count_over_time": Aggregate(1, 1, _count),
    "count_distinct": Aggregate(1, 1, _count_distinct),
    "sum": Aggregate(1, 1, _numbers("sum({0})")),
    "sum_over_time": Aggregate(1, 1, _numbers("sum({0})")),
    "avg": Aggregate(1, 1, _numbers("avg({0})")),
    "stddev": Aggregate(1, 1, _numbers("stddev_samp({0})")),
    "median": Aggregate(1, 1, _numbers("median({0})")),
    "min": Aggregate(1, 1, _extreme("min")),
    "max": Aggregate(1, 1, _extreme("max")),
    "pct": Aggregate(2, 2, _pct),
    "values": Aggregate(1, 1, _values),
    "earliest": Aggregate(1, 1, _in_time("arg_min")),
    "latest": Aggregate(1, 1, _in_time("arg_max")),
    "sortsfirst": Aggregate(1, 1, _sorted("min")),
    "sortslast": Aggregate(1, 1, _sorted("max")),
    "rate": Aggregate(2, 2, _rate),
}
