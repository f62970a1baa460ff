"""What Athena stores: work groups, executions, queries with names, prepared statements. Times are epoch seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

PRIMARY = "primary"
"""The work group that every account has."""


class WorkGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A work group; `configuration` is as the client gave it."""

    name: str
    created: float
    description: str = ""
    state: str = "ENABLED"
    configuration: dict[str, Any] = {}
    tags: dict[str, str] = {}


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that was or is to be run. `columns` are (name, type) of the answer, where it has one.

    `manifest` is the key of the list of the objects that it wrote.
    """

    id: str
    query: str
    kind: str
    work_group: str
    database: str
    location: str
    submitted: float
    state: str = "QUEUED"
    begun: float | None = None
    completed: float | None = None
    reason: str | None = None
    scanned: int = 0
    columns: tuple[tuple[str, str], ...] = ()
    header: bool = False
    output: str | None = None
    updated: int | None = None
    manifest: str | None = None
    parameters: tuple[str, ...] = ()
    token: str | None = None


class Listed(msgspec.Struct, frozen=True):
    """An execution in the list of its work group; `submitted` is in epoch ms."""

    work_group: str
    submitted: int
    id: str


class Unfinished(msgspec.Struct, frozen=True):
    """Where an execution is that has not ended yet."""

    id: str
    account: str
    region: str


class NamedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query that was given a name."""

    id: str
    name: str
    database: str
    query: str
    work_group: str
    description: str | None = None


class PreparedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A query with parameters, by its work group and name."""

    work_group: str
    name: str
    query: str
    modified: float
    description: str | None = None


class Token(msgspec.Struct, frozen=True):
    """The execution or query that a request with a token made."""

    token: str
    id: str


work_groups: Space[WorkGroup] = Space("athena.work-group", WorkGroup, lambda one: (one.name,))
executions: Space[Execution] = Space("athena.execution", Execution, lambda one: (one.id,))
listed: Space[Listed] = Space("athena.listed", Listed, lambda one: (one.work_group, one.submitted, one.id))
named_queries: Space[NamedQuery] = Space("athena.named-query", NamedQuery, lambda one: (one.id,))
prepared: Space[PreparedStatement] = Space("athena.prepared", PreparedStatement, lambda one: (one.work_group, one.name))
tokens: Space[Token] = Space("athena.token", Token, lambda one: (one.token,))
unfinished: Space[Unfinished] = Space("athena.unfinished", Unfinished, lambda one: (one.id,), scope="global")
