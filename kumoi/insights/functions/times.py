"""Functions of times: borders of periods, and times as numbers and back."""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.insights.functions.calling import Function, Scope, period
from kumoi.insights.syntax import Call
from kumoi.insights.values import Expr, Kind, as_number, as_time, ceil_to, floor_to, number, time


def _bin(scope: Scope, call: Call) -> Expr:
    return time(floor_to(scope.moment(), period(call, 0), scope.bin_offset))


def _datefloor(scope: Scope, call: Call) -> Expr:
    return time(floor_to(as_time(scope.expression(call.arguments[0])), period(call, 1)))


def _dateceil(scope: Scope, call: Call) -> Expr:
    return time(ceil_to(as_time(scope.expression(call.arguments[0])), period(call, 1)))


def _from_millis(scope: Scope, call: Call) -> Expr:
    return time(as_time(scope.expression(call.arguments[0])))


def _to_millis(scope: Scope, call: Call) -> Expr:
    value = scope.expression(call.arguments[0])
    if value.kind is Kind.TEXT:
        return number(f"epoch_ms(try_cast({value.sql} AS TIMESTAMP))::DOUBLE")
    return number(as_number(value))


def _now(scope: Scope, _call: Call) -> Expr:
    return number(f"{scope.now // 1000}::DOUBLE")


FUNCTIONS: Mapping[str, Function] = {
    "bin": Function(1, 1, _bin),
    "datefloor": Function(2, 2, _datefloor),
    "dateceil": Function(2, 2, _dateceil),
    "frommillis": Function(1, 1, _from_millis),
    "tomillis": Function(1, 1, _to_millis),
    "now": Function(0, 0, _now),
}
