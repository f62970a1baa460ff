"""jsonata-python, mended where its values differ from the reference implementation's (JSONata 2.0.6).

Found by evaluating the same expressions with both. Loaded when the first expression is, since the library is large.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from jsonata.functions import Functions
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")


class Mended(Jsonata):  # type: ignore[misc]
    """An expression."""

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: Any) -> Any:
        """`%` keeps the fraction of what is left."""
        if op != "%" or lhs is None or rhs is None or not (Utils.is_numeric(lhs) and Utils.is_numeric(rhs)):
            return super().evaluate_numeric_expression(lhs, rhs, op)
        return Utils.convert_number(math.fmod(float(lhs), float(rhs)))

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> str:
        """`&` writes numbers as `$string` does."""
        return "".join("" if one is None else string(one) for one in (lhs, rhs))


def string(value: Any, pretty: Any = None) -> Any:
    """`$string`, its numbers as JavaScript writes them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    return Functions.string(value, pretty)


def number_text(value: float) -> str:
    """A number as JavaScript prints it, at 15 significant digits."""
    rounded = float(f"{value:.15g}")
    if rounded.is_integer() and abs(rounded) < 1e21:
        return f"{Decimal(repr(rounded)):f}".removesuffix(".0")
    if 1e-6 <= abs(rounded) < 1e-4:
        return f"{rounded:.20f}".rstrip("0")
    return re.sub(r"e([+-])0+", r"e\1", repr(rounded))


def number(value: Any) -> Any:
    """`$number`: a text has to be one, with nothing around it."""
    if isinstance(value, str) and _NUMBER.fullmatch(value) is None:
        raise JException("D3030", -1, value)
    return Functions.number(value)


def sort(array: Any, comparator: Any = None) -> Any:
    """`$sort`: what is equal to the comparator keeps its order."""
    if array is None or comparator is None or len(array) <= 1:
        return Functions.sort(array, comparator)

    class Key:
        def __init__(self, value: Any) -> None:
            self.value = value

        def __lt__(self, other: Key) -> bool:
            return bool(Functions.func_apply(comparator, [other.value, self.value]))

    return sorted(array, key=Key)
