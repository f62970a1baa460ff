"""Selection and mapping expressions of HTTP APIs: `$request.header.x`, `$context.y`, `${stageVariables.z}`; pure.

Source: "Transform API requests and responses for HTTP APIs" and "Working with API Gateway identity sources".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from kumoi.services.apigatewayv2.exchange import Exchange

_TERM = re.compile(
    r"\$\{(?P<braced>(?:request|response|context|stageVariables)[^}]*)\}"
    r"|\$(?P<bare>(?:request|response|context|stageVariables)[A-Za-z0-9_.\-\[\]]*)"
)


class Answer:
    """An integration's answer, for `$response`."""

    def __init__(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body


def evaluate(expression: str, exchange: Exchange, answer: Answer | None = None) -> str | None:
    """The text an expression stands for; None for a single term without a value."""
    whole = _TERM.fullmatch(expression)
    if whole is not None:
        return _term(whole["braced"] or whole["bare"], exchange, answer)
    return _TERM.sub(lambda match: _term(match["braced"] or match["bare"], exchange, answer) or "", expression)


def _term(term: str, exchange: Exchange, answer: Answer | None) -> str | None:
    incoming = exchange.incoming
    kind, _, rest = term.partition(".")
    what, _, name = rest.partition(".")
    if kind == "request":
        match what:
            case "header":
                return incoming.headers.get(name.lower())
            case "querystring":
                values = incoming.parameters.get(name)
                return None if values is None else ",".join(values)
            case "path":
                return exchange.path_parameters.get(name) if name else unquote(incoming.path)
            case "body":
                return _of_body(incoming.body, name)
            case "method":
                return incoming.method
        return None
    if kind == "response" and answer is not None:
        match what:
            case "header":
                return answer.headers.get(name.lower())
            case "body":
                return _of_body(answer.body, name)
            case "status" | "statuscode":
                return str(answer.status)
        return None
    if kind == "stageVariables":
        return exchange.variables.get(rest)
    found: Any = exchange.log_context(answer.status if answer else 0, 0, 0.0)
    for part in rest.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None or isinstance(found, Mapping) else str(found)


def _of_body(body: bytes, name: str) -> str | None:
    if not name:
        return body.decode("utf-8", "replace")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for part in re.findall(r"[^.\[\]]+", name):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
