"""Service graphs: of a time, of some traces, and their statistics over time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid, time_range
from kumoi.services.xray.filter_expression import nodes
from kumoi.services.xray.operations.reading import trace_ids
from kumoi.services.xray.searching import Search, compiled, search_group
from kumoi.services.xray.storage import DAY, Place, Slice, find_trace, slices
from kumoi.services.xray.time_series import TimeSeries
from kumoi.services.xray.traces import Trace
from kumoi.services.xray.traces.service_graph import ServiceGraph

PERIODS = (60, 300)


@xray.operation
async def get_service_graph(
    call: Call,
    StartTime: datetime,
    EndTime: datetime,
    GroupName: str | None = None,
    GroupARN: str | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The graph of the traces of up to six hours, of a group's or of all, on one page."""
    _one_page(NextToken)
    start, end = time_range(StartTime, EndTime)
    wanted = await search_group(call, GroupName, GroupARN)
    graph = ServiceGraph()
    async for one in slices(call.lake, Place(call.account, call.region), start, end):
        await asyncio.to_thread(_add, graph, one, wanted)
    return {
        "StartTime": StartTime,
        "EndTime": EndTime,
        "Services": graph.answer(),
        "ContainsOldGroupVersions": False,
    }


def _add(graph: ServiceGraph, some: Slice, wanted: Search) -> None:
    for trace in _traces(some, wanted):
        graph.add(trace)


def _traces(some: Slice, wanted: Search) -> Iterable[Trace]:
    return (trace for trace in some.assembled() if wanted.means(trace))


@xray.operation
async def get_trace_graph(call: Call, TraceIds: list[str], NextToken: str | None = None) -> dict[str, Any]:
    """The graph of some traces."""
    _one_page(NextToken)
    place = Place(call.account, call.region)
    found = [await find_trace(call.lake, place, trace_id) for trace_id in trace_ids(TraceIds)]
    return {"Services": ServiceGraph.of(trace for trace in found if trace is not None).answer()}


@xray.operation
async def get_time_series_service_statistics(
    call: Call,
    StartTime: datetime,
    EndTime: datetime,
    GroupName: str | None = None,
    GroupARN: str | None = None,
    EntitySelectorExpression: str | None = None,
    Period: int | None = None,
    ForecastStatistics: bool | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Statistics of the services (or the edges) that an expression selects, minute by minute or in five."""
    _one_page(NextToken)
    start, end = time_range(StartTime, EndTime)
    period = Period or 60
    if period not in PERIODS:
        raise invalid("Period must be 60 or 300.")
    wanted = await search_group(call, GroupName, GroupARN)
    series = TimeSeries(_selected(EntitySelectorExpression), start / 1000, end / 1000, period)
    place = Place(call.account, call.region)
    async for one in slices(call.lake, place, start - DAY, end, active=(start, end)):
        await asyncio.to_thread(_count, series, one, wanted)
    return {"TimeSeriesServiceStatistics": series.answer(), "ContainsOldGroupVersions": False}


def _selected(expression: str | None) -> nodes.Service | nodes.Edge | None:
    """The services or edges that statistics are wanted of."""
    if expression is None:
        return None
    found = compiled(expression)
    if not isinstance(found, nodes.Service | nodes.Edge) or found.part is not None:
        raise invalid("EntitySelectorExpression must be a service or an edge.")
    return found


def _count(series: TimeSeries, some: Slice, wanted: Search) -> None:
    for trace in _traces(some, wanted):
        series.add(trace)


def _one_page(token: str | None) -> None:
    if token is not None:
        raise invalid("Invalid NextToken.")
