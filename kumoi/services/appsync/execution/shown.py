"""Errors as AppSync shows them: their members, their texts, and how a path is written in a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphql import GraphQLError, Node

from kumoi.services.appsync.resolving.outcomes import FieldError

Shown = dict[str, Any]


def shown(
    message: str,
    path: Sequence[str | int] | None = None,
    kind: str | None = None,
    locations: list[Shown] | None = None,
    data: Any = None,
    info: Any = None,
) -> Shown:
    """An error of a field or of a whole request."""
    return {
        "path": None if path is None else list(path),
        "data": data,
        "errorType": kind,
        "errorInfo": info,
        "locations": locations or None,
        "message": message,
    }


def of_field(error: FieldError, path: Sequence[str | int], nodes: Iterable[Node], data: Any) -> Shown:
    """What a resolver raised; `data` is cut to the selection set."""
    return shown(error.message, path, error.kind, located(nodes), data, error.info)


def brief(message: str, path: Sequence[str | int]) -> Shown:
    """An error of a value that does not fit its type."""
    return {"path": list(path), "locations": None, "message": message}


def of_document(error: GraphQLError, text: str) -> Shown:
    """An error of the query itself."""
    places = [{"line": one.line, "column": one.column, "sourceName": None} for one in error.locations or ()]
    return {"path": None, "locations": places, "message": text}


def located(nodes: Iterable[Node]) -> list[Shown]:
    """Where the first of a field's nodes stands."""
    for node in nodes:
        if node.loc is not None:
            token = node.loc.start_token
            return [{"line": token.line, "column": token.column, "sourceName": None}]
    return []


def written(path: Iterable[str | int]) -> str:
    """A path in a text: `/list[0]/id`."""
    return "".join(f"[{one}]" if isinstance(one, int) else f"/{one}" for one in path) or "/"
