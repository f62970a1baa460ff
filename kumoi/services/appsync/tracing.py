"""What an API with X-Ray enabled tells of a request. Source: "Tracing with AWS X-Ray", AppSync developer guide."""

from __future__ import annotations

from kumoi.doorway import Call, Sampled
from kumoi.services.appsync.records import Api


async def begin(call: Call, api: Api) -> None:
    """A request begins at an API that traces."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    name = api.properties["name"]
    arn = call.arn("appsync", f"apis/{api.id}")
    asked = Sampled(name, "AWS::AppSync::GraphQLAPI", arn, request.host, request.method, "/graphql")
    if await call.doorway.tracing.begin(call, "appsync", asked) and call.traced is not None:
        call.traced.facts |= {
            "name": name,
            "arn": arn,
            "api": api.id,
            "url": f"{request.scheme}://{request.host}/graphql",
            "user_agent": request.headers.get("user-agent"),
            "client_ip": request.client[0],
        }


def ended(call: Call, status: int, *, errors: bool) -> None:
    """The request is answered; `errors` says that the answer has some."""
    if call.traced is not None:
        call.traced.facts |= {"status": status, "errors": errors}
