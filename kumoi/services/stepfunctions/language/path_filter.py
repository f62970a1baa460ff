"""Filters of JSONPath: `[?(@.price < 10 && @.kind in ['a', 'b'])]`. Comparisons of unlike types are false."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from kumoi import java_patterns
from kumoi.services.stepfunctions.language.errors import Invalid, runtime

_OPERATOR = re.compile(r"==|!=|<=|>=|=~|<|>|in\b|nin\b|contains\b")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"true|false|null")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)*)/(i?)")
_NOTHING = object()
_CONSTANTS = {"true": True, "false": False, "null": None}
Term = Callable[[Any], Any]
MAX_DEPTH = 32


class Filter(NamedTuple):
    """A compiled filter."""

    accepts: Callable[[Any], bool]


def parse_filter(text: str, at: int) -> tuple[Filter, int]:
    """The filter that stands at a place in a text, in its parentheses, and where it ends; Invalid."""
    parser = _Parser(text, at)
    parser.expect("(")
    accepts = parser.either()
    parser.expect(")")
    return Filter(accepts), parser.at


class _Parser:
    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.depth = 0

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise self.wrong(f"'{token}' is missing")

    def take(self, token: str) -> bool:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.take("")
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def wrong(self, why: str) -> Invalid:
        return Invalid(f"Invalid path '{self.text}': {why} at {self.at}")

    def either(self) -> Callable[[Any], bool]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong("the filter is nested too deeply")
        parts = [self.both()]
        while self.take("||"):
            parts.append(self.both())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else lambda value: any(part(value) for part in parts)

    def both(self) -> Callable[[Any], bool]:
        parts = [self.one()]
        while self.take("&&"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda value: all(part(value) for part in parts)

    def one(self) -> Callable[[Any], bool]:
        if self.take("!"):
            inner = self.one()
            return lambda value: not inner(value)
        if self.take("("):
            group = self.either()
            self.expect(")")
            return group
        left = self.term()
        operator = self.match(_OPERATOR)
        if operator is None:
            return lambda value: left(value) is not _NOTHING
        compare = _COMPARE[operator.group()]
        right = self.pattern() if operator.group() == "=~" else self.term()
        return lambda value: compare(left(value), right(value))

    def pattern(self) -> Term:
        found = self.match(_REGEX)
        if found is None:
            raise self.wrong("a regular expression is missing")
        text = f"(?i){found.group(1)}" if found.group(2) else found.group(1)
        try:
            java_patterns.compiled(text)
        except java_patterns.BadPattern as error:
            raise self.wrong(str(error)) from None
        return lambda _: text

    def term(self) -> Term:
        if self.take("@"):
            from kumoi.services.stepfunctions.language import json_path

            steps, self.at = json_path.parse_steps(self.text, self.at)
            return lambda value: _first(json_path.select(steps, value))
        if self.take("["):
            items: list[Any] = []
            while not self.take("]"):
                items.append(self.constant())
                self.take(",")
            return lambda _: items
        constant = self.constant()
        return lambda _: constant

    def constant(self) -> Any:
        text = self.match(_STRING)
        if text is not None:
            raw = text.group(1) if text.group(1) is not None else text.group(2)
            return re.sub(r"\\(.)", r"\1", raw)
        number = self.match(_NUMBER)
        if number is not None:
            return float(number.group()) if set(number.group()) & set(".eE") else int(number.group())
        word = self.match(_WORD)
        if word is not None:
            return _CONSTANTS[word.group()]
        raise self.wrong("a value is missing")


def _first(found: list[Any]) -> Any:
    return found[0] if found else _NOTHING


def _ordered(left: Any, right: Any) -> bool:
    numbers = _number(left) and _number(right)
    return numbers or (isinstance(left, str) and isinstance(right, str))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Any, right: Any) -> bool:
    return left is not _NOTHING and left == right and isinstance(left, bool) == isinstance(right, bool)


def _matches(left: Any, pattern: str) -> bool:
    try:
        return isinstance(left, str) and java_patterns.matches(pattern, left)
    except java_patterns.BadPattern as error:
        raise runtime(str(error)) from None


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": lambda left, right: _ordered(left, right) and left < right,
    "<=": lambda left, right: _ordered(left, right) and left <= right,
    ">": lambda left, right: _ordered(left, right) and left > right,
    ">=": lambda left, right: _ordered(left, right) and left >= right,
    "in": lambda left, right: isinstance(right, list) and any(_equal(left, one) for one in right),
    "nin": lambda left, right: isinstance(right, list) and not any(_equal(left, one) for one in right),
    "contains": lambda left, right: (
        isinstance(left, list | str) and right in left if not isinstance(left, str) or isinstance(right, str) else False
    ),
    "=~": _matches,
}
