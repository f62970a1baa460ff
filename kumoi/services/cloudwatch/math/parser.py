"""Reads metric math: a small language of numbers, ids, operators and functions. Pure; hand-written, as it is small
and has to say at which character an expression is wrong.

Source: "Using math expressions with CloudWatch metrics" of the user guide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))"
)
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset(("||", "OR")),
    frozenset(("&&", "AND")),
    frozenset(("==", "!=", "<", "<=", ">", ">=")),
    frozenset("+-"),
    frozenset("*/"),
)
_DEEPEST = 50
LONGEST = 2048


class ExpressionError(ValueError):
    """What is wrong with an expression."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A text, as the argument of a function."""

    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """The id of another query, or a word (`REPEAT`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function applied."""

    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Several series: `[m1, m2]`."""

    items: tuple[Any, ...]


Node = Number | Text | Name | Apply | Array


def parse(text: str) -> Node:
    """The expression's tree; raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(f"The expression is longer than {LONGEST} characters")
    reader = _Reader(text)
    node = reader.level(0, 0)
    if reader.kind is not None:
        raise reader.wrong()
    return node


def names(node: Node) -> set[str]:
    """The ids that an expression uses."""
    return {one.name for one in walked(node) if isinstance(one, Name)}


def walked(node: Node) -> Iterator[Node]:
    """A node and all below it. Sums of many terms nest as deep as they are long: nothing here is recursive."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.arguments if isinstance(one, Apply) else one.items if isinstance(one, Array) else ()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.kind: str | None = None
        self.value = ""
        self._next()

    def level(self, number: int, depth: int) -> Node:
        """Operators of a level, and those that bind closer; from left to right."""
        if depth > _DEEPEST:
            raise ExpressionError("The expression is nested too deeply")
        if number == len(_LEVELS):
            return self._power(depth + 1)
        left = self.level(number + 1, depth)
        while self.kind in ("sign", "name") and self.value.upper() in _LEVELS[number]:
            operator = self.value.upper()
            self._next()
            left = Apply(operator, (left, self.level(number + 1, depth + 1)))
        return left

    def _power(self, depth: int) -> Node:
        base = self._unary(depth)
        if self.kind == "sign" and self.value == "^":
            self._next()
            return Apply("^", (base, self._power(depth + 1)))
        return base

    def _unary(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise ExpressionError("The expression is nested too deeply")
        if self.kind == "sign" and self.value in "+-":
            sign = self.value
            self._next()
            inner = self._unary(depth + 1)
            return inner if sign == "+" else Apply("-", (Number(0.0), inner))
        return self._operand(depth)

    def _operand(self, depth: int) -> Node:
        kind, value = self.kind, self.value
        if kind == "number":
            self._next()
            number = float(value)
            if math.isinf(number):
                raise ExpressionError(f"The number {value} is too great")
            return Number(number)
        if kind == "text":
            self._next()
            return Text(value[1:-1])
        if kind == "name":
            self._next()
            if self.kind == "sign" and self.value == "(":
                return Apply(value.upper(), self._list(")", depth))
            return Name(value)
        if value == "(":
            self._next()
            inner = self.level(0, depth + 1)
            self._take(")")
            return inner
        if value == "[":
            return Array(self._list("]", depth))
        raise self.wrong()

    def _list(self, end: str, depth: int) -> tuple[Node, ...]:
        self._next()
        items: list[Node] = []
        while not (self.kind == "sign" and self.value == end):
            if items:
                self._take(",")
            items.append(self.level(0, depth + 1))
        self._next()
        return tuple(items)

    def _take(self, sign: str) -> None:
        if self.kind != "sign" or self.value != sign:
            raise self.wrong()
        self._next()

    def _next(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            if self._text[self._at :].strip():
                raise self.wrong()
            self.kind, self.value = None, ""
            return
        self._at = found.end()
        self.kind = found.lastgroup
        self.value = found[self.kind or ""]

    def wrong(self) -> ExpressionError:
        """The expression is wrong here."""
        near = self.value or self._text[self._at : self._at + 20].strip() or "the end"
        return ExpressionError(f"Syntax error at character {self._at}: unexpected {near}")
