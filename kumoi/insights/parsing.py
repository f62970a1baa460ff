"""From a query's text to its commands; what is no query is refused in AWS's words, with the place where it fails."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from kumoi.insights.syntax import TOO_DEEP, Malformed, Query

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

_DEEPEST = 100
"""Levels of the tree; each takes up to five calls to compile, of the thousand that Python allows."""
_WORD = re.compile(r"\w+|\S")


@cache
def _parser() -> Lark:
    from lark import Lark

    text = files(__package__).joinpath("grammar.lark").read_text()
    return Lark(text, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=True)


def parse(text: str) -> Query:
    """The query that a text says; Malformed when it is none."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError

    from kumoi.insights.building import Builder

    if "\0" in text:
        raise _unexpected(text, text.index("\0"))
    try:
        tree = _parser().parse(text)
    except UnexpectedToken as error:
        at = error.token.start_pos
        raise _unexpected(text, len(text) if at is None or error.token.type == "$END" else at) from None
    except UnexpectedCharacters as error:
        raise _unexpected(text, error.pos_in_stream or 0) from None
    except UnexpectedEOF:
        raise _unexpected(text, len(text)) from None
    _check_depth(tree)
    try:
        made: Any = Builder(text).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, Malformed):
            raise error.orig_exc from None
        raise
    assert isinstance(made, Query)
    return made


def _check_depth(tree: Tree[Token]) -> None:
    """Refuse what is nested so deep that walking over it by calls would be a risk, however deep the caller stands."""
    from lark import Tree

    level: list[Tree[Token]] = [tree]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in parent.children if isinstance(child, Tree)]
        if not level:
            return
    raise Malformed(TOO_DEEP)


def _unexpected(text: str, at: int) -> Malformed:
    """AWS's error for a symbol that cannot stand where it does."""
    match = _WORD.match(text, at)
    symbol = match[0] if match else "<EOF>"
    before = text[:at]
    line = before.count("\n") + 1
    position = at - (before.rfind("\n") + 1) + 1
    message = f"unexpected symbol found {symbol} at line {line} and position {position}"
    return Malformed(message, at, match.end() if match else at)
