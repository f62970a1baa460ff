"""Patterns for space-delimited messages: `[ip, user, ..., status = 4* || status = 500, bytes > 1000]`.

Text between quotes or square brackets is one field. The last field takes the rest of the message, unless an ellipsis
stands for the fields that are not named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from kumoi.services.logs.filter_pattern.comparison import Comparison
from kumoi.services.logs.filter_pattern.lexer import REGEX, STRING, WORD, Malformed, Token, Tokens, tokenize, unexpected

_RULES = re.compile(
    rf"(?P<space>\s+)|(?P<and>&&)|(?P<or>\|\|)|(?P<open>\()|(?P<close>\))|(?P<comma>,)"
    rf"|(?P<operator>[<>]=?|!?=)|(?P<string>{STRING})|(?P<regex>{REGEX})|(?P<word>{WORD})"
)
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_WORD = re.compile(r"\S+")
_CLOSING = {'"': '"', "[": "]"}
_ELLIPSIS = "..."


class Column(NamedTuple):
    """A field of the pattern: its name (empty when it has none) and its condition, if any."""

    name: str
    condition: Callable[[str], bool] | None


class Field(NamedTuple):
    """A field of a message: its text without delimiters, and where it begins."""

    text: str
    start: int


def compile_pattern(text: str) -> Callable[[str], Mapping[str, str] | None]:
    """What is between the brackets, as a function that answers a matching message's fields."""
    columns = _columns(text)
    names = [column.name for column in columns]
    for name in names:
        if name and names.count(name) > 1:
            raise Malformed(f"Duplicate field '{name}'")
    gap = names.index(_ELLIPSIS) if _ELLIPSIS in names else len(columns)
    left, right = columns[:gap], columns[gap + 1 :]
    count = len(columns) if columns and _ELLIPSIS not in names else None

    def extract(message: str) -> Mapping[str, str] | None:
        found = split(message, count)
        if len(found) < len(left) + len(right):
            return None
        middle = [Column("", None)] * (len(found) - len(left) - len(right))
        extracted: dict[str, str] = {}
        for number, (column, value) in enumerate(zip([*left, *middle, *right], found, strict=True), 1):
            if column.condition is not None and not column.condition(value):
                return None
            extracted[f"${column.name or number}"] = value
        return extracted

    return extract


def split(message: str, count: int | None) -> list[str]:
    """The fields of a message, `count` of them at most: the last one takes what is left, as it stands."""
    found = list(islice(_fields(message), None if count is None else count + 1))
    if count is None or len(found) <= count:
        return [field.text for field in found]
    return [*(field.text for field in found[: count - 1]), message[found[count - 1].start :]]


def _fields(message: str) -> Iterator[Field]:
    """Each field in turn; an opening delimiter that nothing closes is a character like others."""
    closing = dict(_CLOSING)
    place = 0
    while match := _WORD.search(message, place):
        start = match.start()
        delimiter = closing.get(message[start])
        end = -1 if delimiter is None else message.find(delimiter, start + 1)
        if delimiter is None or end < 0:
            closing.pop(message[start], None)  # looked for once, so that the whole takes linear time
            place = match.end()
            yield Field(match[0], start)
        else:
            place = end + 1
            yield Field(message[start + 1 : end], start)


def _columns(text: str) -> list[Column]:
    tokens = tokenize(text, _RULES)
    if not tokens:
        return []
    stream = Tokens(tokens)
    columns = [_column(stream)]
    while stream.skip("comma"):
        columns.append(_column(stream))
    stream.take("end")
    return columns


def _column(stream: Tokens) -> Column:
    if stream.next.kind in ("comma", "end"):
        return Column("", None)
    if stream.next.text == _ELLIPSIS:
        return Column(stream.take("word").text, None)
    names: list[str] = []

    def atom() -> Callable[[str], bool]:
        names.append(_name(stream.take("word")))
        if names[-1] != names[0]:
            raise Malformed(f"Multiple variables used in a single filter. Var1 : {names[0]}, Var2 : {names[-1]}")
        if stream.next.kind in ("comma", "end"):
            return _anything
        comparison = Comparison(stream.take("operator").text, stream.take("string", "regex", "word"))
        if comparison.ordering and comparison.number is None:
            raise Malformed
        return comparison.field

    condition = stream.condition(atom)
    return Column(names[0], condition)


def _anything(_value: str) -> bool:
    return True


def _name(token: Token) -> str:
    if not _NAME.fullmatch(token.text):
        raise unexpected(token.text)
    return token.text
