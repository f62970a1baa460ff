"""What a stage with active tracing tells X-Ray of a request.

Source: "Trace user requests to REST APIs using X-Ray in API Gateway".
"""

from __future__ import annotations

from kumoi.doorway import Call, Sampled
from kumoi.services.apigateway.records import RestApi, Stage


def header(call: Call) -> str:
    """The trace header that integrations get: whoever stands behind a stage that traces is below its segment."""
    if call.traced is None:
        return f"Root={call.trace.root}"
    return f"Root={call.trace.root};Parent={call.span};Sampled=1"


async def begin(call: Call, api: RestApi, stage: Stage, path: str, host: str) -> None:
    """A request begins at a stage that traces."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    name = f"{api.properties['name']}/{stage.name}"
    arn = f"arn:aws:apigateway:{call.region}::/restapis/{api.id}/stages/{stage.name}"
    asked = Sampled(name, "AWS::ApiGateway::Stage", arn, host, request.method, path)
    if await call.doorway.tracing.begin(call, "apigateway", asked) and call.traced is not None:
        call.traced.facts |= {
            "name": name,
            "arn": arn,
            "api": api.id,
            "stage": stage.name,
            "url": f"{request.scheme}://{host}/{stage.name}{path}",
            "method": request.method,
            "user_agent": request.headers.get("user-agent"),
            "client_ip": request.client[0],
            "forwarded": "x-forwarded-for" in request.headers.index,
        }


def ended(call: Call, status: int) -> None:
    """The request is answered."""
    if call.traced is not None:
        call.traced.facts["status"] = status
