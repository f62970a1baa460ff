"""Parameter mappings: where the parts of a request to an integration, and of a response to a client, come from; pure.

`integration.request.header.X: method.request.querystring.y`, `method.response.header.X: integration.response.body.a`,
texts in single quotes, `context.…` and `stageVariables.…`. Source: "Amazon API Gateway API request and response data
mapping reference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from kumoi.http_api import json_path
from kumoi.http_api.json_path import MISSING, BadPath
from kumoi.services.apigateway.exchange import Exchange


@dataclass(slots=True)
class Outgoing:
    """What an integration is asked: header fields by name (the last wins), query parameters, values for the path."""

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an integration answered. `failed_with` is the error message of a function that failed."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    failed_with: str | None = None


def one_line(text: str) -> str:
    """A text as the content of a header field."""
    return " ".join(text.replace("\0", " ").split())


def request_value(expression: str, exchange: Exchange) -> list[str] | None:
    """The values that a mapping expression means in a request; None where there is none."""
    if expression.startswith("method.request."):
        return _of_request(expression[len("method.request.") :], exchange)
    return _common(expression, exchange)


def response_value(expression: str, exchange: Exchange, answer: Answer) -> list[str] | None:
    """The values that a mapping expression means in an integration's answer; None where there is none."""
    if expression.startswith("integration.response."):
        rest = expression[len("integration.response.") :]
        place, _, name = rest.partition(".")
        if place in ("header", "multivalueheader"):
            found = [value for key, value in answer.headers if key.lower() == name.lower()]
            return (found[-1:] if place == "header" else found) or None
        if place == "body":
            return _of_body(answer.body, name)
        return None
    return request_value(expression, exchange)


def apply_request(exchange: Exchange, mapping: Mapping[str, str], outgoing: Outgoing) -> None:
    """Fill in what an integration's `requestParameters` say."""
    for target, expression in mapping.items():
        values = request_value(expression, exchange)
        if values is None:
            continue
        _, _, place, name = target.split(".", 3)
        if place == "header":
            outgoing.headers[name] = one_line(",".join(values))
        elif place == "querystring":
            outgoing.query[name] = values
        else:
            outgoing.path[name] = values[-1]


def response_fields(exchange: Exchange, mapping: Mapping[str, str], answer: Answer) -> list[tuple[str, str]]:
    """The header fields that an integration response's `responseParameters` say."""
    fields: list[tuple[str, str]] = []
    for target, expression in mapping.items():
        values = response_value(expression, exchange, answer)
        if values is not None and target.startswith("method.response.header."):
            fields += [(target[len("method.response.header.") :], one_line(value)) for value in values]
    return fields


def _common(expression: str, exchange: Exchange) -> list[str] | None:
    if len(expression) >= 2 and expression[0] == expression[-1] == "'":
        return [expression[1:-1]]
    if expression.startswith("stageVariables."):
        value = exchange.variables.get(expression[len("stageVariables.") :])
        return None if value is None else [value]
    if expression.startswith("context."):
        found: Any = exchange.template_context()
        for part in expression.split(".")[1:]:
            found = found.get(part) if isinstance(found, Mapping) else None
        return None if found is None else [_text(found)]
    return None


def _of_request(rest: str, exchange: Exchange) -> list[str] | None:
    place, _, name = rest.partition(".")
    incoming = exchange.incoming
    if place == "path":
        value = exchange.path_parameters.get(name)
        return None if value is None else [value]
    if place in ("querystring", "multivaluequerystring"):
        values = incoming.parameters.get(name)
        return (values[-1:] if place == "querystring" else list(values)) if values else None
    if place in ("header", "multivalueheader"):
        found = [value for key, value in incoming.fields if key.lower() == name.lower()]
        return (found[-1:] if place == "header" else found) or None
    return _of_body(incoming.body, name) if place == "body" else None


def _of_body(body: bytes, path: str) -> list[str] | None:
    if not path:
        return [body.decode("utf-8", "replace")]
    try:
        found = json_path.found(orjson.loads(body), path if path.startswith("$") else f"$.{path}")
    except (orjson.JSONDecodeError, BadPath):
        return None
    return None if found is MISSING or found is None else [_text(found)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
