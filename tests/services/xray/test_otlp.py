"""OpenTelemetry's SDK for Python sends spans, logs and metrics; JSON and garbage by hand."""

from __future__ import annotations

import gzip
import json
import os
import time
from typing import Any

import pytest
import urllib3
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from kumoi.pytest_plugin import KumoiAccount
from kumoi.services.xray.otlp.plane import MAX_SPANS, MAX_TRACES_REQUEST
from kumoi.services.xray.otlp.spans import documents

JSON = {"Content-Type": "application/json"}


def signed(kumoi: KumoiAccount) -> dict[str, str]:
    credential = f"{kumoi.account}/20260101/us-east-1/xray/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}


def post(kumoi: KumoiAccount, path: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return urllib3.request(
        "POST", f"{kumoi.url}{path}", timeout=60, body=content, headers={**JSON, **signed(kumoi), **headers}
    )


def test_the_sdks_spans_are_segments(kumoi: KumoiAccount, xray: Any) -> None:
    provider = TracerProvider(
        resource=Resource.create({"service.name": "shop", "service.version": "7", "cloud.account.id": "1"})
    )
    exporter = OTLPSpanExporter(endpoint=f"{kumoi.url}/v1/traces", headers=signed(kumoi))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with pytest.raises(KeyError), tracer.start_as_current_span("GET /orders", kind=api.SpanKind.SERVER) as server:
        server.set_attributes(
            {
                "http.request.method": "GET",
                "url.full": "http://shop/orders",
                "user_agent.original": "curl",
                "http.response.status_code": 500,
                "customer": "ada",
                "aws.xray.annotations": ["customer"],
            }
        )
        with tracer.start_as_current_span("put", kind=api.SpanKind.CLIENT) as client:
            client.set_attributes(
                {
                    "rpc.system": "aws-api",
                    "rpc.service": "DynamoDB",
                    "rpc.method": "PutItem",
                    "aws.dynamodb.table_names": ["orders"],
                }
            )
        with tracer.start_as_current_span("think"):
            raise KeyError("no stock")
    provider.shutdown()
    (summary,) = xray.find('annotation.customer = "ada" AND service("orders")')
    shop, table = xray.documents(summary["Id"])
    assert (shop["name"], shop["service"], shop["fault"]) == ("shop", {"version": "7"}, True)
    assert shop["http"]["request"] == {"method": "GET", "url": "http://shop/orders", "user_agent": "curl"}
    assert shop["aws"]["xray"]["sdk"] == "opentelemetry for python"
    assert shop["cause"]["exceptions"][0]["type"] == "KeyError"
    assert [part["name"] for part in shop["subsegments"]] == ["DynamoDB", "think"]
    assert shop["subsegments"][0]["aws"] == {"operation": "PutItem", "account_id": "1", "table_name": "orders"}
    assert (table["origin"], table["inferred"]) == ("AWS::DynamoDB::Table", True)


def a_span(**members: Any) -> dict[str, Any]:
    now = time.time_ns()
    return {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": "work",
        "kind": 2,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
        **members,
    }


def spans(*some: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "json?"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(some)}]}]}


def test_json_gzip_and_spans_that_cannot_be_kept(kumoi: KumoiAccount, xray: Any) -> None:
    good = a_span()
    body = gzip.compress(json.dumps(spans(good, a_span(traceId=""), a_span(startTimeUnixNano="0"))).encode())
    answer = post(kumoi, "/v1/traces", body, **{"Content-Encoding": "gzip"})
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
    (document,) = xray.documents(good["traceId"])
    assert (document["id"], document["name"]) == (good["spanId"], "json")


def test_spans_go_to_a_log_group_where_that_is_the_destination(kumoi: KumoiAccount, xray: Any) -> None:
    xray.client.update_trace_segment_destination(Destination="CloudWatchLogs")
    assert post(kumoi, "/v1/traces", spans(a_span())).status == 200
    events = kumoi.client("logs").filter_log_events(logGroupName="aws/spans")["events"]
    assert [json.loads(one["message"])["name"] for one in events] == ["json"]


def test_log_records_are_events(kumoi: KumoiAccount) -> None:
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityText": "WARN",
        "body": {"stringValue": "low"},
        "traceId": "0a" * 16,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
    assert post(kumoi, "/v1/logs", body).status == 200
    assert post(kumoi, "/v1/logs", body, **{"x-aws-log-group": "mine", "x-aws-log-stream": "one"}).status == 200
    for group, stream in (("/otlp", "shop"), ("mine", "one")):
        (event,) = kumoi.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
        found = json.loads(event["message"])
        assert (found["body"], found["severityText"], found["traceId"]) == ("low", "WARN", "0a" * 16)


def test_names_that_logs_do_not_take_are_refused(kumoi: KumoiAccount) -> None:
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"intValue": "7"}}]}]}]}
    for header, name in (("x-aws-log-group", "no group"), ("x-aws-log-stream", "a:b")):
        assert post(kumoi, "/v1/logs", body, **{header: name}).status == 400
    assert post(kumoi, "/v1/logs", body).status == 200


def test_values_that_metrics_do_not_take_are_refused(kumoi: KumoiAccount) -> None:
    for value in ("NaN", "Infinity", 1e300):
        metric = {"name": "depth", "gauge": {"dataPoints": [{"asDouble": value}]}}
        answer = post(kumoi, "/v1/metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})
        assert answer.status in (200, 400), answer.data


def test_data_points_are_metrics_and_cumulative_ones_refused(kumoi: KumoiAccount) -> None:
    now = str(time.time_ns())
    point = {"timeUnixNano": now, "attributes": [{"key": "shop", "value": {"stringValue": "a"}}]}
    histogram = {**point, "count": "4", "sum": 10.0, "min": 1.0, "max": 4.0, "bucketCounts": ["4"]}
    total = {"dataPoints": [{**point, "asInt": "3"}]}
    metrics = [
        {"name": "depth", "gauge": {"dataPoints": [{**point, "asDouble": 2.5}]}},
        {"name": "sold", "sum": {**total, "aggregationTemporality": 1}},
        {"name": "ever", "sum": {**total, "aggregationTemporality": 2}},
        {"name": "took", "unit": "ms", "histogram": {"dataPoints": [histogram], "aggregationTemporality": 1}},
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    answer = post(
        kumoi, "/v1/metrics", {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}
    )
    assert answer.json()["partialSuccess"]["rejectedDataPoints"] == "1"
    client = kumoi.client("cloudwatch")
    found = {
        name: client.get_metric_statistics(
            Namespace="shop",
            MetricName=name,
            Dimensions=[{"Name": "shop", "Value": "a"}],
            StartTime=time.time() - 300,
            EndTime=time.time() + 300,
            Period=3600,
            Statistics=["Sum", "Maximum"],
        )["Datapoints"]
        for name in ("depth", "sold", "ever", "took")
    }
    assert [(one["Sum"], one["Maximum"]) for points in found.values() for one in points] == [
        (2.5, 2.5),
        (3, 3),
        (10, 4),
    ]


GARBAGE: list[tuple[bytes, dict[str, str], int]] = [
    (b"{", {}, 400),
    (b"[]", {}, 400),
    (b'{"resourceSpans": 7, "resourceLogs": 7, "resourceMetrics": 7}', {}, 400),
    (b'{"resourceSpans": [{"traceId": "xyz"}], "resourceLogs": 1, "resourceMetrics": 1}', {}, 400),
    (b"[" * 500 + b"]" * 500, {}, 400),
    (b"\xff\xff\xff", {"Content-Type": "application/x-protobuf"}, 400),
    (b"", {"Content-Type": "application/x-protobuf"}, 200),
    (b"{}", {"Content-Type": "text/plain"}, 415),
    (b"{}", {"Content-Encoding": "gzip"}, 400),
    (b"{}", {"Content-Encoding": "br"}, 400),
]


def test_garbage_is_refused(kumoi: KumoiAccount) -> None:
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics"):
        for body, headers, status in GARBAGE:
            assert post(kumoi, path, body, **headers).status == status, (path, body, headers)


def test_what_would_grow_in_memory_is_refused(kumoi: KumoiAccount) -> None:
    protobuf = {"Content-Type": "application/x-protobuf"}
    zipped = gzip.compress(bytes(MAX_TRACES_REQUEST + 1))
    assert post(kumoi, "/v1/traces", zipped, **protobuf, **{"Content-Encoding": "gzip"}).status == 413
    for spans, status in ((MAX_SPANS, 200), (MAX_SPANS + 1, 400)):
        message = ExportTraceServiceRequest()
        scope = message.resource_spans.add().scope_spans.add()
        for _ in range(spans):
            scope.spans.add()
        answer = post(kumoi, "/v1/traces", message.SerializeToString(), **protobuf)
        assert answer.status == status, answer.data
    long = {"attributes": [{"key": "long", "value": {"stringValue": "x" * 66_000}}]}
    body = {"resourceSpans": [{"resource": long, "scopeSpans": [{"spans": [a_span()] * 3}]}]}
    assert b"resource" in post(kumoi, "/v1/traces", body).data
    records = [{"severityNumber": 1}] * 1_100
    body = {"resourceLogs": [{"resource": long, "scopeLogs": [{"logRecords": records}]}]}
    answer = post(kumoi, "/v1/logs", body)
    assert (answer.status, b"longer than" in answer.data) == (400, True)


def test_attributes_by_their_older_names_are_known() -> None:
    from google.protobuf import json_format

    span = {
        "traceId": "AAECAwQFBgcICQoLDA0ODw==",
        "spanId": "AAECAwQFBgc=",
        "parentSpanId": "AAECAwQFBgg=",
        "name": "query",
        "kind": 3,
        "startTimeUnixNano": "1000000000",
        "attributes": [
            {"key": key, "value": {"stringValue": value}}
            for key, value in {
                "db.system": "postgresql",
                "db.statement": "SELECT 1",
                "db.name": "shop",
                "net.peer.name": "db.example.com",
                "http.target": "/x",
                "http.host": "a:1",
                "http.method": "GET",
            }.items()
        ],
    }
    message = json_format.ParseDict(
        {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, ExportTraceServiceRequest()
    )
    (found,) = documents(message)
    assert (found["type"], found["namespace"], found["name"]) == ("subsegment", "remote", "shop@db.example.com")
    assert found["sql"] == {"sanitized_query": "SELECT 1", "database_type": "postgresql"}
    assert found["http"]["request"]["url"] == "http://a:1/x"
    assert found["in_progress"]
