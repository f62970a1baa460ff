"""What is stored of Insights queries: each with its answer, and queries that were saved. Times are epoch ms."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

ENDED = ("Complete", "Failed", "Cancelled", "Timeout")


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A query that was started: what it says, what it reads, how far it is.

    `regions` is empty where it is the query's own; `joined` are the groups of its joins by view; `start` is inclusive,
    `end` exclusive. `rows` counts the answer's. `reason` tells why one failed.
    """

    id: str
    text: str
    groups: list[str]
    regions: list[str] = []
    joined: dict[str, list[str]] = {}
    start: int
    end: int
    limit: int | None
    created: int
    status: str = "Running"
    finished: int | None = None
    statistics: dict[str, float] = {}
    rows: int = 0
    reason: str | None = None
    owner: str = ""


class QueryPage(msgspec.Struct, frozen=True):
    """A page of a query's answer, by number: see `kumoi.insights.answering`."""

    id: str
    number: int
    content: bytes


class QueryDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A query that was saved."""

    id: str
    name: str
    text: str
    groups: list[str] = []
    modified: int
    parameters: list[dict[str, Any]] = []


queries: Space[Query] = Space("logs.query", Query, lambda query: (query.id,))
pages: Space[QueryPage] = Space("logs.query_page", QueryPage, lambda page: (page.id, page.number))
definitions: Space[QueryDefinition] = Space("logs.query_definition", QueryDefinition, lambda one: (one.id,))


@transactional
async def answer_of(tx: Transaction, query_id: str) -> tuple[Query | None, list[bytes]]:
    """A query, and all pages of its answer."""
    query = await queries.get(tx, query_id)
    return query, [page.content for page in await pages.list(tx, query_id)]
