"""Tokens of PartiQL: words, names in double quotes, texts in single quotes, numbers, `?` and signs."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.partiql.keywords import KEYWORDS
from kumoi.wire.errors import AwsError

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n\f]+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<text>'(?:[^']|'')*')"
    r'|(?P<quoted>"(?:[^"]|"")*")'
    r"|(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<bad>/\*)"
    r"|(?P<sign><<|>>|<>|!=|<=|>=|[()\[\]{}.,:;=<>+*?-])"
    r"|(?P<other>.)",
    re.DOTALL,
)


class Token(NamedTuple):
    """A token and where it stands. Kinds: number, text, quoted, word, keyword, sign, end; keywords in upper case."""

    kind: str
    text: str
    start: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords."""
        return self.kind == "keyword" and self.text in words

    def is_sign(self, *signs: str) -> bool:
        """Whether it is one of these signs."""
        return self.kind == "sign" and self.text in signs


def malformed(detail: str) -> AwsError:
    """The refusal of what is no statement."""
    return invalid(f"Statement wasn't well formed, can't be processed: {detail}")


def tokens_of(statement: str) -> list[Token]:
    """The tokens of a statement, the last one of kind `end`."""
    found: list[Token] = []
    for match in _TOKEN.finditer(statement):
        kind, text = str(match.lastgroup), match[0]
        if kind in ("bad", "other"):
            raise malformed("")
        if kind == "quoted":
            text = text[1:-1].replace('""', '"')
        elif kind == "text":
            text = text[1:-1].replace("''", "'")
        elif kind == "word" and text.upper() in KEYWORDS:
            kind, text = "keyword", text.upper()
        if kind != "blank":
            found.append(Token(kind, text, match.start()))
    found.append(Token("end", "", len(statement)))
    return found
