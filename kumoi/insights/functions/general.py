"""Functions of any values: what is there, choices, JSON."""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.insights.functions.calling import Function, Scope, cut
from kumoi.insights.syntax import Call, Field
from kumoi.insights.values import NOTHING, Expr, Kind, as_json, as_number, as_text, as_truth, number, text, truth


def _ispresent(scope: Scope, call: Call) -> Expr:
    value = scope.expression(call.arguments[0])
    return truth("true" if value.kind is Kind.TRUTH else f"({value.sql} IS NOT NULL)")


def _coalesce(scope: Scope, call: Call) -> Expr:
    values = [scope.expression(one) for one in call.arguments]
    kinds = {value.kind for value in values if value != NOTHING}
    if len(kinds) == 1 and (kind := kinds.pop()) in (Kind.NUMBER, Kind.TIME):
        known = [value.sql for value in values if value != NOTHING]
        return Expr(f"coalesce({', '.join(known)})", kind)
    return text(f"coalesce({', '.join(map(as_text, values))})")


def _choice(scope: Scope, call: Call) -> Expr:
    """`if(condition, then, else)`, and `case(condition, then, …, else)`."""
    arguments = list(call.arguments)
    last = scope.expression(arguments.pop()) if len(arguments) % 2 else NOTHING
    pairs = [
        (as_truth(scope.expression(arguments[at])), scope.expression(arguments[at + 1]))
        for at in range(0, len(arguments), 2)
    ]
    values = [value for _, value in pairs] + ([last] if last != NOTHING else [])
    numeric = all(value.kind is Kind.NUMBER for value in values)
    as_ = as_number if numeric else as_text
    branches = " ".join(f"WHEN {condition} THEN {as_(value)}" for condition, value in pairs)
    return (number if numeric else text)(f"CASE {branches} ELSE {as_(last)} END")


def _json_parse(scope: Scope, call: Call) -> Expr:
    return Expr(as_json(scope.expression(call.arguments[0])), Kind.JSON)


def _json_stringify(scope: Scope, call: Call) -> Expr:
    value = scope.expression(call.arguments[0])
    return text(
        f"json({value.sql})::VARCHAR" if value.kind is Kind.JSON else f"to_json({cut(value, scope.most())})::VARCHAR"
    )


def _unmask(scope: Scope, call: Call) -> Expr:
    """What a message, or a field of it, was before data protection masked it."""
    argument = call.arguments[0]
    return scope.unmasked(argument) if isinstance(argument, Field) else scope.expression(argument)


FUNCTIONS: Mapping[str, Function] = {
    "ispresent": Function(1, 1, _ispresent),
    "coalesce": Function(1, 50, _coalesce),
    "if": Function(3, 3, _choice),
    "case": Function(2, 101, _choice),
    "jsonparse": Function(1, 1, _json_parse),
    "jsonstringify": Function(1, 1, _json_stringify),
    "unmask": Function(1, 1, _unmask),
}
