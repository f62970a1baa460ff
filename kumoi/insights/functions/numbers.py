"""Functions of numbers."""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.insights.functions.calling import Compile, Function, Scope, numbers
from kumoi.insights.syntax import Call
from kumoi.insights.values import Expr, as_number, number

_LOG = "CASE WHEN {0} > 0 THEN ln({0}) END"
_SQRT = "CASE WHEN {0} >= 0 THEN sqrt({0}) END"
_HAVERSINE = (
    "6371.0 * 2 * asin(sqrt(least(1, pow(sin(radians({2} - {0}) / 2), 2) "
    "+ cos(radians({0})) * cos(radians({2})) * pow(sin(radians({3} - {1}) / 2), 2))))"
)


def _extreme(function: str) -> Compile:
    def compile_(scope: Scope, call: Call) -> Expr:
        return number(f"{function}({', '.join(as_number(scope.expression(one)) for one in call.arguments)})")

    return compile_


def _histogram(scope: Scope, call: Call) -> Expr:
    value, width = (as_number(scope.expression(one)) for one in call.arguments)
    return number(f"(floor({value} / nullif({width}, 0)) * {width})")


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, 1, numbers("abs({0})")),
    "ceil": Function(1, 1, numbers("ceil({0})")),
    "floor": Function(1, 1, numbers("floor({0})")),
    "round": Function(
        1, 2, lambda scope, call: numbers("round({0}, {1}::INT)" if call.arguments[1:] else "round({0})")(scope, call)
    ),
    "greatest": Function(1, 50, _extreme("greatest")),
    "least": Function(1, 50, _extreme("least")),
    "log": Function(1, 1, numbers(_LOG)),
    "sqrt": Function(1, 1, numbers(_SQRT)),
    "haversine": Function(4, 4, numbers(_HAVERSINE)),
    "tonumber": Function(1, 1, numbers("{0}")),
    "todouble": Function(1, 1, numbers("{0}")),
    "toint": Function(1, 1, numbers("trunc({0})")),
    "tolong": Function(1, 1, numbers("trunc({0})")),
    "histogram": Function(2, 2, _histogram),
}
