"""Text to a tree of nodes. Keywords in any case; a tree deeper than a hundred levels is refused."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kumoi.iot_sql import nodes
from kumoi.iot_sql.nodes import Node

if TYPE_CHECKING:
    from lark import Lark
    from lark.exceptions import UnexpectedInput

MAX_DEPTH = 100


class SqlError(ValueError):
    """A text is not an expression; says where, and what could stand there."""


@lru_cache(maxsize=1024)
def parse_expression(text: str) -> Node:
    """The expression that a filter or a math activity holds."""
    return _parse(text, "expression")


@lru_cache(maxsize=1024)
def parse_rule(text: str) -> nodes.Select:
    """The statement of a rule."""
    found = _parse(text, "rule")
    if not isinstance(found, nodes.Select):
        raise SqlError("a rule is a SELECT statement")
    return found


@cache
def _lark() -> Lark:
    from lark import Lark

    grammar = Path(__file__).with_name("grammar.lark").read_text()
    return Lark(grammar, parser="lalr", start=["expression", "rule"], maybe_placeholders=True, regex=False)


def _parse(text: str, start: str) -> Node:
    from lark.exceptions import UnexpectedInput, VisitError

    from kumoi.iot_sql.building import built

    try:
        tree = _lark().parse(text, start=start)
        node = built(tree)
        _check_depth(node)
    except UnexpectedInput as error:
        raise SqlError(_told(text, error)) from None
    except VisitError as error:
        raise SqlError(str(error.orig_exc)) from None
    except RecursionError:
        raise SqlError("the expression is nested too deeply") from None
    return node


def _told(text: str, error: UnexpectedInput) -> str:
    from lark.exceptions import UnexpectedToken

    place = error.pos_in_stream
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        place = None
    if place is None or place < 0 or place >= len(text.rstrip()):
        return "the expression ends too early"
    found = text[place : place + 20].split()
    return f"unexpected {found[0] if found else ''!r} at character {place + 1}"


def _check_depth(node: Node) -> None:
    level, depth = [node], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise SqlError("the expression is nested too deeply")
        level = [inner for one in level for inner in one.parts()]
