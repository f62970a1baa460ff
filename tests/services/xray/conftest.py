"""What X-Ray's tests share."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from kumoi.pytest_plugin import KumoiAccount


class XRay:
    """X-Ray in one test's account: what it does is asked of boto3."""

    def __init__(self, kumoi: KumoiAccount) -> None:
        self.client = kumoi.client("xray")

    def put(self, *documents: dict[str, Any]) -> list[dict[str, Any]]:
        """Send documents; answers those that are not kept."""
        answer = self.client.put_trace_segments(TraceSegmentDocuments=[json.dumps(one) for one in documents])
        found: list[dict[str, Any]] = answer["UnprocessedTraceSegments"]
        return found

    def documents(self, trace: str) -> list[dict[str, Any]]:
        """The documents of a trace; none when nothing is known of it."""
        traces = self.client.batch_get_traces(TraceIds=[trace])["Traces"]
        return [json.loads(one["Document"]) for found in traces for one in found["Segments"]]

    def find(self, expression: str = "", **more: Any) -> list[dict[str, Any]]:
        """The summaries of the traces that an expression means."""
        given = {"FilterExpression": expression} if expression else {}
        pages = self.client.get_paginator("get_trace_summaries").paginate(**window(), **given, **more)
        return [summary for page in pages for summary in page["TraceSummaries"]]

    def await_documents(self, trace: str, ready: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The documents of a trace once they are as they are to be: datagrams and events have no answer to wait for."""
        deadline = time.monotonic() + 60
        while True:
            found = self.documents(trace)
            if ready(found):
                return found
            assert time.monotonic() < deadline, f"the trace does not become what it should: {found}"
            time.sleep(0.02)


def window() -> dict[str, Any]:
    now = time.time()
    return {"StartTime": now - 3600, "EndTime": now + 3600}


@pytest.fixture
def xray(kumoi: KumoiAccount) -> XRay:
    """X-Ray in the test's account."""
    return XRay(kumoi)


@pytest.fixture
def a_segment() -> Callable[..., dict[str, Any]]:
    """Make a document that took a second, of a new trace unless it is given one; None leaves a member out."""

    def make(name: str = "shop", trace: str | None = None, **members: Any) -> dict[str, Any]:
        now = time.time()
        made = {
            "id": os.urandom(8).hex(),
            "trace_id": trace or f"1-{int(now):08x}-{os.urandom(12).hex()}",
            "name": name,
            "start_time": now - 1,
            "end_time": now,
            **members,
        }
        return {member: value for member, value in made.items() if value is not None}

    return make
