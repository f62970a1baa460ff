"""Amazon API Gateway V2: HTTP APIs and WebSocket APIs.

`operations/` holds the control plane: APIs, their parts (routes, integrations, authorizers, models, responses: one
table says how each is made, `parts.py`), stages, deployments, domain names, OpenAPI (`openapi.py`). A deployment is a
snapshot of the parts (`deploying.py`); a stage with AutoDeploy gets a new one in the transaction of every change.
Requests come from the service `execute-api` to `plane.py`: stage → throttle → route → authorizer
(`authorizers.py`) → integration (`integrations.py`) → access log. WebSockets go to `websocket/`.

Rules: the API Gateway V2 API reference and the developer guide ("Working with HTTP APIs",
"Working with WebSocket APIs").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

apigatewayv2 = Service(
    "apigatewayv2",
    __name__,
    modules=(
        "operations.apis",
        "operations.deployments",
        "operations.domains",
        "operations.openapi",
        "operations.parts",
        "operations.stages",
        "operations.tags",
        "operations.vpc_links",
        "plane",
        "websocket.plane",
    ),
    resource=("ApiId", "DomainName", "ResourceArn"),
    page="api-gateway",
    authorization="authorization",
    tagged="tagged",
)


@apigatewayv2.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep routes compiled, and WebSockets open, while the platform runs."""
    from kumoi.services.apigatewayv2.lifespan import running

    async with running(parts):
        yield


@apigatewayv2.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Close the WebSockets of what is being forgotten."""
    from kumoi.services.apigatewayv2.lifespan import forget

    await forget(parts, state, account)
