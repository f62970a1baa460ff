"""What a query becomes: one SELECT with its parameters, the views it reads, and what its columns are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kumoi.insights.syntax import Source
from kumoi.insights.values import Kind


class Derived(NamedTuple):
    """A field that is read out of the message: what the lake calls it, its type in DuckDB, and how it is worked out.

    The SQL is over an event's columns and `document`, the event's JSON.
    """

    name: str
    kind: str
    sql: str


class LookupTable(NamedTuple):
    """A lookup table: the names of its columns, and its rows as JSON (a list of lists of texts)."""

    columns: tuple[str, ...]
    rows: str


class Shown(NamedTuple):
    """A column of the answer."""

    name: str
    kind: Kind


@dataclass(slots=True)
class Reading:
    """A view: which groups (None: those the caller names), what is read out of their messages.

    `shift` is how much earlier than asked its time is, in ms. `newest` (or `oldest`) says that no more than so many
    events from the end (or the beginning) are needed.
    """

    source: Source | None = None
    derived: dict[str, Derived] = field(default_factory=dict)
    shift: int = 0
    newest: int | None = None
    oldest: int | None = None


@dataclass(slots=True)
class Plan:
    """A query ready to run.

    The statement's columns are `columns` in order, then the pointer of each event where `pointers`, then the count of
    records that matched where `counted` (else every record scanned did). `then` makes, of the rows, the plan that goes
    on with them.
    """

    sql: str
    parameters: dict[str, str]
    views: dict[str, Reading]
    columns: list[Shown]
    pointers: bool
    counted: bool
    then: Callable[[Sequence[tuple[Any, ...]]], Plan] | None = None
