"""The values of IoT's SQL: those of JSON, decimals, and Undefined, which is what is missing or makes no sense.

Numbers are exact decimals of 38 digits while they are computed with, and the shortest JSON number that means the same
afterwards: 20, not 20.0. Sources: "Data types" and "Operators" of the AWS IoT SQL reference.
"""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Final

Value = Any


class Undefined:
    """The value of what is missing; there is one, `UNDEFINED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined()
CONTEXT = Context(prec=38, traps=[InvalidOperation, DivisionByZero, Overflow])
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)
_TEXT_LIMIT = 400
EXACT = 2**53
"""Whole numbers below it are told apart by doubles."""
_AS_IT_IS = frozenset((str, int, bool, type(None)))


def decimal(value: Value) -> Decimal | None:
    """A number, or a text that is one, as a decimal; None for everything else."""
    kind = type(value)
    if kind is int:
        return Decimal(value)
    if kind is float:
        found = Decimal(repr(value))
        return found if found.is_finite() else None
    if kind is Decimal:
        return value  # type: ignore[no-any-return]
    if kind is str and len(value) <= _TEXT_LIMIT and _NUMBER.fullmatch(value):
        return Decimal(value.strip())
    return None


def is_number(value: Value) -> bool:
    """Whether a value is a number by itself; TRUE is none."""
    return type(value) in (int, float, Decimal)


def truth(value: Value) -> bool | Undefined:
    """A boolean, or the texts "true" and "false" in any case; everything else is Undefined."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return UNDEFINED


def rendered(value: Value) -> Value:
    """A value as JSON has it: decimals as whole numbers where they are, else as the nearest double, if there is one."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is dict:
        return {
            name: one if type(one) in _AS_IT_IS else rendered(one)
            for name, one in value.items()
            if one is not UNDEFINED
        }
    if kind is list:
        return [rendered(one) for one in value if one is not UNDEFINED]
    if kind is float:
        return int(value) if value.is_integer() and abs(value) < EXACT else value
    return _number(value) if kind is Decimal else value


def _number(value: Decimal) -> int | float | Undefined:
    double = float(value)
    if double.is_integer() and value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    return double if math.isfinite(double) else UNDEFINED


def equal(left: Value, right: Value) -> bool:
    """Whether two values are equal: numbers by value, everything else by type and value."""
    if is_number(left) and is_number(right):
        return decimal(left) == decimal(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    return type(left) is type(right) and bool(left == right)


def computed(operator: str, left: Decimal, right: Decimal) -> Decimal | Undefined:
    """The result of + - * / %; Undefined where there is none."""
    try:
        if operator == "+":
            return CONTEXT.add(left, right)
        if operator == "-":
            return CONTEXT.subtract(left, right)
        if operator == "*":
            return CONTEXT.multiply(left, right)
        return CONTEXT.divide(left, right) if operator == "/" else CONTEXT.remainder(left, right)
    except DecimalException:
        return UNDEFINED


def from_double(value: float) -> Decimal | Undefined:
    """The result of a function that is computed as a double; Undefined for NaN and infinities."""
    found = Decimal(repr(value))
    return found if found.is_finite() else UNDEFINED
