"""Right-hand sides of conditions, `= 4*`, `!= "text"`, `>= 1e3`, `= %regex%`: how they compare with what a message has.

A number is compared by value with numbers, but by its text with JSON strings. A bare or quoted text may begin and end
with a wildcard `*`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kumoi.services.logs.filter_pattern.lexer import Malformed, Token
from kumoi.services.logs.filter_pattern.regex import Regex
from kumoi.services.logs.filter_pattern.terms import unquote

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?", re.ASCII)
_LARGEST_EXPONENT = 2**31 - 1

_NUMERIC: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Comparison:
    """An operator and a literal. `ordering` tells `<` and its kin, which need a number."""

    def __init__(self, symbol: str, literal: Token) -> None:
        self.symbol = symbol
        self.ordering = symbol not in ("=", "!=")
        self.number: Decimal | None = None
        self._text = literal.text
        self._matches = self._matcher(literal)

    def json(self, node: Any) -> bool:
        """Whether a JSON value satisfies it. Only strings and numbers ever do."""
        if isinstance(node, bool) or not isinstance(node, str | int | float):
            return False
        if self.number is None:
            return self._matches(node if isinstance(node, str) else repr(node)) == (self.symbol == "=")
        if isinstance(node, str):
            return not self.ordering and (node == self._text) == (self.symbol == "=")
        return math.isfinite(node) and _NUMERIC[self.symbol](Decimal(repr(node)), self.number)

    def field(self, text: str) -> bool:
        """Whether a field of a space-delimited message satisfies it."""
        if self.number is None:
            return self._matches(text) == (self.symbol == "=")
        value = _decimal(text)
        return self.symbol == "!=" if value is None else _NUMERIC[self.symbol](value, self.number)

    def _matcher(self, literal: Token) -> Callable[[str], bool]:
        if literal.kind == "regex":
            return Regex(literal.text[1:-1]).search
        if literal.kind == "string":
            return _glob(unquote(literal.text))
        if _NUMBER.fullmatch(literal.text):
            self.number = _decimal(literal.text)
            if self.number is None:
                raise Malformed
        elif literal.text.lower() == "null":
            raise Malformed
        return _glob(literal.text)


def _decimal(text: str) -> Decimal | None:
    """A number by its text; None when it is none, or beyond all bounds."""
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > 1024 or (match[1] and abs(int(match[1])) > _LARGEST_EXPONENT):
        return None
    return Decimal(text)


def _glob(text: str) -> Callable[[str], bool]:
    """A text with a wildcard at either end, or both; within, an asterisk stands for itself."""
    head, tail = text.startswith("*"), text.endswith("*")
    core = text[head : len(text) - tail] if len(text) > 1 else text.strip("*")
    if head and tail:
        return lambda value: core in value
    if head:
        return lambda value: value.endswith(core)
    if tail:
        return lambda value: value.startswith(core)
    return lambda value: value == core
