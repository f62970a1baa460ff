"""What mapping templates know: `$input` and `$util`; the API adds `$context` and `$stageVariables`.

Source: "Mapping template and access logging variable reference for API Gateway".
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from kumoi.http_api import json_path
from kumoi.http_api.json_path import MISSING, BadPath
from kumoi.vtl import JsonList, LimitExceeded, Limits, Object, Template, VtlError
from kumoi.vtl.values import text_of

LIMITS = Limits()
FEW = Limits(steps=2_000)
"""What a template may do on the event loop: some two milliseconds."""
LARGE = 8_192
"""Characters of a body from which on a template is rendered in a thread in any case."""
_ESCAPES = {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r", '"': '\\"', "'": "\\'", "\\": "\\\\"}
_ESCAPES |= {"/": "\\/"}


async def rendered(template: Template, known: Callable[[], Mapping[str, Any]], length: int = 0) -> str:
    """What a template makes of its variables and a body of so many characters; raises VtlError.

    Most templates take a moment. One that matches patterns, or takes many steps, is rendered in a thread; what was
    begun before that turned out is forgotten, so `known` makes the variables anew.
    """
    if length <= LARGE and not template.patterned:
        try:
            return template.render(known(), FEW, quiet_members=True).text
        except LimitExceeded:
            pass
    return (await asyncio.to_thread(template.render, known(), LIMITS, quiet_members=True)).text


def input_of(body: str, params: dict[str, dict[str, str]]) -> Object:
    """`$input`: the body, parts of it by JSON path, and the parameters."""
    document: list[Any] = []

    def part(path: Any) -> Any:
        if not body:
            return MISSING
        if not document:
            document.append(_loaded(body))
        try:
            return json_path.found(document[0], text_of(path, LIMITS.output))
        except BadPath as error:
            raise VtlError(f"Invalid JSON path expression: {error}") from None

    def as_json(path: Any = "$") -> str:
        value = part(path)
        return ("{}" if not body else '""') if value is MISSING else orjson.dumps(value).decode()

    def as_object(path: Any = "$") -> Any:
        value = part(path)
        return ({} if not body else None) if value is MISSING else native(value)

    def parameter(name: Any = None) -> Any:
        if name is None:
            return params
        for place in ("path", "querystring", "header"):
            for key, value in params[place].items():
                if key == name or (place == "header" and key.lower() == str(name).lower()):
                    return value
        return ""

    return Object({"body": body or "{}"}, {"json": as_json, "path": as_object, "params": parameter}, "$input")


def native(value: Any) -> Any:
    """A part of a document as templates have it: lists are written as JSON."""
    if isinstance(value, dict):
        return {name: native(one) for name, one in value.items()}
    if isinstance(value, list):
        return JsonList([native(one) for one in value])
    return value


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise VtlError(f"the body is no JSON: {error}") from None


def _text(value: Any) -> str:
    return "" if value is None else text_of(value, LIMITS.output)


def _escaped(value: Any = None) -> str:
    made: list[str] = []
    for character in _text(value):
        if character in _ESCAPES:
            made.append(_ESCAPES[character])
        elif " " <= character < "\x7f":
            made.append(character)
        else:
            encoded = character.encode("utf-16-be", "surrogatepass")
            made += (f"\\u{encoded[at] << 8 | encoded[at + 1]:04X}" for at in range(0, len(encoded), 2))
    return "".join(made)


def _decoded(value: Any = None) -> str:
    try:
        return base64.b64decode(_text(value), validate=True).decode("utf-8", "replace")
    except binascii.Error as error:
        raise VtlError(f"base64Decode: {error}") from None


UTIL = Object(
    methods={
        "escapeJavaScript": _escaped,
        "parseJson": lambda value=None: native(_loaded(_text(value))),
        "urlEncode": lambda value=None: quote_plus(_text(value), safe="*-._"),
        "urlDecode": lambda value=None: unquote_plus(_text(value)),
        "base64Encode": lambda value=None: base64.b64encode(_text(value).encode()).decode(),
        "base64Decode": _decoded,
    },
    text="$util",
)
