"""Amazon API Gateway V2: HTTP APIs.

`operations/` holds the control plane: APIs, their parts (routes, integrations, authorizers, models, responses: one
table says how each is made, `parts.py`), stages, deployments, domain names, OpenAPI (`openapi.py`). A deployment is a
snapshot of the parts (`deploying.py`); a stage with AutoDeploy gets a new one in the transaction of every change.
Requests come from the service `execute-api` to `plane.py`: stage → throttle → route → authorizer
(`authorizers.py`) → integration (`integrations.py`) → access log.

Rules: the API Gateway V2 API reference and the developer guide ("Working with HTTP APIs").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service

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
        "plane",
    ),
    resource=("ApiId", "DomainName", "ResourceArn"),
    page="api-gateway",
    authorization="authorization",
)


@apigatewayv2.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep routes compiled while the platform runs."""
    from kumoi.services.apigatewayv2.lifespan import running

    async with running(parts):
        yield
