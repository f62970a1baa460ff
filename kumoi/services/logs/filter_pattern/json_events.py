"""Patterns for JSON messages: `{ $.status = 4* && ($.user.id > 3 || $.error IS NULL) && $.debug NOT EXISTS }`.

A message that is not a JSON object never matches. Selectors name members, array elements, or with one wildcard all of
them; then one that satisfies the condition is enough.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kumoi.services.logs.filter_pattern.comparison import Comparison
from kumoi.services.logs.filter_pattern.lexer import REGEX, STRING, WORD, Malformed, Token, Tokens, tokenize, unexpected

_NAME = r"[\w-]+"
_QUOTED = r"\['[^']*'\]"
_STEP = rf"\.(?:{_NAME}|\*)|\.?{_QUOTED}|\[(?:\d+|\*)\]"
_RULES = re.compile(
    rf"(?P<space>\s+)|(?P<and>&&)|(?P<or>\|\|)|(?P<open>\()|(?P<close>\))"
    rf"|(?P<selector>\$\.(?:{_NAME}|\*|{_QUOTED})(?:{_STEP})*)"
    rf"|(?P<operator>[<>]=?|!?=)|(?P<string>{STRING})|(?P<regex>{REGEX})|(?P<word>{WORD})"
)
_STEPS = re.compile(rf"\.?\['(?P<quoted>[^']*)'\]|\.(?P<name>{_NAME})|\[(?P<index>\d+)\]|(?P<any>\.\*|\[\*\])")

MAX_WILDCARDS = 3

Condition = Callable[[dict[str, Any]], bool]


def compile_pattern(text: str) -> Callable[[str], Mapping[str, str] | None]:
    """What is between the braces, as a function that answers {} for a message that matches."""
    tokens = tokenize(text, _RULES)
    if sum(token.kind == "selector" and Selector(token.text).wildcard for token in tokens) > MAX_WILDCARDS:
        raise Malformed(
            f"Your filter pattern exceeds the maximum of {MAX_WILDCARDS} wildcard json selectors per filter pattern."
        )
    stream = Tokens(tokens)
    condition: Condition = stream.condition(lambda: _atom(stream))
    stream.take("end")

    def extract(message: str) -> Mapping[str, str] | None:
        document = read(message)
        return {} if document is not None and condition(document) else None

    return extract


def read(message: str) -> dict[str, Any] | None:
    """The JSON object that a message is; None when it is none."""
    if not message.lstrip().startswith("{"):
        return None
    try:
        document = orjson.loads(message)
    except ValueError:
        document = _read_leniently(message)
    return document if isinstance(document, dict) else None


def _read_leniently(message: str) -> Any:
    """Numbers beyond a double and lone surrogates, which orjson refuses, are JSON all the same."""
    try:
        return json.loads(message, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class Selector:
    """A path into a document: member names, indexes, and at most one wildcard (None) for every member or element."""

    def __init__(self, text: str) -> None:
        self._steps: list[str | int | None] = []
        for step in _STEPS.finditer(text, 1):
            if step["any"]:
                self._steps.append(None)
            elif step["index"]:
                self._steps.append(int(step["index"][:18]))
            else:
                self._steps.append(step["name"] if step["quoted"] is None else step["quoted"])
        self.wildcard = None in self._steps
        if self._steps.count(None) > 1:
            raise Malformed(
                "Your filter pattern has a JSON path selector that exceeds the maximum of 1 wildcard allowed per json "
                "selector."
            )

    def find(self, document: Any) -> list[Any]:
        """The values it selects: none, one, or with a wildcard any number."""
        return _walk(document, self._steps)

    def has_parent(self, document: Any) -> bool:
        """Whether there is something whose members the wildcard would select."""
        return bool(_walk(document, self._steps[: self._steps.index(None)]))


def _walk(document: Any, steps: list[str | int | None]) -> list[Any]:
    nodes = [document]
    for step in steps:
        if step is None:
            nodes = [child for node in nodes for child in _children(node)]
        elif isinstance(step, int):
            nodes = [node[step] for node in nodes if isinstance(node, list) and step < len(node)]
        else:
            nodes = [node[step] for node in nodes if isinstance(node, dict) and step in node]
    return nodes


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _atom(stream: Tokens) -> Condition:
    selector = Selector(stream.take("selector").text)
    token = stream.take("operator", "word")
    if token.kind == "operator":
        return _comparison(selector, token.text, stream.take("string", "regex", "word"))
    keyword, operand = token.text.upper(), stream.next
    if keyword == "NOT" and stream.take("word").text.upper() == "EXISTS":
        return lambda document: not selector.find(document)
    if keyword != "IS":
        raise Malformed
    value = stream.take("word").text.upper()
    if value == "NULL":
        return _is_null(selector)
    if value not in ("TRUE", "FALSE"):
        raise unexpected(operand.text)
    wanted = value == "TRUE"
    return lambda document: any(node is wanted for node in selector.find(document))


def _is_null(selector: Selector) -> Condition:
    if selector.wildcard:
        return lambda document: None in selector.find(document)
    return lambda document: any(
        node is None or (isinstance(node, list) and None in node) for node in selector.find(document)
    )


def _comparison(selector: Selector, symbol: str, literal: Token) -> Condition:
    """A comparison. `!=` with a wildcard means that nothing selected is equal."""
    comparison = Comparison(symbol, literal)
    if comparison.ordering and comparison.number is None:
        raise unexpected(literal.text)
    if symbol == "!=" and selector.wildcard:
        equal = Comparison("=", literal)
        return lambda document: selector.has_parent(document) and not any(map(equal.json, selector.find(document)))
    return lambda document: any(map(comparison.json, selector.find(document)))
