"""CloudFormation resource types of identity pools. Source: "Amazon Cognito resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_POOL = (
    *("AllowClassicFlow", "AllowUnauthenticatedIdentities", "CognitoIdentityProviders", "DeveloperProviderName"),
    *("OpenIdConnectProviderARNs", "SamlProviderARNs", "SupportedLoginProviders"),
)


def _pool(call: ResourceCall) -> dict[str, Any]:
    given = call.given(*_POOL)
    tags = call.properties.get("IdentityPoolTags")
    if tags:
        given["IdentityPoolTags"] = {one["Key"]: one["Value"] for one in tags}
    return given


async def _create_pool(call: ResourceCall) -> Resource:
    name = call.name("IdentityPoolName", 128)
    answer = await call.ask("cognito-identity", "CreateIdentityPool", IdentityPoolName=name, **_pool(call))
    return Resource(answer["IdentityPoolId"], {"Name": name, "Id": answer["IdentityPoolId"]})


async def _update_pool(call: ResourceCall) -> Resource:
    name = call.name("IdentityPoolName", 128)
    await call.ask(
        "cognito-identity", "UpdateIdentityPool", IdentityPoolId=call.physical_id, IdentityPoolName=name, **_pool(call)
    )
    return Resource(call.physical_id, {"Name": name, "Id": call.physical_id})


async def _delete_pool(call: ResourceCall) -> None:
    await call.ask("cognito-identity", "DeleteIdentityPool", IdentityPoolId=call.physical_id)


async def _attach(call: ResourceCall) -> Resource:
    given = call.given("IdentityPoolId")
    mappings = {}
    for key, mapping in (call.properties.get("RoleMappings") or {}).items():
        provider = mapping.get("IdentityProvider", key)
        mappings[provider] = {name: value for name, value in mapping.items() if name != "IdentityProvider"}
    roles = call.properties.get("Roles") or {}
    await call.ask("cognito-identity", "SetIdentityPoolRoles", Roles=roles, RoleMappings=mappings, **given)
    return Resource(given["IdentityPoolId"], {"Id": given["IdentityPoolId"]})


async def _detach(call: ResourceCall) -> None:
    pool = call.properties["IdentityPoolId"]
    await call.ask("cognito-identity", "SetIdentityPoolRoles", IdentityPoolId=pool, Roles={})


async def _map_tags(call: ResourceCall) -> Resource:
    given = call.given("IdentityPoolId", "IdentityProviderName", "PrincipalTags", "UseDefaults")
    await call.ask("cognito-identity", "SetPrincipalTagAttributeMap", **given)
    return Resource(f"{given['IdentityPoolId']}|{given['IdentityProviderName']}", {})


async def _unmap_tags(call: ResourceCall) -> None:
    given = {name: call.properties[name] for name in ("IdentityPoolId", "IdentityProviderName")}
    await call.ask("cognito-identity", "SetPrincipalTagAttributeMap", UseDefaults=False, **given)


RESOURCES = (
    ResourceType(
        "AWS::Cognito::IdentityPool",
        _create_pool,
        _delete_pool,
        _update_pool,
        replaced_by=frozenset(("DeveloperProviderName",)),
    ),
    ResourceType(
        "AWS::Cognito::IdentityPoolRoleAttachment",
        _attach,
        _detach,
        _attach,
        replaced_by=frozenset(("IdentityPoolId",)),
    ),
    ResourceType(
        "AWS::Cognito::IdentityPoolPrincipalTag",
        _map_tags,
        _unmap_tags,
        _map_tags,
        replaced_by=frozenset(("IdentityPoolId", "IdentityProviderName")),
    ),
)
