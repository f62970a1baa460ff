"""A REST API's stage: one segment a request, with a subsegment for each call to what stands behind it.

Source: "Amazon API Gateway active tracing support for AWS X-Ray".
"""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.doorway import Hop, Traced
from kumoi.services.xray.platform_segments.parts import call_made, given, marks
from kumoi.services.xray.traces import Document


def render(hop: Hop, traced: Traced, calls: Sequence[Hop]) -> list[Document]:
    """The segment of a request."""
    facts = traced.facts
    start, status = hop.time / 1000, facts.get("status", 500)
    document: Document = {
        "id": hop.span,
        "name": facts["name"],
        "start_time": start,
        "end_time": start + hop.duration_us / 1e6,
        **({"parent_id": traced.parent} if traced.parent else {}),
        "http": {
            "request": given(
                url=facts["url"],
                method=facts["method"],
                user_agent=facts["user_agent"],
                client_ip=facts["client_ip"],
                x_forwarded_for=facts["forwarded"] or None,
            ),
            "response": {"status": status, "content_length": hop.response_bytes},
        },
        "aws": {
            "account_id": hop.account,
            "api_gateway": {
                "account_id": hop.account,
                "rest_api_id": facts["api"],
                "stage": facts["stage"],
                "request_id": hop.request_id,
            },
        },
        **marks(status),
        "trace_id": hop.trace,
        "origin": "AWS::ApiGateway::Stage",
        "resource_arn": facts["arn"],
    }
    if calls:
        document["subsegments"] = [call_made(call) for call in calls]
    return [document]
