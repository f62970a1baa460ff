"""Comparisons between values that may be texts or numbers. What is missing equals nothing, and is like nothing.

A text beside a number is compared as a number, and is unequal where it is none; JSON's true and false are 1 and 0
there. Two fields are compared as numbers where both are, else as texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.insights import regexes
from kumoi.insights.functions import Scope
from kumoi.insights.syntax import Expression, Malformed, Number, Regex, Text
from kumoi.insights.values import Expr, Kind, as_number, as_text, truth

Side = tuple[Expression, Expr]

_NUMERIC = (Kind.NUMBER, Kind.TIME, Kind.TRUTH)


def compare(scope: Scope, operator: str, left: Side, right: Side) -> Expr:
    """`left operator right`, false where either is missing; `!=` is the opposite of `=`."""
    if operator == "!=":
        return truth(f"(NOT {compare(scope, '=', left, right).sql})")
    return truth(f"coalesce({_compared(operator, left, right)}, false)")


def member(scope: Scope, subject: Side, choices: Sequence[Side]) -> Expr:
    """Whether a value equals one of several."""
    tests = [compare(scope, "=", subject, choice).sql for choice in choices]
    return truth(f"({' OR '.join(tests)})" if tests else "false")


def like(scope: Scope, subject: Expr, pattern: Expression) -> Expr:
    """Whether a value contains a text, or an expression matches somewhere in it."""
    value = as_text(subject)
    if isinstance(pattern, Text):
        return truth(f"coalesce(contains({value}, {scope.parameter(pattern.value)}), false)")
    if isinstance(pattern, Regex):
        source = regexes.read(pattern.source).source
        return truth(f"coalesce(regexp_matches({value}, {scope.parameter(source)}), false)")
    raise Malformed("like takes a text or a regular expression")


def _compared(operator: str, left: Side, right: Side) -> str:
    (written_left, a), (written_right, b) = left, right
    if a.kind in _NUMERIC and b.kind in _NUMERIC:
        return f"{as_number(a)} {operator} {as_number(b)}"
    for (written, value), (_, other) in ((left, right), (right, left)):
        if isinstance(written, Text) and other.kind is not Kind.NUMBER and (operator == "=" or not _is_number(written)):
            return f"{as_text(a)} {operator} {as_text(b)}"
        if value.kind in _NUMERIC and (isinstance(written, Number) or other.kind is Kind.TEXT):
            tests = f"{as_number(a)} {operator} {as_number(b)}"
            if isinstance(written, Number) and operator == "=" and float(written.text) in (0, 1):
                word = "true" if float(written.text) else "false"
                return f"({as_text(other)} = '{word}' OR {tests})"
            return tests
    if isinstance(written_left, Text) or isinstance(written_right, Text):
        return f"{as_number(a)} {operator} {as_number(b)}"
    numeric = f"{as_number(a)} {operator} {as_number(b)}"
    return f"coalesce({numeric}, {as_text(a)} {operator} {as_text(b)})"


def _is_number(written: Text) -> bool:
    try:
        float(written.value)
    except ValueError:
        return False
    return True
