"""Segment documents in the lake: appended as they came, read by trace or by time.

All documents of a trace carry the time that its id tells, so that they lie together however late they come, and a
search by time finds whole traces. Ids of W3C's form may tell no time; then it is when the document began.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from time import perf_counter, sleep
from typing import Any, NamedTuple

import orjson

from kumoi.lake import Lake, Row, Table, View
from kumoi.services.xray.traces import Document, Trace, assemble
from kumoi.services.xray.traces.document import end_of

KEPT_DAYS = 30
DAY = 86_400_000

TABLE = Table(
    "xray_segments",
    {
        "time": "BIGINT",
        "account": "VARCHAR",
        "region": "VARCHAR",
        "trace": "VARCHAR",
        "began": "BIGINT",
        "ended": "BIGINT",
        "document": "VARCHAR",
    },
)

SLICE_ROWS = 20_000
_LONG = 100
"""Documents past which a trace is put together on a thread."""
_BREATH = 0.001
_REST = 0.00005
_DOCUMENTS = "'[' || string_agg(document, ',' ORDER BY seq) || ']'"


class Place(NamedTuple):
    """Where documents belong."""

    account: str
    region: str


class Slice(NamedTuple):
    """Traces that begin within a time (epoch ms, the end excluded): the documents of each as one JSON array."""

    start: int
    end: int
    traces: Mapping[str, str]

    def assembled(self) -> Iterator[Trace]:
        """Each trace, for a thread to walk through.

        It rests every millisecond: whoever computes without a pause has the loop wait five at every turn for Python's
        lock.
        """
        rested = perf_counter()
        for trace_id, documents in self.traces.items():
            yield assembled(trace_id, documents)
            if perf_counter() - rested > _BREATH:
                sleep(_REST)
                rested = perf_counter()


def row(place: Place, document: Document, text: str, now: float) -> dict[str, Any]:
    """A checked document as the lake keeps it."""
    began = int(document["start_time"] * 1000)
    return {
        "time": _time(document["trace_id"], began, now),
        "account": place.account,
        "region": place.region,
        "trace": document["trace_id"],
        "began": began,
        "ended": int(end_of(document) * 1000),
        "document": text,
    }


def _time(trace_id: str, began: int, now: float) -> int:
    told = _told(trace_id)
    return told if now * 1000 - KEPT_DAYS * DAY <= told <= now * 1000 + DAY else began


def _told(trace_id: str) -> int:
    """The time that an id tells (epoch ms)."""
    return int(trace_id[2:10], 16) * 1000


async def find_trace(lake: Lake, place: Place, trace_id: str) -> Trace | None:
    """A trace by its id, or None."""
    told = _told(trace_id)
    equals = {"trace": trace_id}
    found = await lake.scan(TABLE.name, **place._asdict(), equals=equals, start=told, end=told + 1)
    if not found:
        found = await lake.scan(TABLE.name, **place._asdict(), equals=equals)
    if not found:
        return None
    if len(found) > _LONG:
        return await asyncio.to_thread(_whole, trace_id, found)
    return _whole(trace_id, found)


def _whole(trace_id: str, rows: Sequence[Row]) -> Trace:
    documents = ",".join(one["document"] for one in sorted(rows, key=lambda one: one["seq"]))
    return assembled(trace_id, f"[{documents}]")


def assembled(trace_id: str, documents: str) -> Trace:
    """A trace from its stored documents, a JSON array."""
    found: list[Document] = orjson.loads(documents)
    for document in found:
        document["trace_id"] = trace_id
    return assemble(trace_id, found)


async def slices(
    lake: Lake,
    place: Place,
    start: int,
    end: int,
    *,
    active: tuple[int, int] | None = None,
    rows: int = SLICE_ROWS,
) -> AsyncIterator[Slice]:
    """The traces that begin within a time, some thousand documents at a time.

    With `active` only those of which something was under way within that time.
    """
    condition, parameters = "", []
    if active is not None:
        condition = "WHERE trace IN (SELECT trace FROM segments WHERE ended >= ? AND began < ?)"
        parameters = list(active)
    counts = await lake.query(
        f"SELECT time, count(*) FROM segments {condition} GROUP BY time ORDER BY time",  # noqa: S608
        parameters,
        views={"segments": View(TABLE.name, place.account, place.region, start=start, end=end)},
    )
    for first, last in _cuts(counts.rows, rows):
        found = await lake.query(
            f"SELECT trace, min(time), {_DOCUMENTS} FROM segments {condition} GROUP BY trace ORDER BY 2, 1",  # noqa: S608
            parameters,
            views={"segments": View(TABLE.name, place.account, place.region, start=first, end=last + 1)},
        )
        traces, scattered = await asyncio.to_thread(_sorted, found.rows)
        if scattered:
            traces |= await _gathered(lake, place, scattered, first, last)
        yield Slice(first, last + 1, traces)


def _sorted(rows: Sequence[tuple[Any, ...]]) -> tuple[dict[str, str], list[str]]:
    """Traces that are whole, and the ids of those that may have further documents elsewhere."""
    whole = {trace: documents for trace, began, documents in rows if began == _told(trace)}
    return whole, [trace for trace, _, _ in rows if trace not in whole]


async def _gathered(lake: Lake, place: Place, ids: Sequence[str], first: int, last: int) -> dict[str, str]:
    """Those of some traces whose ids tell no time that begin within a time, with all of their documents."""
    found = await lake.query(
        f"SELECT trace, min(time), {_DOCUMENTS} FROM segments WHERE trace IN (SELECT unnest(?)) GROUP BY trace",  # noqa: S608
        [ids],
        views={"segments": View(TABLE.name, place.account, place.region, start=first - DAY, end=last + DAY)},
    )
    return {trace: documents for trace, began, documents in found.rows if first <= began <= last}


def _cuts(counts: Sequence[tuple[Any, ...]], rows: int) -> list[tuple[int, int]]:
    """Neighbouring times put together as long as they hold no more rows than that: first and last of each."""
    cuts: list[tuple[int, int]] = []
    held = 0
    for time, count in counts:
        if cuts and held + count <= rows:
            cuts[-1] = (cuts[-1][0], time)
            held += count
        else:
            cuts.append((time, time))
            held = count
    return cuts
