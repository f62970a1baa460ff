"""Bytes of a request to a message, and an answer to bytes: protobuf, or JSON with ids in hexadecimal."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_IDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})


class Unreadable(ValueError):
    """A request that holds no message of its signal."""


class Signal(NamedTuple):
    """The messages of one signal."""

    request: Any
    response: Any


def signal(path: str) -> Signal:
    """The messages that are exchanged on a path; protobuf is imported here, when the first request comes."""
    if path == "/v1/traces":
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

        return Signal(traces.ExportTraceServiceRequest, traces.ExportTraceServiceResponse)
    if path == "/v1/logs":
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs

        return Signal(logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse)
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

    return Signal(metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse)


def decode(kind: Any, body: bytes, media_type: str) -> Any:
    """The message that a body holds; Unreadable."""
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError

    message = kind()
    try:
        if media_type == JSON:
            given = orjson.loads(body or b"{}")
            if not isinstance(given, dict):
                raise Unreadable("a request is a JSON object")
            json_format.ParseDict(_with_ids(given, 0), message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(body)
    except (
        DecodeError,
        json_format.ParseError,
        orjson.JSONDecodeError,
        ValueError,
        TypeError,
        RecursionError,
    ) as error:
        raise Unreadable(str(error)[:200]) from None
    return message


def _with_ids(value: Any, depth: int) -> Any:
    """JSON of OTLP as protobuf's own JSON has it: ids are hexadecimal there, base64 here."""
    if depth > 100:
        raise Unreadable("it is nested too deeply")
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(found)).decode()
            if key in _IDS and isinstance(found, str)
            else _with_ids(found, depth + 1)
            for key, found in value.items()
        }
    if isinstance(value, list):
        return [_with_ids(one, depth + 1) for one in value]
    return value


def encode(message: Any, media_type: str) -> bytes:
    """An answer's bytes."""
    if media_type == JSON:
        from google.protobuf import json_format

        return str(json_format.MessageToJson(message, indent=None)).encode()
    found: bytes = message.SerializeToString()
    return found


def status(text: str, media_type: str) -> bytes:
    """A google.rpc.Status with the code INVALID_ARGUMENT, which every refusal holds."""
    if media_type == JSON:
        return orjson.dumps({"code": 3, "message": text})
    content = text.encode()[:120]
    return b"\x08\x03\x12" + bytes([len(content)]) + content


def plain(value: Any) -> Any:
    """An AnyValue as JSON has it."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "array_value":
        return [plain(one) for one in found.values]
    if kind == "kvlist_value":
        return attributes(found.values)
    if kind == "bytes_value":
        return base64.b64encode(found).decode()
    return found


def attributes(pairs: Any) -> dict[str, Any]:
    """Attributes by their keys."""
    return {pair.key: plain(pair.value) for pair in pairs}


def first(found: Mapping[str, Any], *names: str) -> Any:
    """The first attribute that is there, of several names for one thing."""
    return next((found[name] for name in names if found.get(name) is not None), None)
