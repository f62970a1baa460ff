"""Log records to log events: one JSON object each, in the group and stream that headers or the resource name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.services.xray.otlp.decoding import attributes, plain

GROUP = "/otlp"


class Stream(NamedTuple):
    """Where events go."""

    group: str
    stream: str


def events(request: Any, now: float, named: Mapping[str, str]) -> dict[Stream, list[dict[str, Any]]]:
    """The events of a request by their streams; `named` holds the headers `x-aws-log-group` and `x-aws-log-stream`."""
    found: dict[Stream, list[dict[str, Any]]] = {}
    for group in request.resource_logs:
        resource = attributes(group.resource.attributes)
        service = str(resource.get("service.name", "unknown_service")).replace(":", "_").replace("*", "_") or "unknown"
        stream = Stream(named.get("x-aws-log-group") or GROUP, named.get("x-aws-log-stream") or service)
        for scope in group.scope_logs:
            for record in scope.log_records:
                found.setdefault(stream, []).append(_event(record, scope.scope.name, resource, now))
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
