"""Text to a tree. Which keywords, operators and values go together is checked here, so that matching need not ask."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from kumoi.services.xray.filter_expression import nodes
from kumoi.services.xray.filter_expression.nodes import Node, ServicePattern

if TYPE_CHECKING:
    from lark import Lark, Tree

MAX_LENGTH = 2_000
MAX_DEPTH = 50

_BOOLEANS = frozenset({"ok", "error", "throttle", "fault", "partial", "inferred", "first", "last", "remote", "root"})
_NUMBERS = frozenset({"responsetime", "duration", "http.status", "index", "coverage"})
_TEXTS = frozenset(
    {
        *("http.url", "http.method", "http.useragent", "http.clientip", "user", "name", "type", "message"),
        *("availabilityzone", "instance.id", "resource.arn", "account.id", "group.name", "group.arn"),
    }
)
_WORDS = frozenset({"CONTAINS", "BEGINSWITH", "ENDSWITH"})
_ORDER = frozenset({"<", "<=", ">", ">="})


class FilterError(ValueError):
    """A text is no filter expression; says why."""


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """The tree of a filter expression; FilterError."""
    from lark.exceptions import UnexpectedInput, UnexpectedToken

    if len(text) > MAX_LENGTH:
        raise FilterError(f"it is longer than {MAX_LENGTH} characters")
    try:
        tree = _lark().parse(text)
        return _built(tree, 0)
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise FilterError("it ends too early") from None
        raise FilterError(f"unexpected {str(error.token)[:40]!r} at character {error.column}") from None
    except UnexpectedInput as error:
        raise FilterError(f"unexpected character at {error.column}") from None
    except RecursionError:
        raise FilterError("it is nested too deeply") from None


@cache
def _lark() -> Lark:
    from lark import Lark

    return Lark(Path(__file__).with_name("grammar.lark").read_text(), parser="lalr", regex=False)


def _built(tree: Tree[Any], depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise FilterError("it is nested too deeply")
    children: list[Any] = tree.children
    match tree.data:
        case "disjunction":
            return nodes.Either(tuple(_built(child, depth + 1) for child in children))
        case "conjunction":
            return nodes.Both(tuple(_built(child, depth + 1) for child in children))
        case "negated":
            return nodes.Negated(_built(children[0], depth + 1))
        case "service":
            patterns = [_pattern(child) for child in children if child.data != "block"]
            return nodes.Service(patterns[0] if patterns else ServicePattern(), _block(children, depth))
        case "edge":
            return nodes.Edge(_pattern(children[0]), _pattern(children[1]), _block(children, depth))
        case "entity":
            return _entity(str(children[0]), _built(children[1].children[0], depth + 1))
        case "rootcause_json":
            return _json(*map(str, children))
    return _comparison(children)


def _block(children: list[Any], depth: int) -> Node | None:
    """What stands in the braces behind a service or an edge."""
    last = children[-1] if children else None
    return _built(last.children[0], depth + 1) if last is not None and last.data == "block" else None


def _pattern(tree: Tree[Any]) -> ServicePattern:
    if tree.data == "named":
        return ServicePattern(name=_unquoted(tree.children[0]))
    fields: dict[str, str] = {}
    for child in tree.children:
        if not hasattr(child, "children"):
            continue
        member = {"name": "name", "type": "type", "account.id": "account", "accountid": "account"}.get(
            str(child.children[0]).lower()
        )
        if member is None:
            raise FilterError(f"id() has name, type and account.id, not {child.children[0]}")
        fields[member] = _unquoted(child.children[1])
    return ServicePattern(**fields)


def _entity(name: str, part: Node) -> nodes.RootCause:
    head, _, rest = name.lower().partition(".")
    kind, _, level = rest.partition(".") if head == "rootcause" else (head, "", rest)
    if kind not in ("fault", "error", "responsetime") or level not in ("service", "entity", "exception"):
        raise FilterError(f"{name} takes no conditions in braces")
    return nodes.RootCause(kind, level, part)


def _json(name: str, operator: str, text: str) -> nodes.RootCauseJson:
    if operator not in ("=", "!="):
        raise FilterError(f"{name} is compared with = or !=")
    try:
        orjson.loads(text[1:])
    except orjson.JSONDecodeError:
        raise FilterError("what follows # is not JSON") from None
    return nodes.RootCauseJson(operator, text[1:].strip())


def _comparison(children: list[Any]) -> nodes.Comparison:
    keyword = _keyword(children[0].children)
    if len(children) == 1:
        if keyword in _BOOLEANS or keyword.startswith("annotation."):
            return nodes.Comparison(keyword)
        raise FilterError(f"{keyword} needs an operator and a value")
    operator = str(children[1]).upper()
    value = _value(children[2])
    kind = _kind(keyword, value)
    if operator in _WORDS and kind is not str:
        raise FilterError(f"{operator} compares text, {keyword} is none")
    if operator in _ORDER and kind is not float:
        raise FilterError(f"{operator} compares numbers, {keyword} is none")
    return nodes.Comparison(keyword, operator, value)


def _keyword(children: list[Any]) -> str:
    name = str(children[0])
    if len(children) == 2:
        if name.lower() != "annotation":
            raise FilterError(f"{name} takes no [key]")
        key = str(children[1])
        return f"annotation.{_unquoted(key) if key.startswith(chr(34)) else key}"
    if name.lower().startswith("annotation."):
        return f"annotation.{name.partition('.')[2]}"
    name = name.lower()
    if name not in _BOOLEANS | _NUMBERS | _TEXTS:
        raise FilterError(f"{name} is not a keyword")
    return name


def _kind(keyword: str, value: nodes.Value) -> type:
    """The type a keyword is compared as, which the value must be of."""
    found = bool if isinstance(value, bool) else type(value)
    if keyword.startswith("annotation."):
        return found
    wanted: type = bool if keyword in _BOOLEANS else float if keyword in _NUMBERS else str
    if found is not wanted:
        name = {bool: "true or false", float: "a number", str: "text in double quotes"}[wanted]
        raise FilterError(f"{keyword} is compared with {name}")
    return wanted


def _value(tree: Tree[Any]) -> nodes.Value:
    if tree.data == "text":
        return _unquoted(tree.children[0])
    if tree.data == "number":
        return float(str(tree.children[0]))
    return tree.data == "true"


def _unquoted(text: object) -> str:
    """Text without its quotes; a backslash takes what follows it as it is."""
    found, pieces = str(text)[1:-1], []
    at = 0
    while at < len(found):
        at += found[at] == "\\"
        pieces.append(found[at : at + 1])
        at += 1
    return "".join(pieces)
