"""Runs an Insights query over events in the lake, sealed segments and tail together, in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from kumoi.insights import answering
from kumoi.insights.answering import Answered, Inquiry
from kumoi.insights.plan import Reading
from kumoi.lake import Derived, Lake, View
from kumoi.services.logs.events import TABLE


class Span(NamedTuple):
    """Epoch ms: `start` inclusive, `end` exclusive."""

    start: int
    end: int


class Scope(NamedTuple):
    """Whose events a view reads: an account's, in these regions, of these groups, in a time."""

    account: str
    regions: Sequence[str]
    groups: Sequence[str]
    span: Span


class Answer(NamedTuple):
    """A query's rows in pages, how many there are, and its statistics."""

    pages: list[bytes]
    total: int
    statistics: dict[str, float]


async def run(lake: Lake, inquiry: Inquiry, readings: Mapping[str, Reading], scopes: Mapping[str, Scope]) -> Answer:
    """The answer of a query whose plan has these views, each over its scope; QueryFailed when it cannot be had."""
    views = {name: _view(scopes[name], reading) for name, reading in readings.items()}
    scanned = size = 0
    for view in views.values():
        rows, measured = await lake.measure(_unbounded(view))
        scanned, size = scanned + rows, size + measured
    answered = msgspec.msgpack.decode(await lake.work(answering.answer, inquiry, views=views), type=Answered)
    statistics = {
        "recordsMatched": float(scanned if answered.matched is None else answered.matched),
        "recordsScanned": float(scanned),
        "estimatedRecordsSkipped": 0.0,
        "bytesScanned": float(size),
        "estimatedBytesSkipped": 0.0,
        "logGroupsScanned": float(len({one for scope in scopes.values() for one in scope.groups})),
    }
    return Answer(answered.pages, answered.rows, statistics)


def _view(scope: Scope, reading: Reading) -> View:
    length = scope.span.end - scope.span.start
    shift = length if reading.shift < 0 else reading.shift
    return View(
        TABLE.name,
        scope.account,
        None,
        {"region": list(scope.regions), "log_group": list(scope.groups)},
        scope.span.start - shift,
        scope.span.end - shift,
        {name: Derived(*derived) for name, derived in reading.derived.items()},
        reading.newest,
        reading.oldest,
    )


def _unbounded(view: View) -> View:
    return View(view.table, view.account, view.region, view.equals, view.start, view.end)
