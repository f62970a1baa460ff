"""Where documents come in, from whichever door: checked, then appended to the lake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from kumoi.clock import Clock
from kumoi.lake import Lake
from kumoi.services.xray.storage import TABLE, Place, row
from kumoi.services.xray.traces import Document, Refused, parse
from kumoi.services.xray.traces.document import check


class Taken(NamedTuple):
    """What became of some documents: rows to append, and why others are not kept."""

    rows: list[dict[str, Any]]
    refused: list[Refused]


class Intake:
    """Takes documents in. `write` is for what nobody waits for, `append` returns when they are durable."""

    def __init__(self, lake: Lake, clock: Clock) -> None:
        self._lake = lake
        self._clock = clock
        lake.define(TABLE)

    async def append(self, place: Place, texts: Iterable[str]) -> list[Refused]:
        """Keep documents; answers those that are refused."""
        taken = self._read(place, texts)
        if taken.rows:
            await self._lake.append(TABLE.name, taken.rows)
        return taken.refused

    async def append_made(self, place: Place, documents: Sequence[Document]) -> list[Refused]:
        """Keep documents that were made here from something else."""
        taken = Taken([], [])
        for document in documents:
            try:
                text = orjson.dumps(document).decode()
                taken.rows.append(row(place, check(document, len(text)), text, self._clock.now()))
            except Refused as refused:
                taken.refused.append(refused)
        if taken.rows:
            await self._lake.append(TABLE.name, taken.rows)
        return taken.refused

    def write(self, place: Place, texts: Iterable[str]) -> list[Refused]:
        """Keep documents without waiting; answers those that are refused."""
        taken = self._read(place, texts)
        if taken.rows:
            self._lake.write(TABLE.name, taken.rows)
        return taken.refused

    def write_made(self, place: Place, documents: Iterable[Document]) -> None:
        """Keep documents of the platform itself."""
        now = self._clock.now()
        self._lake.write(TABLE.name, [row(place, one, orjson.dumps(one).decode(), now) for one in documents])

    def _read(self, place: Place, texts: Iterable[str]) -> Taken:
        taken, now = Taken([], []), self._clock.now()
        for text in texts:
            try:
                taken.rows.append(row(place, parse(text), text, now))
            except Refused as refused:
                taken.refused.append(refused)
        return taken
