"""A table as a data source has it, and what every request of one needs: expressions, their names and values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.tables.values import low

Ask = Callable[..., Awaitable[Any]]
"""Calls an operation of DynamoDB; raises FieldError."""
Invoke = Callable[[str, Any], Awaitable[Any]]
"""Asks a function (its ARN) about an event; raises FieldError."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `config` is the data source's, `sync` the resolver's `syncConfig`; `retries` so far."""

    name: str
    source: str
    config: Mapping[str, Any]
    sync: Mapping[str, Any]
    field: Field
    ask: Ask
    invoke: Invoke
    retries: int = 0

    @property
    def versioned(self) -> bool:
        """Whether items have versions, and their changes are in a delta table."""
        return bool(self.config.get("versioned"))

    def told(self) -> dict[str, Any]:
        """`resolver`, as functions that decide about conflicts are told of it."""
        call = self.field.asked.call
        return {
            "tableName": self.name,
            "awsRegion": self.config.get("awsRegion") or call.region,
            "parentType": self.field.type_name,
            "field": self.field.name,
        }


@dataclass(slots=True)
class Expressions:
    """The names and values of the expressions of one request."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, one: Mapping[str, Any] | None) -> str | None:
        """The text of an expression, whose names and values are from now on among these."""
        if not one or not one.get("expression"):
            return None
        self.names |= one.get("expressionNames") or {}
        self.values |= low(one.get("expressionValues") or {})
        return str(one["expression"])

    def given(self) -> dict[str, Any]:
        """The members of a request of DynamoDB's."""
        members: dict[str, Any] = {}
        if self.names:
            members["ExpressionAttributeNames"] = self.names
        if self.values:
            members["ExpressionAttributeValues"] = self.values
        return members


def projected(request: Mapping[str, Any]) -> dict[str, Any]:
    """The members that a request's projection makes."""
    expressions = Expressions()
    text = expressions.add(request.get("projection"))
    return {} if text is None else {"ProjectionExpression": text, **expressions.given()}


def bracketed(text: str) -> str:
    """An expression in brackets, which DynamoDB takes once only."""
    text = text.strip()
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and (at < len(text) - 1 or character != ")"):
            return f"({text})"
    return text
