"""Segment documents as OpenTelemetry's spans: what `aws/spans` holds, and ListRetrievedTraces answers as OTEL.

The reverse of `spans.py`: a segment is a SERVER span, a call of another service a CLIENT one, the rest is INTERNAL;
annotations and metadata are attributes. Source: "Searching and analyzing spans" of the CloudWatch user guide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kumoi.services.xray.traces import Document
from kumoi.services.xray.traces.document import end_of, http_status, status, subsegments_of, table, text

_HTTP = {
    "method": "http.request.method",
    "url": "url.full",
    "user_agent": "user_agent.original",
    "client_ip": "client.address",
}
_AWS = {
    "operation": "rpc.method",
    "region": "aws.region",
    "request_id": "aws.request_id",
    "table_name": "aws.table_name",
    "queue_url": "aws.queue_url",
    "account_id": "aws.account_id",
}


def spans(document: Document) -> Iterator[Document]:
    """The spans of a segment, or of a subsegment sent alone, and of all within it."""
    resource = {
        name: value
        for name, value in (
            ("service.name", document["name"] if document.get("type") != "subsegment" else None),
            ("cloud.resource_id", text(document, "resource_arn")),
            ("aws.xray.origin", text(document, "origin")),
        )
        if value is not None
    }
    pending: list[tuple[Document, str | None]] = [(document, document.get("parent_id"))]
    while pending:
        part, parent = pending.pop(0)
        top = part is document and part.get("type") != "subsegment"
        yield _span(part, parent, document["trace_id"], resource, top=top)
        pending += [(one, part["id"]) for one in subsegments_of(part)]


def _span(part: Document, parent: str | None, trace_id: str, resource: Document, *, top: bool) -> Document:
    began, ended = int(part["start_time"] * 1e9), int(end_of(part) * 1e9)
    outcome = status(part)
    return {
        "resource": {"attributes": resource},
        "traceId": trace_id[2:].replace("-", ""),
        "spanId": part["id"],
        **({"parentSpanId": parent} if parent else {}),
        "name": part["name"],
        "kind": "SERVER" if top else "CLIENT" if "namespace" in part else "INTERNAL",
        "startTimeUnixNano": began,
        "endTimeUnixNano": ended,
        "durationNano": ended - began,
        "attributes": _attributes(part),
        "status": {"code": "UNSET" if outcome.ok else "ERROR"},
        **({"events": events} if (events := list(_exceptions(part))) else {}),
    }


def _attributes(part: Document) -> Document:
    request, aws = table(table(part, "http"), "request"), table(part, "aws")
    found: Document = {name: request[member] for member, name in _HTTP.items() if member in request}
    if (code := http_status(part)) is not None:
        found["http.response.status_code"] = code
    found |= {name: aws[member] for member, name in _AWS.items() if member in aws}
    if query := text(table(part, "sql"), "sanitized_query"):
        found["db.query.text"] = query
    if user := text(part, "user"):
        found["enduser.id"] = user
    metadata: Any = table(part, "metadata")
    for namespace, values in metadata.items():
        if isinstance(values, dict):
            prefix = "" if namespace == "default" else f"{namespace}."
            found |= {f"{prefix}{name}": value for name, value in values.items()}
    annotations = table(part, "annotations")
    found |= {f"annotation.{name}": value for name, value in annotations.items()}
    return found


def _exceptions(part: Document) -> Iterator[Document]:
    exceptions = table(part, "cause").get("exceptions")
    for one in exceptions if isinstance(exceptions, list) else []:
        if isinstance(one, dict):
            told = {"exception.type": text(one, "type"), "exception.message": text(one, "message")}
            attributes = {name: value for name, value in told.items() if value is not None}
            yield {"name": "exception", "timeUnixNano": int(end_of(part) * 1e9), "attributes": attributes}
