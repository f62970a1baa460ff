"""Segment documents in the lake: appended as they came, read by trace or by time.

All documents of a trace carry the time that its id tells, so that they lie together however late they come, and a
search by time finds whole traces. Ids of W3C's form may tell no time; then it is when the document began.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from kumoi.lake import Lake, Table, View
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

SLICE_ROWS = 8_000


class Place(NamedTuple):
    """Where documents belong."""

    account: str
    region: str


class Slice(NamedTuple):
    """Traces that begin within a time (epoch ms, the end excluded)."""

    start: int
    end: int
    traces: Mapping[str, list[str]]


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
    return assembled(trace_id, (one["document"] for one in sorted(found, key=lambda one: one["seq"])))


def assembled(trace_id: str, texts: Iterable[str]) -> Trace:
    """A trace from its stored documents."""
    documents = []
    for text in texts:
        document = orjson.loads(text)
        document["trace_id"] = trace_id
        documents.append(document)
    return assemble(trace_id, documents)


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
            f"SELECT trace, time, document FROM segments {condition} ORDER BY time, trace, seq",  # noqa: S608
            parameters,
            views={"segments": View(TABLE.name, place.account, place.region, start=first, end=last + 1)},
        )
        traces: dict[str, list[str]] = {}
        scattered: set[str] = set()
        for trace, time, document in found.rows:
            if time != _told(trace):
                scattered.add(trace)
            else:
                traces.setdefault(trace, []).append(document)
        if scattered:
            traces |= await _gathered(lake, place, scattered, first, last)
        yield Slice(first, last + 1, traces)


async def _gathered(lake: Lake, place: Place, ids: set[str], first: int, last: int) -> dict[str, list[str]]:
    """Those of some traces whose ids tell no time that begin within a time, with all of their documents."""
    found = await lake.query(
        "SELECT trace, document, min(time) OVER (PARTITION BY trace) FROM segments"
        " WHERE trace IN (SELECT unnest(?)) ORDER BY seq",
        [sorted(ids)],
        views={"segments": View(TABLE.name, place.account, place.region, start=first - DAY, end=last + DAY)},
    )
    traces: dict[str, list[str]] = {}
    for trace, document, began in found.rows:
        if first <= began <= last:
            traces.setdefault(trace, []).append(document)
    return traces


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
