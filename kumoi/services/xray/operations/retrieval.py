"""Trace retrieval: AWS fetches traces from `aws/spans` in the background. Here they are at hand, so that a retrieval is
complete at once. It is kept for an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid, page
from kumoi.services.xray.operations.reading import trace_ids
from kumoi.services.xray.otlp import rendering as otel
from kumoi.services.xray.records import Retrieval, retrievals
from kumoi.services.xray.storage import Place, find_trace
from kumoi.services.xray.traces import Trace, rendering
from kumoi.services.xray.traces.service_graph import ServiceGraph
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_TRACES = 100
_PAGE = 5
_KEPT_SECONDS = 3600.0


@xray.operation
async def start_trace_retrieval(
    call: Call, TraceIds: list[str], StartTime: datetime, EndTime: datetime
) -> dict[str, Any]:
    """Begin to fetch traces of a time; the token is asked for them."""
    if EndTime <= StartTime:
        raise invalid("StartTime must be before EndTime.")
    if not 1 <= len(TraceIds) <= MOST_TRACES:
        raise invalid(f"The number of trace IDs must be between 1 and {MOST_TRACES}.")
    found = Retrieval(
        token=uuid(),
        created=call.now,
        start=StartTime.timestamp(),
        end=EndTime.timestamp(),
        traces=tuple(sorted(set(trace_ids(TraceIds)))),
    )
    await _start(call.state, found)
    return {"RetrievalToken": found.token}


@transactional
async def _start(tx: Transaction, found: Retrieval) -> None:
    for one in await retrievals.list(tx):
        if one.created < tx.now - _KEPT_SECONDS:
            await retrievals.delete(tx, one.token)
    await retrievals.put(tx, found)


@xray.operation
async def list_retrieved_traces(
    call: Call, RetrievalToken: str, TraceFormat: str = "XRAY", NextToken: str | None = None
) -> dict[str, Any]:
    """The traces of a retrieval, as X-Ray's documents or as OpenTelemetry's spans, five on a page."""
    retrieval = await _found(call.state, RetrievalToken)
    some, following = page(retrieval.traces, str, NextToken, _PAGE)
    traces = []
    for trace in await _traces(call, retrieval, some):
        answer = rendering.answer(trace)
        spans = answer["Segments"]
        if TraceFormat == "OTEL":
            told = [span for part in trace.documents() if not part.get("inferred") for span in otel.spans(part)]
            spans = [{"Id": span["spanId"], "Document": orjson.dumps(span).decode()} for span in told]
        traces.append({"Id": answer["Id"], "Duration": answer["Duration"], "Spans": spans})
    status = "CANCELLED" if retrieval.cancelled else "COMPLETE"
    return {"RetrievalStatus": status, "TraceFormat": TraceFormat, "Traces": traces, **following}


@xray.operation
async def get_retrieved_traces_graph(call: Call, RetrievalToken: str, NextToken: str | None = None) -> dict[str, Any]:
    """The service graph of a retrieval's traces."""
    if NextToken is not None:
        raise invalid("Invalid NextToken.")
    retrieval = await _found(call.state, RetrievalToken)
    services = ServiceGraph.of(await _traces(call, retrieval, retrieval.traces)).answer()
    return {
        "RetrievalStatus": "CANCELLED" if retrieval.cancelled else "COMPLETE",
        "Services": [{"Service": service, "Links": []} for service in services],
    }


@xray.operation
async def cancel_trace_retrieval(call: Call, RetrievalToken: str) -> dict[str, Any]:
    """Mark a retrieval as cancelled; it is complete already, and stays readable."""
    await _cancel(call.state, RetrievalToken)
    return {}


@transactional
async def _cancel(tx: Transaction, token: str) -> None:
    found = await _get(tx, token)
    await retrievals.put(tx, msgspec.structs.replace(found, cancelled=True))


@transactional
async def _found(tx: Transaction, token: str) -> Retrieval:
    return await _get(tx, token)


async def _get(tx: Transaction, token: str) -> Retrieval:
    found = await retrievals.get(tx, token)
    if found is None:
        raise aws_error("ResourceNotFoundException", "There is no such trace retrieval.")
    return found


async def _traces(call: Call, retrieval: Retrieval, some: Sequence[str]) -> list[Trace]:
    place = Place(call.account, call.region)
    found = [await find_trace(call.lake, place, trace_id) for trace_id in some]
    return [
        trace for trace in found if trace is not None and trace.start <= retrieval.end and trace.end >= retrieval.start
    ]
