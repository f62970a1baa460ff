"""Spans to segment documents.

A span that serves (SERVER, CONSUMER) or has no parent is a segment named by its service; others are subsegments, sent
alone. Attributes become the members that X-Ray has for them; those listed in `aws.xray.annotations` (or called
`annotation.…`) annotations, the rest metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from kumoi.names import hex_id
from kumoi.services.xray.otlp.decoding import Unreadable, attributes, first
from kumoi.services.xray.traces import Document
from kumoi.services.xray.traces.document import MAX_BYTES, normal_trace_id

_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5
_ERROR = 2
_NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\\-@]")
_NOT_IN_KEYS = re.compile(r"\W", re.ASCII)
_ORIGINS = {
    "aws_lambda": "AWS::Lambda::Function",
    "aws_ecs": "AWS::ECS::Container",
    "aws_ec2": "AWS::EC2::Instance",
    "aws_eks": "AWS::EKS::Container",
    "aws_elastic_beanstalk": "AWS::ElasticBeanstalk::Environment",
}
_OF_AWS = {
    "operation": ("aws.operation", "rpc.method"),
    "region": ("aws.region", "cloud.region"),
    "account_id": ("aws.account_id", "cloud.account.id"),
    "request_id": ("aws.request_id", "aws.requestId"),
    "queue_url": ("aws.queue_url", "aws.sqs.queue_url", "aws.queue.url"),
    "table_name": ("aws.table_name", "aws.table.name"),
    "bucket_name": ("aws.s3.bucket", "aws.bucket.name"),
}


def documents(request: Any) -> Iterator[Document]:
    """The documents of a request's spans; spans without ids, or that have not begun, are left out.

    Unreadable for a resource that no document could hold.
    """
    for group in request.resource_spans:
        if group.resource.ByteSize() > MAX_BYTES:
            raise Unreadable(f"a resource is longer than {MAX_BYTES} bytes")
        resource = attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                trace_id = normal_trace_id(span.trace_id.hex())
                if trace_id and len(span.span_id) == 8 and span.start_time_unix_nano:
                    yield document(span, trace_id, resource)


def count(request: Any) -> int:
    """How many spans a request holds."""
    return sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)


def document(span: Any, trace_id: str, resource: Mapping[str, Any]) -> Document:
    """The document of a span."""
    found = attributes(span.attributes)
    parent = span.parent_span_id.hex() if len(span.parent_span_id) == 8 else None
    segment = parent is None or span.kind in (_SERVER, _CONSUMER)
    calls_aws = found.get("rpc.system") == "aws-api" or "aws.service" in found
    made: Document = {
        "id": span.span_id.hex(),
        "trace_id": trace_id,
        "name": _name(span, found, resource, segment=segment, calls_aws=calls_aws),
        "start_time": span.start_time_unix_nano / 1e9,
    }
    if span.end_time_unix_nano:
        made["end_time"] = max(span.end_time_unix_nano, span.start_time_unix_nano) / 1e9
    else:
        made["in_progress"] = True
    if parent is not None:
        made["parent_id"] = parent
    if segment:
        made |= _of_segment(found, resource)
    else:
        made["type"] = "subsegment"
        if span.kind in (_CLIENT, _PRODUCER):
            made["namespace"] = "aws" if calls_aws else "remote"
    http = _http(found)
    aws = _aws(found, resource, segment=segment)
    sql = _sql(found)
    made |= {name: value for name, value in (("http", http), ("aws", aws), ("sql", sql)) if value}
    made |= _outcome(span, http)
    links = [_link(link) for link in span.links]
    if links:
        made["links"] = links
    return _with_attributes(made, found, resource)


def _name(span: Any, found: Mapping[str, Any], resource: Mapping[str, Any], *, segment: bool, calls_aws: bool) -> str:
    name = None
    if segment:
        name = first(resource, "service.name")
    elif calls_aws:
        name = first(found, "aws.service", "rpc.service")
    elif span.kind in (_CLIENT, _PRODUCER):
        name = first(found, "peer.service", "server.address", "net.peer.name", "http.host")
        if (database := first(found, "db.name", "db.namespace")) and name:
            name = f"{database}@{name}"
    return _NOT_IN_NAMES.sub("", str(name or span.name))[:200] or "span"


def _of_segment(found: Mapping[str, Any], resource: Mapping[str, Any]) -> Document:
    made: Document = {}
    if origin := _ORIGINS.get(str(resource.get("cloud.platform"))):
        made["origin"] = origin
    if version := resource.get("service.version"):
        made["service"] = {"version": str(version)}
    if user := found.get("enduser.id"):
        made["user"] = str(user)[:250]
    if arn := first(resource, "faas.id", "cloud.resource_id", "aws.ecs.container.arn"):
        made["resource_arn"] = str(arn)
    return made


def _http(found: Mapping[str, Any]) -> Document:
    url = first(found, "url.full", "http.url")
    if url is None and (path := first(found, "http.target", "url.path")) is not None:
        scheme = first(found, "url.scheme", "http.scheme") or "http"
        host = first(found, "http.host", "server.address", "net.host.name") or ""
        port = first(found, "server.port", "net.host.port")
        url = f"{scheme}://{host}{f':{port}' if port and ':' not in str(host) else ''}{path}"
    request = {
        "method": first(found, "http.request.method", "http.method"),
        "url": url,
        "user_agent": first(found, "user_agent.original", "http.user_agent"),
        "client_ip": first(found, "client.address", "http.client_ip", "net.sock.peer.addr"),
    }
    response = {
        "status": first(found, "http.response.status_code", "http.status_code"),
        "content_length": first(found, "http.response.body.size", "http.response_content_length"),
    }
    made = {
        "request": {name: value for name, value in request.items() if value is not None},
        "response": {name: value for name, value in response.items() if isinstance(value, int)},
    }
    if not made["request"].keys() - {"client_ip"} and not made["response"]:
        return {}
    return {name: value for name, value in made.items() if value}


def _aws(found: Mapping[str, Any], resource: Mapping[str, Any], *, segment: bool) -> Document:
    if not segment and not any(name.startswith("aws.") or name == "rpc.system" for name in found):
        return {}
    made = {member: first({**resource, **found}, *names) for member, names in _OF_AWS.items()}
    tables = first(found, "aws.dynamodb.table_names", "aws.table_names")
    if made["table_name"] is None and isinstance(tables, list) and tables:
        made["table_name"] = tables[0]
    made = {member: value for member, value in made.items() if value is not None}
    if segment and (language := resource.get("telemetry.sdk.language")):
        made["xray"] = {
            "sdk": f"opentelemetry for {language}",
            "sdk_version": str(resource.get("telemetry.sdk.version", "")),
            "auto_instrumentation": "telemetry.auto.version" in resource,
        }
    return made


def _sql(found: Mapping[str, Any]) -> Document:
    system = first(found, "db.system.name", "db.system")
    query = first(found, "db.query.text", "db.statement")
    if system is None or query is None or system in ("dynamodb", "aws.dynamodb", "mongodb", "redis"):
        return {}
    made = {
        "sanitized_query": query,
        "database_type": system,
        "user": found.get("db.user"),
        "url": first(found, "db.connection_string", "server.address"),
    }
    return {name: value for name, value in made.items() if value is not None}


def _outcome(span: Any, http: Document) -> Document:
    code = http.get("response", {}).get("status", 0)
    exceptions = [_exception(event) for event in span.events if event.name == "exception"]
    made: Document = {}
    if 400 <= code < 500:
        made["error"] = True
        if code == 429:
            made["throttle"] = True
    elif code >= 500 or span.status.code == _ERROR:
        made["fault"] = True
    if not exceptions and span.status.code == _ERROR and span.status.message:
        exceptions = [{"id": hex_id(16), "message": span.status.message[:250]}]
    if exceptions and made:
        made["cause"] = {"exceptions": exceptions}
    return made


def _exception(event: Any) -> Document:
    found = attributes(event.attributes)
    made: Document = {"id": hex_id(16)}
    for member, name in (("type", "exception.type"), ("message", "exception.message")):
        if name in found:
            made[member] = str(found[name])[:250]
    if stack := found.get("exception.stacktrace"):
        made["stack"] = [{"label": line.strip()[:250]} for line in str(stack).splitlines()[:50] if line.strip()]
    return made


def _link(link: Any) -> Document:
    trace_id = link.trace_id.hex()
    return {
        "trace_id": normal_trace_id(trace_id) or trace_id,
        "id": link.span_id.hex(),
        "attributes": attributes(link.attributes),
    }


def _with_attributes(made: Document, found: Mapping[str, Any], resource: Mapping[str, Any]) -> Document:
    """Annotations and metadata; the metadata are left out where they would make the document too large."""
    listed = found.get("aws.xray.annotations")
    wanted = {str(name) for name in listed} if isinstance(listed, list) else set()
    annotations, metadata = {}, {}
    for name, value in found.items():
        if name == "aws.xray.annotations":
            continue
        if (name in wanted or name.startswith("annotation.")) and isinstance(value, str | int | float | bool):
            annotations[_NOT_IN_KEYS.sub("_", name.removeprefix("annotation."))] = value
        else:
            metadata[name] = value
    if annotations:
        made["annotations"] = annotations
    if "type" not in made:
        metadata |= {f"otel.resource.{name}": value for name, value in resource.items()}
    if metadata and len(orjson.dumps({"metadata": metadata, **made})) <= MAX_BYTES - 64:
        made["metadata"] = {"default": metadata}
    return made
