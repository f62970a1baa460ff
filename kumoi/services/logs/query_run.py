"""Runs a compiled Insights query over a group's events in the lake: sealed segments and tail together, off the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from kumoi.insights.plan import Plan, Reading
from kumoi.insights.rendering import row
from kumoi.lake import Derived, Lake, View
from kumoi.services.logs.events import TABLE

MOST_BYTES = 64 << 20
"""Of a query's rows as they are kept; those behind are left out."""


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
    """A query's rows as GetQueryResults shows them, and its statistics."""

    rows: list[list[dict[str, str]]]
    statistics: dict[str, float]


async def run(lake: Lake, plan: Plan, scopes: dict[str, Scope]) -> Answer:
    """The answer of a plan whose views read `scopes`; QueryFailed when it cannot be had."""
    views = {name: _view(scopes[name], reading) for name, reading in plan.views.items()}
    scanned = size = 0
    for view in views.values():
        rows, measured = await lake.measure(_unbounded(view))
        scanned, size = scanned + rows, size + measured
    result = await lake.query(plan.sql, plan.parameters, views=views)
    found = result.rows
    matched = (found[0][-1] if found else 0) if plan.counted else scanned
    final = plan
    if plan.then is not None:
        final = await asyncio.to_thread(plan.then, found)
        found = (await lake.query(final.sql, final.parameters, views={})).rows
    rendered = await asyncio.to_thread(_rendered, final, found)
    statistics = {
        "recordsMatched": float(matched or 0),
        "recordsScanned": float(scanned),
        "estimatedRecordsSkipped": 0.0,
        "bytesScanned": float(size),
        "estimatedBytesSkipped": 0.0,
        "logGroupsScanned": float(len({one for scope in scopes.values() for one in scope.groups})),
    }
    return Answer(rendered, statistics)


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


def _rendered(plan: Plan, found: Sequence[tuple[Any, ...]]) -> list[list[dict[str, str]]]:
    rendered = []
    size = 0
    for values in found:
        fields = row(plan.columns, values)
        if plan.pointers:
            fields.append({"field": "@ptr", "value": str(values[len(plan.columns)])})
        size += sum(len(field["value"]) for field in fields)
        if size > MOST_BYTES:
            break
        rendered.append(fields)
    return rendered
