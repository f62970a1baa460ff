"""Queries over log events of one group, without a platform."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kumoi.insights.answering import Inquiry, plan, read
from kumoi.insights.plan import LookupTable
from kumoi.lake import Lake
from kumoi.services.logs.events import TABLE, write
from kumoi.services.logs.query_run import Scope, Span, run

START = 1_700_000_000_000
GROUP = "/aws/lambda/f"

Ask = Callable[..., list[dict[str, str]]]


class Answer(NamedTuple):
    """A query's rows and statistics."""

    rows: list[list[dict[str, str]]]
    statistics: dict[str, float]


class Events:
    """A lake with events a second apart, and queries over them."""

    def __init__(self, root: Path | None) -> None:
        self._loop = asyncio.new_event_loop()
        self.lake = self._loop.run_until_complete(self._open(root))

    async def _open(self, root: Path | None) -> Lake:
        lake = await Lake.open(root)
        lake.define(TABLE)
        return lake

    def put(self, messages: Sequence[str], *, group: str = GROUP, stream: str = "s", start: int = START) -> None:
        events = [{"timestamp": start + 1000 * n, "message": message} for n, message in enumerate(messages)]
        self._loop.run_until_complete(write(self.lake, "1", "r", group, {stream: events}, start + 10**6))

    def seal(self) -> None:
        self._loop.run_until_complete(self.lake.tidy())

    def answer(
        self,
        query: str,
        *,
        limit: int | None = None,
        span: Span | None = None,
        tables: Mapping[str, LookupTable] | None = None,
    ) -> Answer:
        inquiry = Inquiry(query, START + 10**6, limit, tables or {})
        readings = plan(inquiry).views
        scopes = {
            name: Scope(
                "1",
                ["r"],
                [reading.source.groups[0] if reading.source else GROUP],
                span or Span(START - 10**6, START + 10**7),
            )
            for name, reading in readings.items()
        }
        found = self._loop.run_until_complete(run(self.lake, inquiry, readings, scopes))
        return Answer([row for page in found.pages for row in read(page)], found.statistics)

    def ask(self, query: str, **options: Any) -> list[dict[str, str]]:
        """The rows as dictionaries, without @ptr."""
        rows = self.answer(query, **options).rows
        return [{one["field"]: one["value"] for one in row if one["field"] != "@ptr"} for row in rows]

    def close(self) -> None:
        self._loop.run_until_complete(self.lake.close())
        self._loop.close()


@pytest.fixture(scope="module")
def make_events(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made: list[Events] = []

    def make(messages: Sequence[str] = (), *, on_disk: bool = False) -> Events:
        events = Events(tmp_path_factory.mktemp("lake") if on_disk else None)
        made.append(events)
        if messages:
            events.put(messages)
        return events

    yield make
    for events in made:
        events.close()
