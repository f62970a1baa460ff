"""The data plane: `POST /v1/traces`, `/v1/logs` and `/v1/metrics` on the platform's port.

A span belongs to the account and region that its trace was last seen in (a traced function's), else to those of the
request. What cannot be kept is counted in the answer, as partial success. Source of the limits: "OTLP endpoints" of the
CloudWatch user guide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.operations.settings import spans_go_to_logs
from kumoi.services.xray.otlp import logs, metrics, rendering, spans
from kumoi.services.xray.otlp.decoding import JSON, PROTOBUF, Unreadable, decode, encode, signal, status
from kumoi.services.xray.storage import Place
from kumoi.services.xray.traces import Document
from kumoi.wire.compressed import plain
from kumoi.wire.errors import AwsError
from kumoi.wire.http import BodyTooLarge, Response

MAX_REQUEST = 16 << 20
MAX_TRACES_REQUEST = 5 << 20
MAX_SPANS = 10_000
_LONG = 32_768
SPANS_GROUP = "aws/spans"


@xray.data_plane("otlp")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Take one request in."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    if path not in _READ:
        return Response(404, [("Content-Type", "text/plain")], b"OTLP has /v1/traces, /v1/logs and /v1/metrics.\n")
    media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media_type not in (PROTOBUF, JSON):
        return Response(415, [("Content-Type", "text/plain")], b"OTLP is application/x-protobuf or application/json.\n")
    limit = MAX_TRACES_REQUEST if path == "/v1/traces" else MAX_REQUEST
    try:
        body = await request.body.read(limit)
        if request.headers.get("content-encoding") == "gzip":
            body = await plain(body, limit)
        elif request.headers.get("content-encoding") not in (None, "identity"):
            return _refused(400, "the Content-Encoding is gzip or none", media_type)
        messages = signal(path)
        read = partial(_READ[path], call, messages.request, body, media_type)
        if len(body) > _LONG:
            async with call.part(Intake).reading:
                found = await asyncio.to_thread(read)
        else:
            found = read()
        answer = messages.response()
        await _KEEP[path](call, found, answer)
    except BodyTooLarge as error:
        return _refused(413, str(error), media_type)
    except Unreadable as error:
        return _refused(400, f"unreadable: {error}", media_type)
    except AwsError as error:
        return _refused(error.default_status, error.message, media_type)
    return Response(200, [("Content-Type", media_type)], encode(answer, media_type))


def _refused(code: int, text: str, media_type: str) -> Response:
    return Response(code, [("Content-Type", media_type)], status(text, media_type))


def _spans(_call: Call, kind: Any, body: bytes, media_type: str) -> tuple[list[Document], int]:
    """The documents of a request, and how many spans it holds."""
    message = decode(kind, body, media_type)
    total = spans.count(message)
    if total > MAX_SPANS:
        raise Unreadable(f"it holds more than {MAX_SPANS} spans")
    return list(spans.documents(message)), total


async def _traces(call: Call, read: tuple[list[Document], int], answer: Any) -> None:
    found, total = read
    by_place: dict[Place, list[Document]] = {}
    for document in found:
        known = call.doorway.tracing.place(document["trace_id"]) or (call.account, call.region)
        by_place.setdefault(Place(*known), []).append(document)
    refused, intake = total - len(found), call.part(Intake)
    for place, documents in by_place.items():
        refused += len(await intake.append_made(place, documents))
    call.meter("xray:segments", total - refused)
    if refused:
        answer.partial_success.rejected_spans = refused
        answer.partial_success.error_message = "spans need ids, a name and a start, and fit into 64 KB"
    if found and await spans_go_to_logs(call.state):
        events = [
            {"timestamp": int(one["start_time"] * 1000), "message": orjson.dumps(span).decode()}
            for one in sorted(found, key=lambda one: float(one["start_time"]))
            for span in rendering.spans(one)
        ]
        await call.to("logs", "WriteFunctionLogs", logGroupName=SPANS_GROUP, logStreamName="default", logEvents=events)


def _records(call: Call, kind: Any, body: bytes, media_type: str) -> dict[logs.Stream, list[dict[str, Any]]]:
    assert call.http is not None, "data planes are reached by requests only"
    headers = call.http.headers
    named = {name: headers.get(name) or "" for name in ("x-aws-log-group", "x-aws-log-stream")}
    return logs.events(decode(kind, body, media_type), call.now, named)


async def _logs(call: Call, found: dict[logs.Stream, list[dict[str, Any]]], _answer: Any) -> None:
    for stream, events in found.items():
        await call.to(
            "logs",
            "WriteFunctionLogs",
            logGroupName=stream.group,
            logStreamName=stream.stream,
            logEvents=events,
        )


def _points(_call: Call, kind: Any, body: bytes, media_type: str) -> metrics.Told:
    return metrics.data(decode(kind, body, media_type))


async def _metrics(call: Call, told: metrics.Told, answer: Any) -> None:
    for namespace, data in told.data.items():
        for datum in data:
            if "Timestamp" in datum:
                datum["Timestamp"] = datetime.fromtimestamp(datum["Timestamp"], UTC)
        for at in range(0, len(data), metrics.AT_ONCE):
            await call.to(
                "cloudwatch", "PutMetricData", Namespace=namespace, MetricData=data[at : at + metrics.AT_ONCE]
            )
    if told.refused:
        answer.partial_success.rejected_data_points = told.refused
        answer.partial_success.error_message = metrics.ADVICE


_READ: Mapping[str, Callable[[Call, Any, bytes, str], Any]] = {
    "/v1/traces": _spans,
    "/v1/logs": _records,
    "/v1/metrics": _points,
}
"""How the requests of each path are read: on a thread where they are long."""
_KEEP: Mapping[str, Callable[[Call, Any, Any], Awaitable[None]]] = {
    "/v1/traces": _traces,
    "/v1/logs": _logs,
    "/v1/metrics": _metrics,
}
"""What is done with what was read; a partial success is told in the answer."""
