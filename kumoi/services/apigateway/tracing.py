"""What a stage with active tracing tells X-Ray of a request.

Source: "Trace user requests to REST APIs using X-Ray in API Gateway".
"""

from __future__ import annotations

from kumoi.doorway import Call, Sampled
from kumoi.http_api.incoming import Incoming
from kumoi.services.apigateway.records import RestApi, Stage


async def begin(call: Call, api: RestApi, stage: Stage, incoming: Incoming) -> None:
    """A request begins at a stage that traces."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    name = f"{api.properties['name']}/{stage.name}"
    arn = f"arn:aws:apigateway:{call.region}::/restapis/{api.id}/stages/{stage.name}"
    asked = Sampled(name, "AWS::ApiGateway::Stage", arn, incoming.host, incoming.method, incoming.path)
    if await call.doorway.tracing.begin(call, "apigateway", asked) and call.traced is not None:
        call.traced.facts |= {
            "name": name,
            "arn": arn,
            "api": api.id,
            "stage": stage.name,
            "url": f"{request.scheme}://{incoming.host}/{stage.name}{incoming.path}",
            "method": incoming.method,
            "user_agent": request.headers.get("user-agent"),
            "client_ip": incoming.source,
            "forwarded": "x-forwarded-for" in request.headers.index,
        }


def ended(call: Call, status: int) -> None:
    """The request is answered."""
    if call.traced is not None:
        call.traced.facts["status"] = status
