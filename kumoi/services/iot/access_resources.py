"""CloudFormation types of custom authorizers and role aliases. Source: "AWS IoT resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


def _said(value: Any) -> bool:
    """A boolean that a template may have as text."""
    return str(value).lower() == "true"


def _authorizer(call: ResourceCall) -> dict[str, Any]:
    """What an authorizer can be changed to."""
    call.required("AuthorizerFunctionArn")
    stated = call.properties
    found = {
        "authorizerFunctionArn": stated["AuthorizerFunctionArn"],
        "tokenKeyName": stated.get("TokenKeyName"),
        "tokenSigningPublicKeys": stated.get("TokenSigningPublicKeys"),
        "status": stated.get("Status", "INACTIVE"),
        "enableCachingForHttp": _said(stated.get("EnableCachingForHttp", False)),
    }
    return {name: value for name, value in found.items() if value is not None}


async def _create_authorizer(call: ResourceCall) -> Resource:
    name = call.name("AuthorizerName", 128)
    unsigned = _said(call.properties.get("SigningDisabled", False))
    tags = [one for one in call.tag_list() if not one["Key"].startswith("aws:")]
    answer = await call.ask(
        "iot", "CreateAuthorizer", authorizerName=name, signingDisabled=unsigned, tags=tags, **_authorizer(call)
    )
    return Resource(name, {"Arn": answer["authorizerArn"]})


async def _update_authorizer(call: ResourceCall) -> Resource:
    await call.ask("iot", "UpdateAuthorizer", authorizerName=call.physical_id, **_authorizer(call))
    return Resource(call.physical_id, call.attributes)


async def _delete_authorizer(call: ResourceCall) -> None:
    await call.ask("iot", "UpdateAuthorizer", authorizerName=call.physical_id, status="INACTIVE")
    await call.ask("iot", "DeleteAuthorizer", authorizerName=call.physical_id)


def _alias(call: ResourceCall) -> dict[str, Any]:
    call.required("RoleArn")
    seconds = int(call.properties.get("CredentialDurationSeconds", 3600))
    return {"roleArn": call.properties["RoleArn"], "credentialDurationSeconds": seconds}


async def _create_alias(call: ResourceCall) -> Resource:
    name = call.name("RoleAlias", 128)
    tags = [one for one in call.tag_list() if not one["Key"].startswith("aws:")]
    answer = await call.ask("iot", "CreateRoleAlias", roleAlias=name, tags=tags, **_alias(call))
    return Resource(name, {"RoleAliasArn": answer["roleAliasArn"]})


async def _update_alias(call: ResourceCall) -> Resource:
    await call.ask("iot", "UpdateRoleAlias", roleAlias=call.physical_id, **_alias(call))
    return Resource(call.physical_id, call.attributes)


async def _delete_alias(call: ResourceCall) -> None:
    await call.ask("iot", "DeleteRoleAlias", roleAlias=call.physical_id)


ACCESS_RESOURCES = (
    ResourceType(
        "AWS::IoT::Authorizer",
        _create_authorizer,
        _delete_authorizer,
        _update_authorizer,
        replaced_by=frozenset(("AuthorizerName", "SigningDisabled")),
        expected=lambda call: call.name("AuthorizerName", 128),
    ),
    ResourceType(
        "AWS::IoT::RoleAlias",
        _create_alias,
        _delete_alias,
        _update_alias,
        replaced_by=frozenset(("RoleAlias",)),
        expected=lambda call: call.name("RoleAlias", 128),
    ),
)
