"""Where documents come in, from whichever door: checked, then appended to the lake."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from kumoi.clock import Clock
from kumoi.lake import Lake
from kumoi.services.xray.storage import TABLE, Place, row
from kumoi.services.xray.traces import Document, Refused, parse
from kumoi.services.xray.traces.document import check


class Read(NamedTuple):
    """A document that was checked, and its text."""

    document: Document
    text: str


_MANY = 200


class Intake:
    """Takes documents in. `write` is for what nobody waits for, `append` returns when they are durable.

    `reading` is held while a long request of OpenTelemetry's is read: it may take a hundred times its size in memory.
    """

    def __init__(self, lake: Lake, clock: Clock) -> None:
        self._lake = lake
        self._clock = clock
        self.reading = asyncio.Lock()
        lake.define(TABLE)

    async def append(self, place: Place, texts: Sequence[str]) -> list[Refused]:
        """Keep documents; answers those that are refused. Many are read on a thread."""
        found, refused = await asyncio.to_thread(_read, texts) if len(texts) > _MANY else _read(texts)
        await self._append(place, found)
        return refused

    async def append_made(self, place: Place, documents: Sequence[Document]) -> list[Refused]:
        """Keep documents that were made here of something else; answers those that are refused."""
        many = len(documents) > _MANY
        found, refused = await asyncio.to_thread(_checked, documents) if many else _checked(documents)
        await self._append(place, found)
        return refused

    def write(self, place: Place, found: Sequence[Read]) -> None:
        """Keep documents without waiting."""
        self._lake.write(TABLE.name, self._rows(place, found))

    def write_made(self, place: Place, documents: Iterable[Document]) -> None:
        """Keep documents of the platform itself."""
        self.write(place, [Read(one, orjson.dumps(one).decode()) for one in documents])

    async def _append(self, place: Place, found: Sequence[Read]) -> None:
        for at in range(0, len(found), _MANY):
            await self._lake.append(TABLE.name, self._rows(place, found[at : at + _MANY]))

    def _rows(self, place: Place, found: Sequence[Read]) -> list[dict[str, Any]]:
        now = self._clock.now()
        return [row(place, one.document, one.text, now) for one in found]


def _read(texts: Sequence[str]) -> tuple[list[Read], list[Refused]]:
    """Documents that are valid, and why others are not."""
    found: list[Read] = []
    refused: list[Refused] = []
    for text in texts:
        try:
            found.append(Read(parse(text), text))
        except Refused as error:
            refused.append(error)
    return found, refused


def _checked(documents: Sequence[Document]) -> tuple[list[Read], list[Refused]]:
    """Documents that were made here, with their texts, and why others are not valid."""
    found: list[Read] = []
    refused: list[Refused] = []
    for document in documents:
        text = orjson.dumps(document).decode()
        try:
            found.append(Read(check(document, len(text)), text))
        except Refused as error:
            refused.append(error)
    return found, refused
