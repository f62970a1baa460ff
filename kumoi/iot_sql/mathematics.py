"""The functions that pipelines' math activities know, rules too: decimals in, a decimal out, or Undefined.

Source: IoT Analytics user guide, "Math activity operators and functions"; `floor` and `remainder` are from rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DecimalException

from kumoi.iot_sql.values import CONTEXT, UNDEFINED, Undefined, computed, from_double

Result = Decimal | Undefined
MOST_DIGITS = 34
_LONG = Context(prec=1000)
"""Has room for the digits of any text that is a number."""


def _rounding(mode: str) -> Callable[[Decimal], Result]:
    def apply(x: Decimal) -> Result:
        return x.to_integral_value(mode)

    return apply


def _double(function: Callable[..., float]) -> Callable[..., Result]:
    def apply(*arguments: Decimal) -> Result:
        try:
            return from_double(function(*map(float, arguments)))
        except (ValueError, OverflowError, ZeroDivisionError):
            return UNDEFINED

    return apply


DOUBLES: Mapping[str, Callable[..., float]] = {
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "atan2": math.atan2,
    "cos": math.cos,
    "cosh": math.cosh,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log10,
    "sin": math.sin,
    "sinh": math.sinh,
    "sqrt": math.sqrt,
    "tan": math.tan,
    "tanh": math.tanh,
}
"""The functions that are computed as doubles."""


def _power(base: Decimal, exponent: Decimal) -> Result:
    if exponent == exponent.to_integral_value() and abs(exponent) <= 64:
        try:
            return CONTEXT.power(base, exponent)
        except DecimalException:
            return UNDEFINED
    return _double(math.pow)(base, exponent)


def _trunc(x: Decimal, digits: Decimal = Decimal(0)) -> Result:
    places = min(max(int(digits.to_integral_value(ROUND_DOWN)), 0), MOST_DIGITS)
    exponent = x.as_tuple().exponent
    if isinstance(exponent, str) or -exponent <= places:
        return x
    return x.quantize(Decimal(1).scaleb(-places), ROUND_DOWN, _LONG)


def _sign(x: Decimal) -> Result:
    return Decimal((x > 0) - (x < 0))


FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Result]]] = {
    **{name: (1, 1, _double(function)) for name, function in DOUBLES.items()},
    "abs": (1, 1, CONTEXT.abs),
    "atan2": (2, 2, _double(math.atan2)),
    "ceil": (1, 1, _rounding(ROUND_CEILING)),
    "floor": (1, 1, _rounding(ROUND_FLOOR)),
    "mod": (2, 2, lambda x, y: computed("%", x, y)),
    "power": (2, 2, _power),
    "remainder": (2, 2, lambda x, y: computed("%", x, y)),
    "round": (1, 1, _rounding(ROUND_HALF_UP)),
    "sign": (1, 1, _sign),
    "trunc": (1, 2, _trunc),
}
"""By name: the fewest and the most arguments, and the function."""
