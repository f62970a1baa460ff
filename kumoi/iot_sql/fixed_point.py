"""Arithmetic in whole numbers: what decimals of 38 digits come to, in a fraction of their time. Pure.

A number of few decimals is a whole number over a power of ten. Sums, differences and products of such are exact, as
decimals are, while they stay below `MOST`; one division at the end gives the double next to the quotient, as rounding
it to 38 digits first does: for what is below the bounds here, no quotient is so near to the middle of two doubles that
38 digits do not tell (and one that lies in the middle is written out with 38 digits, or was refused).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from kumoi.iot_sql.values import decimal

DECIMALS = 6
"""Those that a double's value may have."""
MOST_DOUBLE = 10**9
"""What a double's value is below, so that it has at most fifteen digits, which one double alone stands for."""
MOST_WHOLE = 10**15
MOST = 10**36
MOST_BELOW = 10**20
_EXACT = 2**53
MOST_HALVES = 31
"""How often 2 may divide a divisor, so that a quotient in the middle of two doubles has at most 38 digits."""


class Fixed(NamedTuple):
    """A number over `10**scale`: Python for it, and what its absolute value stays below."""

    source: str
    scale: int
    most: int


class Quotient(NamedTuple):
    """Python for two whole numbers, what the quotient stays below, and the conditions that have to hold."""

    top: str
    below: str
    most: int
    conditions: tuple[str, ...]


def literal(value: Any) -> Fixed | None:
    """A number of an expression; None when it has too many digits."""
    number = decimal(value) if type(value) in (int, float) else None
    if number is None:
        return None
    exponent = number.normalize().as_tuple().exponent
    scale = max(-exponent, 0) if isinstance(exponent, int) else MOST
    if scale > 2 * DECIMALS or abs(number) >= MOST_WHOLE:
        return None
    scaled = int(number * Decimal(10) ** scale)
    return Fixed(f"({scaled})", scale, abs(scaled) + 1)


def combined(operator: str, left: Fixed | None, right: Fixed | None) -> Fixed | None:
    """The sum, the difference, the product or the remainder; None when it may be too large."""
    if left is None or right is None:
        return None
    if operator == "*":
        return _bounded(Fixed(f"({left.source} * {right.source})", left.scale + right.scale, left.most * right.most))
    first, second = aligned(left, right)
    if operator == "%":
        return _bounded(Fixed(f"_remainder({first.source}, {second.source})", first.scale, first.most))
    most = first.most + second.most
    return _bounded(Fixed(f"({first.source} {operator} {second.source})", first.scale, most))


def aligned(left: Fixed, right: Fixed) -> tuple[Fixed, Fixed]:
    """Two numbers over the same power of ten."""
    scale = max(left.scale, right.scale)
    return _raised(left, scale), _raised(right, scale)


def negated(one: Fixed | None) -> Fixed | None:
    """A number with the other sign."""
    return None if one is None else one._replace(source=f"(-{one.source})")


def applied(function: str, one: Fixed | None) -> Fixed | None:
    """What a function makes of a number; None for one that makes no such number of it."""
    if one is None or function not in ROUNDING:
        return None
    if function == "abs":
        return one._replace(source=f"abs({one.source})")
    if function == "sign":
        return Fixed(f"_sign({one.source})", 0, 2)
    power = 10**one.scale
    return Fixed(f"_{function}({one.source}, {power})", 0, one.most // power + 2)


def quotient(left: Fixed | None, right: Fixed | None) -> Quotient | None:
    """The quotient of two numbers; None when it may be another than that of decimals."""
    if left is None or right is None:
        return None
    shift = right.scale - left.scale
    top, below = _raised(left, left.scale + max(shift, 0)), _raised(right, right.scale + max(-shift, 0))
    if top.most >= MOST or below.most >= MOST_BELOW:
        return None
    known = _literal(below)
    conditions = [] if known else [f"{below.source} != 0"]
    halves = (known & -known or below.most).bit_length() - 1
    if top.most > _EXACT and halves > MOST_HALVES:
        conditions.append(f"-{_EXACT} < {top.source} < {_EXACT}")
    return Quotient(top.source, below.source, top.most // (abs(known) or 1), tuple(conditions))


def _literal(one: Fixed) -> int:
    """The number that is written as such; 0 for one that is not, and for 0."""
    text = one.source.strip("()")
    return int(text) if text.lstrip("-").isdigit() else 0


def _raised(one: Fixed, scale: int) -> Fixed:
    power = 10 ** (scale - one.scale)
    if power == 1:
        return one
    if (known := _literal(one)) != 0:
        return Fixed(f"({known * power})", scale, one.most * power)
    return Fixed(f"({one.source} * {power})", scale, one.most * power)


def _bounded(one: Fixed) -> Fixed | None:
    return one if one.most < MOST else None


def _remainder(left: int, right: int) -> int:
    found = abs(left) % abs(right)
    return -found if left < 0 else found


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _ceil(value: int, power: int) -> int:
    return -(-value // power)


def _floor(value: int, power: int) -> int:
    return value // power


def _trunc(value: int, power: int) -> int:
    return value // power if value >= 0 else -(-value // power)


def _round(value: int, power: int) -> int:
    return (2 * value + power) // (2 * power) if value >= 0 else -((power - 2 * value) // (2 * power))


ROUNDING: Mapping[str, Callable[..., int]] = {
    "abs": abs,
    "ceil": _ceil,
    "floor": _floor,
    "round": _round,
    "sign": _sign,
    "trunc": _trunc,
}
"""The functions of one number that are exact, by name."""
NAMES: Mapping[str, Callable[..., int]] = {
    "abs": abs,
    "_remainder": _remainder,
    **{f"_{name}": function for name, function in ROUNDING.items()},
}
"""What the source of a `Fixed` calls."""
