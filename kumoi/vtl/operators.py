"""How values are compared, added and judged, as Velocity 1.7 does it; pure.

Arithmetic on anything but numbers gives nothing (None), a sum with a text joins. Everything but false and None is true.
"""

from __future__ import annotations

from typing import Any

from kumoi.vtl.errors import LimitExceeded
from kumoi.vtl.values import text_of

_LARGEST_BITS = 4096


def truth(value: Any) -> bool:
    """Whether a value counts as true."""
    return value if isinstance(value, bool) else value is not None


def is_number(value: Any) -> bool:
    """Whether a value is a number; truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any, most: int) -> bool:
    """`==`: numbers by value, things of one kind as they are, others by their text."""
    if left is None or right is None:
        return left is right
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is type(right):
        return bool(left == right)
    return text_of(left, most) == text_of(right, most)


def compared(operator: str, left: Any, right: Any) -> bool:
    """`<`, `<=`, `>`, `>=` of numbers; false for anything else."""
    if not is_number(left) or not is_number(right):
        return False
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left > right) if operator == ">" else bool(left >= right)


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    """`+ - * / %` of numbers; None for anything else, and for a division by zero. Whole numbers stay whole."""
    if not is_number(left) or not is_number(right):
        return None
    try:
        if operator == "+":
            return _bounded(left + right)
        if operator == "-":
            return _bounded(left - right)
        if operator == "*":
            return _bounded(left * right)
        if right == 0:
            return None
        if isinstance(left, int) and isinstance(right, int):
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            return quotient if operator == "/" else left - quotient * right
        return left / right if operator == "/" else left - right * int(left / right)
    except (OverflowError, ValueError):
        return None


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        raise LimitExceeded("a number is too large")
    return value
