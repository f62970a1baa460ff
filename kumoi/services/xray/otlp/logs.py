"""Log records to log events: one JSON object each, in the group and stream that headers or the resource name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.services.xray.otlp.decoding import Unreadable, attributes, plain

GROUP = "/otlp"
MOST_BYTES = 64 << 20
"""What the events of one request may hold together: each repeats its resource."""
_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_STREAM = re.compile(r"[^:*]{1,512}")
_NOT_IN_STREAMS = re.compile(r"[:*]")


class Stream(NamedTuple):
    """Where events go."""

    group: str
    stream: str


def events(request: Any, now: float, named: Mapping[str, str]) -> dict[Stream, list[dict[str, Any]]]:
    """The events of a request by their streams; `named` holds the headers `x-aws-log-group` and `x-aws-log-stream`."""
    found: dict[Stream, list[dict[str, Any]]] = {}
    size = 0
    for group in request.resource_logs:
        resource = attributes(group.resource.attributes)
        service = _NOT_IN_STREAMS.sub("_", str(resource.get("service.name") or "unknown_service"))
        stream = Stream(named.get("x-aws-log-group") or GROUP, named.get("x-aws-log-stream") or service[:512])
        if not _GROUP.fullmatch(stream.group) or not _STREAM.fullmatch(stream.stream):
            raise Unreadable("a header names no log group or log stream")
        for scope in group.scope_logs:
            for record in scope.log_records:
                event = _event(record, scope.scope.name, resource, now)
                size += len(event["message"])
                if size > MOST_BYTES:
                    raise Unreadable(f"its events, each with its resource, are longer than {MOST_BYTES} bytes")
                found.setdefault(stream, []).append(event)
    for some in found.values():
        some.sort(key=lambda event: int(event["timestamp"]))
    return found


def _event(record: Any, scope: str, resource: dict[str, Any], now: float) -> dict[str, Any]:
    nanoseconds = record.time_unix_nano or record.observed_time_unix_nano
    message = {
        "resource": {"attributes": resource},
        "scope": {"name": scope},
        "timeUnixNano": nanoseconds,
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": plain(record.body),
        "attributes": attributes(record.attributes),
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
    }
    when = nanoseconds // 1_000_000 if nanoseconds else int(now * 1000)
    return {"timestamp": when, "message": orjson.dumps(message).decode()}
