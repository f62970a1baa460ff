"""Tokens of filter patterns, and the errors AWS gives for what is none.

An error names the text from the start of the token up to the character that does not belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

STRING = r'"(?:[^"\\]|\\.)*"'
REGEX = r"%[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+. ]+%"
WORD = r"[\w.*+-]+"

_MAX_DEPTH = 50
_MAX_REGEXES = 2
_BEGINNINGS = {
    "regex": re.compile(r"%[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+. ]*"),
    "selector": re.compile(r"\$(?:\.(?:\[(?:'[^']*'?)?)?)?|\[\d*"),
}
"""How tokens of more than one character begin, by the name of their rule."""


class Malformed(Exception):
    """The pattern is none; the text is AWS's own, or empty where AWS only says that the pattern is invalid."""


def unexpected(text: str) -> Malformed:
    """The error for characters that belong to no token."""
    return Malformed(f"Invalid character(s) in term '{text}'")


class Token(NamedTuple):
    """A token: the name of its rule, and its text."""

    kind: str
    text: str


def tokenize(text: str, rules: re.Pattern[str]) -> list[Token]:
    """Cut `text` into tokens; `rules` is an alternation of named groups, `space` is left out."""
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        match = rules.match(text, place)
        if match is None:
            raise unexpected(_offence(text, place, rules))
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match[0]))
        place = match.end()
    if sum(token.kind == "regex" for token in tokens) > _MAX_REGEXES:
        raise Malformed(
            f"Your input has exceeded the maximum of {_MAX_REGEXES} regular expressions per filter pattern."
        )
    return tokens


def _offence(text: str, place: int, rules: re.Pattern[str]) -> str:
    if text[place] == '"':
        return text[place:]
    for kind, beginning in _BEGINNINGS.items():
        match = beginning.match(text, place) if kind in rules.groupindex else None
        if match:
            return text[place : match.end() + 1]
    return text[place]


class Tokens:
    """Tokens on their way through a parser; past the end, an empty token."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        """The token under the cursor."""
        return self._tokens[self._place] if self._place < len(self._tokens) else Token("end", "")

    def take(self, *kinds: str) -> Token:
        """The token under the cursor, which must be of one of the kinds; moves on."""
        token = self.next
        if token.kind not in kinds:
            raise Malformed
        self._place += 1
        return token

    def skip(self, kind: str) -> bool:
        """Move on if the token under the cursor is of a kind; whether it was."""
        if self.next.kind != kind:
            return False
        self._place += 1
        return True

    def condition(self, atom: Callable[[], Callable[[T], bool]]) -> Callable[[T], bool]:
        """Atoms joined by `&&` and `||` (which binds less), in parentheses or not, as one predicate."""
        alternatives = [self._conjunction(atom)]
        while self.skip("or"):
            alternatives.append(self._conjunction(atom))
        if len(alternatives) == 1:
            return alternatives[0]
        return lambda value: any(test(value) for test in alternatives)

    def _conjunction(self, atom: Callable[[], Callable[[T], bool]]) -> Callable[[T], bool]:
        tests = [self._unit(atom)]
        while self.skip("and"):
            tests.append(self._unit(atom))
        if len(tests) == 1:
            return tests[0]
        return lambda value: all(test(value) for test in tests)

    def _unit(self, atom: Callable[[], Callable[[T], bool]]) -> Callable[[T], bool]:
        if not self.skip("open"):
            return atom()
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Malformed
        inner = self.condition(atom)
        self.take("close")
        self._depth -= 1
        return inner
