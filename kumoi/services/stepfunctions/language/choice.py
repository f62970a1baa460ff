"""Rules of Choice states in the JSONPath language, compiled to predicates.

A comparison of a value of another type is false. Source: "Choice state" of the developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from kumoi.services.stepfunctions.language import json_path
from kumoi.services.stepfunctions.language.errors import Invalid, runtime
from kumoi.services.stepfunctions.language.scope import Scope
from kumoi.services.stepfunctions.language.templates import read_path

Predicate = Callable[[Scope], bool]
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_ABSENT = object()


def timestamp(value: Any) -> float | None:
    """An RFC 3339 timestamp as epoch seconds; None for anything else."""
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _string(value: Any) -> Any:
    """A string, made to compare by UTF-16 units as Java does."""
    return value.encode("utf-16-be", "surrogatepass") if isinstance(value, str) else None


_READERS: dict[str, Callable[[Any], Any]] = {"String": _string, "Numeric": _number, "Timestamp": timestamp}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda left, right: left == right,
    "LessThan": lambda left, right: left < right,
    "GreaterThan": lambda left, right: left > right,
    "LessThanEquals": lambda left, right: left <= right,
    "GreaterThanEquals": lambda left, right: left >= right,
}
_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": lambda value: _number(value) is not None,
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: timestamp(value) is not None,
}
COMPARISONS = frozenset(f"{kind}{order}" for kind in _READERS for order in _ORDERS) | {"BooleanEquals"}
OPERATORS = COMPARISONS | {f"{one}Path" for one in COMPARISONS} | _TESTS.keys() | {"IsPresent", "StringMatches"}
"""Every operator but And, Or and Not."""


def operand_kind(operator: str) -> str:
    """What an operator's value must be: string, number, boolean, timestamp or path."""
    if operator.endswith("Path"):
        return "path"
    if operator.startswith(("Is", "Boolean")):
        return "boolean"
    return {"S": "string", "N": "number", "T": "timestamp"}[operator[0]]


def compile_rule(rule: dict[str, Any]) -> Predicate:
    """A rule as a predicate of the scope; the rule was checked before."""
    if "And" in rule:
        every = [compile_rule(one) for one in rule["And"]]
        return lambda scope: all(one(scope) for one in every)
    if "Or" in rule:
        some = [compile_rule(one) for one in rule["Or"]]
        return lambda scope: any(one(scope) for one in some)
    if "Not" in rule:
        inner = compile_rule(rule["Not"])
        return lambda scope: not inner(scope)
    (operator,) = OPERATORS & rule.keys()
    return compile_comparison(operator, json_path.parse(rule["Variable"]), rule[operator])


def compile_comparison(operator: str, variable: json_path.Path, operand: Any) -> Predicate:
    """One comparison of what stands at `variable`."""
    if operator == "IsPresent":
        return lambda scope: (_found(variable, scope) is not _ABSENT) is operand
    if operator in _TESTS:
        test = _TESTS[operator]
        return lambda scope: test(_value(variable, scope)) is operand
    if operator == "StringMatches":
        pattern = matcher(operand)
        return lambda scope: isinstance(value := _value(variable, scope), str) and pattern(value)
    compare = _comparison(operator.removesuffix("Path"))
    if operator.endswith("Path"):
        other = json_path.parse(operand)
        return lambda scope: compare(_value(variable, scope), read_path(other, scope))
    return lambda scope: compare(_value(variable, scope), operand)


def _comparison(operator: str) -> Callable[[Any, Any], bool]:
    if operator == "BooleanEquals":
        return lambda left, right: isinstance(left, bool) and isinstance(right, bool) and left is right
    kind = next(kind for kind in _READERS if operator.startswith(kind))
    read, order = _READERS[kind], _ORDERS[operator.removeprefix(kind)]

    def compare(left: Any, right: Any) -> bool:
        one, other = read(left), read(right)
        return one is not None and other is not None and order(one, other)

    return compare


def matcher(pattern: str) -> Callable[[str], bool]:
    """A StringMatches pattern: `*` stands for anything, `\\\\*` for a star, `\\\\\\\\` for a backslash."""
    pieces = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                raise Invalid("a StringMatches pattern may not end in a single backslash")
            pieces[-1] += escaped
        elif character == "*":
            pieces.append("")
        else:
            pieces[-1] += character
    first, *rest = pieces
    if not rest:
        return lambda text: text == first
    *middle, last = rest

    def accepts(text: str) -> bool:
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return False
        at = len(first)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return accepts


def _found(path: json_path.Path, scope: Scope) -> Any:
    try:
        found = path(scope)
    except json_path.PathMissing:
        return _ABSENT
    return _ABSENT if not path.definite and found == [] else found


def _value(path: json_path.Path, scope: Scope) -> Any:
    found = _found(path, scope)
    if found is _ABSENT:
        raise runtime(f"Invalid path '{path.text}': The choice state's condition path references an invalid value.")
    return found
