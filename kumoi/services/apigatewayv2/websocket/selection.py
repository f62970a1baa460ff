"""Which route a message takes: the route selection expression, evaluated against the message; pure.

Source: "Selection expressions" of the API Gateway developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

_TERM = re.compile(r"\$\{request\.body\.(?P<braced>[^}]+)\}|\$request\.body\.(?P<bare>[A-Za-z0-9_.\-\[\]]+)")


def is_selection(expression: str) -> bool:
    """Whether a text can be a route selection expression: terms of the message's body, and text between them."""
    return _TERM.search(expression) is not None and "$" not in _TERM.sub("", expression)


def selected(expression: str, body: str) -> str | None:
    """The route key that a message selects; None for a message that is no JSON, or lacks what the expression names."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    missing = False

    def term(match: re.Match[str]) -> str:
        nonlocal missing
        found = member(value, match["braced"] or match["bare"])
        if found is None or isinstance(found, dict | list):
            missing = True
            return ""
        return as_text(found)

    key = _TERM.sub(term, expression)
    return None if missing else key


def choice(expression: str | None, body: str) -> str:
    """What a template or model selection expression chooses: a plain key, or one that the message has."""
    key = (expression or "$default").removeprefix("\\")
    if "request.body." not in key:
        return key
    return selected(key, body) or "$default"


def route_of(routes: Iterable[Mapping[str, Any]], key: str | None) -> Mapping[str, Any] | None:
    """The route with a key, else the one for all other messages."""
    default = None
    for route in routes:
        if key is not None and route["RouteKey"] == key and key not in ("$connect", "$disconnect"):
            return route
        if route["RouteKey"] == "$default":
            default = route
    return default


def member(value: Any, path: str) -> Any:
    """What a path such as `a.b[0]` leads to within a JSON value; None where it leads nowhere."""
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def as_text(value: Any) -> str:
    """A scalar as expressions write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
