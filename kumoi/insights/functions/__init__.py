"""The functions of queries, each as SQL over the SQL of its arguments: a file for each kind of value.

Names are matched without regard to case. Source: "Boolean, comparison, numeric, datetime, and other functions".
"""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.insights.functions import addresses, general, numbers, texts, times
from kumoi.insights.functions.calling import Function, Scope, period
from kumoi.insights.syntax import Call, Malformed
from kumoi.insights.values import Expr

__all__ = ["FUNCTIONS", "Function", "Scope", "compiled", "period"]

FUNCTIONS: Mapping[str, Function] = {
    **numbers.FUNCTIONS,
    **texts.FUNCTIONS,
    **times.FUNCTIONS,
    **general.FUNCTIONS,
    **addresses.FUNCTIONS,
}


def compiled(scope: Scope, call: Call) -> Expr:
    """A call as SQL; Malformed when there is no such function, or its arguments are wrong."""
    function = FUNCTIONS.get(call.function)
    if function is None:
        raise Malformed(f"unknown function {call.function}", call.start, call.end)
    if not function.least <= len(call.arguments) <= function.most:
        raise Malformed(f"Invalid arguments for function {call.function}", call.start, call.end)
    return function.compile(scope, call)
