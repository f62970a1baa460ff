"""The functions that pipelines' math activities know, rules too: decimals in, a decimal out, or Undefined.

Source: IoT Analytics user guide, "Math activity operators and functions"; `floor` and `remainder` are from rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException

from kumoi.iot_sql.values import CONTEXT, UNDEFINED, Undefined, computed, from_double

Result = Decimal | Undefined
MOST_DIGITS = 34


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
    return x.quantize(Decimal(1).scaleb(-places), ROUND_DOWN)


def _sign(x: Decimal) -> Result:
    return Decimal((x > 0) - (x < 0))


FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Result]]] = {
    "abs": (1, 1, abs),
    "acos": (1, 1, _double(math.acos)),
    "asin": (1, 1, _double(math.asin)),
    "atan": (1, 1, _double(math.atan)),
    "atan2": (2, 2, _double(math.atan2)),
    "ceil": (1, 1, _rounding(ROUND_CEILING)),
    "cos": (1, 1, _double(math.cos)),
    "cosh": (1, 1, _double(math.cosh)),
    "exp": (1, 1, _double(math.exp)),
    "floor": (1, 1, _rounding(ROUND_FLOOR)),
    "ln": (1, 1, _double(math.log)),
    "log": (1, 1, _double(math.log10)),
    "mod": (2, 2, lambda x, y: computed("%", x, y)),
    "power": (2, 2, _power),
    "remainder": (2, 2, lambda x, y: computed("%", x, y)),
    "round": (1, 1, _rounding(ROUND_HALF_UP)),
    "sign": (1, 1, _sign),
    "sin": (1, 1, _double(math.sin)),
    "sinh": (1, 1, _double(math.sinh)),
    "sqrt": (1, 1, _double(math.sqrt)),
    "tan": (1, 1, _double(math.tan)),
    "tanh": (1, 1, _double(math.tanh)),
    "trunc": (1, 2, _trunc),
}
"""By name: the fewest and the most arguments, and the function."""
