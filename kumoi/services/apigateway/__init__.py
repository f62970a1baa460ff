"""Amazon API Gateway: REST APIs.

`operations/` holds the control plane. A resource holds its methods, a method its integration and responses
(`records.py`); parts that are alike (authorizers, models, validators) share one table (`kinds.py`, `part_store.py`),
changes are patch operations (`patches.py`). A deployment is a snapshot; stages serve deployments. Requests come from
the service `execute-api` to `plane.py`: stage → resource and method → resource policy → authorizer → key and throttle →
validation → integration (`integrations/`) → logs; what goes wrong is a gateway response (`gateway_responses.py`).
Mapping templates are Velocity (`kumoi/vtl`) over the variables of `template_variables.py`.

Rules: the API Gateway API reference and the developer guide ("Working with REST APIs").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service

apigateway = Service(
    "apigateway",
    __name__,
    modules=(
        "operations.apis",
        "operations.authorizers",
        "operations.client_certificates",
        "operations.deployments",
        "operations.documentation",
        "operations.domains",
        "operations.gateway_responses",
        "operations.integrations",
        "operations.keys",
        "operations.methods",
        "operations.models",
        "operations.openapi",
        "operations.plan_keys",
        "operations.plans",
        "operations.resources",
        "operations.stages",
        "operations.tags",
        "operations.testing",
        "operations.vpc_links",
        "plane",
    ),
    resource=("restApiId", "usagePlanId", "apiKey", "domainName", "resourceArn"),
    page="rest-apis",
    authorization="authorization",
    tagged="tagged",
)


@apigateway.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep deployments compiled while the platform runs."""
    from kumoi.services.apigateway.compiled import CompiledDeployments

    parts.add(CompiledDeployments, CompiledDeployments())
    yield
