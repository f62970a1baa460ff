"""Which condition keys a policy mentions, in its conditions and as variables, and where its statements stand; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

_VARIABLE = re.compile(r"\$\{([^},]+)")
_LITERALS = frozenset("*?$")


def context_keys(document: str) -> list[str]:
    """The condition keys of a policy's document, each once, in the order they stand there."""
    given = orjson.loads(document)
    statements = given.get("Statement", []) if isinstance(given, dict) else []
    found: dict[str, str] = {}
    for statement in statements if isinstance(statements, list) else [statements]:
        for key in _keys(statement):
            found.setdefault(key.lower(), key)
    return list(found.values())


def _keys(statement: Any) -> Iterator[str]:
    if not isinstance(statement, dict):
        return
    conditions = statement.get("Condition")
    for keys in conditions.values() if isinstance(conditions, dict) else ():
        yield from keys if isinstance(keys, dict) else ()
    for text in _texts([statement.get("Resource"), statement.get("NotResource"), conditions]):
        yield from (name for name in _VARIABLE.findall(text) if name not in _LITERALS)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


class Position(NamedTuple):
    """A place in a document's text, counted from one."""

    line: int
    column: int


class Span(NamedTuple):
    """Where a statement begins and ends."""

    start: Position
    end: Position


def statement_spans(document: str) -> list[Span]:
    """Where the statements of a policy's document stand, in order: the objects right below its only list of such."""
    spans: list[Span] = []
    depth, begun, in_text, escaped = 0, None, False, False
    line, column = 1, 0
    for character in document:
        line, column = (line + 1, 0) if character == "\n" else (line, column + 1)
        if in_text:
            in_text = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_text = True
        elif character in "{[":
            if character == "{" and depth in (1, 2) and begun is None:
                begun = Position(line, column), depth
            depth += 1
        elif character in "}]":
            depth -= 1
            if begun is not None and depth == begun[1] and character == "}":
                spans.append(Span(begun[0], Position(line, column + 1)))
                begun = None
    return spans
