"""What expressions that are written as source (`straight.py`) call: the values of closures, by shorter ways. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException, InvalidOperation
from typing import Any

from kumoi.iot_sql import fixed_point
from kumoi.iot_sql.evaluation import compared, like
from kumoi.iot_sql.values import CONTEXT, EXACT, UNDEFINED, Value, decimal, equal, from_double, rendered, truth


def _whole(value: int) -> int | float:
    return value if -(2**63) < value < 2**63 else float(value)


def _quotient(top: int, below: int) -> int | float:
    return top / below if top % below else _whole(top // below)


def of_doubles(apply: Callable[..., float], count: int) -> Callable[..., Value]:
    """A function of doubles for values of any kind: a double, or UNDEFINED."""

    def of_one(value: Value) -> Value:
        try:
            found = apply(value if type(value) is float else _as_double(value))
        except (ValueError, OverflowError, ZeroDivisionError):
            return UNDEFINED
        return found if -math.inf < found < math.inf else UNDEFINED

    def of_many(*values: Value) -> Value:
        try:
            found = apply(*map(_as_double, values))
        except (ValueError, OverflowError, ZeroDivisionError):
            return UNDEFINED
        return found if -math.inf < found < math.inf else UNDEFINED

    return of_one if count == 1 else of_many


def _as_double(value: Value) -> float:
    if type(value) is int and -(2**64) < value < 2**64:
        return float(value)
    number = decimal(value)
    if number is None:
        raise ValueError
    return float(number)


def _shown_double(value: Value) -> Value:
    """A double, the result of a function, as JSON has it."""
    if value is UNDEFINED:
        return value
    if -EXACT < value < EXACT:
        return int(value) if value.is_integer() else value
    return rendered(from_double(value))


def _exact(value: Value) -> Value:
    return value if value is UNDEFINED else from_double(value)


def _number(value: Value) -> Decimal:
    found = decimal(value)
    if found is None:
        raise InvalidOperation
    return found


def _shown_decimal(value: Decimal) -> Value:
    """A decimal as JSON has it."""
    double = float(value)
    return double if -EXACT < double < EXACT and double % 1 else rendered(value)


def _some(value: Value) -> Decimal:
    if value is UNDEFINED:
        raise InvalidOperation
    found: Decimal = value
    return found


def _like(text: Value, pattern: Value) -> Value:
    return like(text, pattern) if isinstance(text, str) and isinstance(pattern, str) else UNDEFINED


def _among(value: Value, among: tuple[Value, ...]) -> Value:
    if value is UNDEFINED:
        return UNDEFINED
    if len(among) == 1 and isinstance(among[0], list):
        return any(equal(value, one) for one in among[0])
    return any(equal(value, one) for one in among)


NAMES: Mapping[str, Any] = {
    **fixed_point.NAMES,
    "U": UNDEFINED,
    "among": _among,
    "Decimal": Decimal,
    "NoNumber": DecimalException,
    "add": CONTEXT.add,
    "compared": compared,
    "divide": CONTEXT.divide,
    "exact": _exact,
    "like": _like,
    "minus": CONTEXT.minus,
    "multiply": CONTEXT.multiply,
    "number": _number,
    "quotient": _quotient,
    "remainder": CONTEXT.remainder,
    "rendered": rendered,
    "shown": _shown_double,
    "shown_decimal": _shown_decimal,
    "some": _some,
    "subtract": CONTEXT.subtract,
    "truth": truth,
}
