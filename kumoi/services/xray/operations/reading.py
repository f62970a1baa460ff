"""Traces are read: summaries by time and filter expression, whole traces by id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid, read_time_token, time_range, token
from kumoi.services.xray.searching import Search, search
from kumoi.services.xray.storage import DAY, Place, Slice, find_trace, slices
from kumoi.services.xray.traces import rendering
from kumoi.services.xray.traces.document import normal_trace_id
from kumoi.services.xray.traces.summary import summary

MOST_TRACES = 5
_PAGE_ROWS = 2_000
_MOST_PROCESSED = 10_000
"""After how many traces a page ends, though none of them was meant."""
_ACTIVE_BEFORE = 7 * DAY
"""For how long before a time traces are looked for of which something happened then."""


@xray.operation
async def get_trace_summaries(
    call: Call,
    StartTime: datetime,
    EndTime: datetime,
    TimeRangeType: str = "TraceId",
    Sampling: bool | None = None,
    SamplingStrategy: dict[str, Any] | None = None,
    FilterExpression: str | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Summaries of the traces of up to six hours that a filter expression means, in pages."""
    start, end = time_range(StartTime, EndTime)
    wanted = await search(call, FilterExpression)
    active = None if TimeRangeType == "TraceId" else (start, end)
    begins = start if active is None else start - _ACTIVE_BEFORE
    share = (SamplingStrategy or {}).get("Value", 1.0) if (SamplingStrategy or {}).get("Name") == "FixedRate" else 1.0
    first = read_time_token(NextToken, begins)
    place = Place(call.account, call.region)
    found: list[dict[str, Any]] = []
    processed = 0
    answer: dict[str, Any] = {"ApproximateTime": call.now}
    async for one in slices(call.lake, place, max(first, begins), end, active=active, rows=_PAGE_ROWS):
        if found or processed >= _MOST_PROCESSED:
            answer["NextToken"] = token(one.start)
            break
        processed += len(one.traces)
        found += await asyncio.to_thread(_summaries, one, wanted, share)
    return {"TraceSummaries": found, "TracesProcessedCount": processed, **answer}


def _summaries(some: Slice, wanted: Search, share: float) -> list[dict[str, Any]]:
    if share < 1.0:
        drawn = {trace_id: documents for trace_id, documents in some.traces.items() if _draw(trace_id) < share}
        some = some._replace(traces=drawn)
    return [summary(trace) for trace in some.assembled() if wanted.means(trace)]


def _draw(trace_id: str) -> float:
    """A number from 0 to 1 that a trace always draws."""
    return int.from_bytes(blake2b(trace_id.encode(), digest_size=4).digest(), "big") / 2**32


@xray.operation
async def batch_get_traces(call: Call, TraceIds: list[str], NextToken: str | None = None) -> dict[str, Any]:
    """Whole traces by their ids; ids that nothing is known of are among UnprocessedTraceIds."""
    if len(TraceIds) > MOST_TRACES:
        raise invalid(f"The number of trace IDs cannot exceed {MOST_TRACES}.")
    place = Place(call.account, call.region)
    found, missing = [], []
    for given, trace_id in zip(TraceIds, trace_ids(TraceIds), strict=True):
        trace = await find_trace(call.lake, place, trace_id)
        if trace is None:
            missing.append(given)
        else:
            found.append(rendering.answer(trace))
    return {"Traces": found, "UnprocessedTraceIds": missing}


def trace_ids(given: Sequence[str]) -> list[str]:
    """Trace ids in X-Ray's form; InvalidRequestException for what is none."""
    found = [normal_trace_id(one) for one in given]
    for one, normal in zip(given, found, strict=True):
        if normal is None:
            raise invalid(f"Invalid trace ID: {one}")
    return [one for one in found if one is not None]
