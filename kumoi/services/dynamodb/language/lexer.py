"""Tokens of expressions. A character that begins none is a token of its own, for the parser to refuse."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*|\#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)|(?P<sign><>|<=|>=|[()\[\].,=<>+-])|(?P<bad>.)",
    re.DOTALL,
)


class Token(NamedTuple):
    """A token, and where it stands; kinds: name, value, number, sign, bad, end."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of an expression, the last one of kind `end`."""
    found = [
        Token(str(match.lastgroup), match[0], match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "blank"
    ]
    found.append(Token("end", "<EOF>", len(text), len(text)))
    return found
