"""How resource types ask API Gateway, and are declared."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Delete, Make, ResourceCall, ResourceType


async def ask(call: ResourceCall, operation: str, **given: Any) -> dict[str, Any]:
    """What an operation of API Gateway answers; members that are None are left out."""
    return await call.ask("apigateway", operation, **given)


def resource_type(
    name: str, create: Make, delete: Delete, update: Make | None = None, *replaced_by: str
) -> ResourceType:
    """The type `AWS::ApiGateway::name`; a change of a property in `replaced_by` needs a new resource."""
    return ResourceType(f"AWS::ApiGateway::{name}", create, delete, update, frozenset(replaced_by))
