"""API Gateway's CloudFormation resource types. Source: "API Gateway resource type reference"."""

from __future__ import annotations

from kumoi.services.apigateway.resources import apis, domains, methods, parts, plans, stages, vpc_links

RESOURCES = (
    *(*apis.TYPES, *methods.TYPES, *stages.TYPES, *parts.TYPES),
    *(*plans.TYPES, *domains.TYPES, *vpc_links.TYPES),
)
