"""`AWS::ApiGateway::Account`, `DomainName`, `BasePathMapping`."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.apigateway.properties import (
    members,
    patch,
    patches,
)
from kumoi.services.apigateway.resources.asking import ask, resource_type


async def _set_account(call: ResourceCall) -> Resource:
    role = call.properties.get("CloudWatchRoleArn")
    operations = [patch("/cloudwatchRoleArn", role)] if role else [{"op": "remove", "path": "/cloudwatchRoleArn"}]
    await ask(call, "UpdateAccount", patchOperations=operations)
    identity = call.physical_id or f"{call.stack_name}-{call.logical_id}"
    return Resource(identity, {"Id": identity})


async def _forget_account(call: ResourceCall) -> None:
    """The account stays; so does the role, as at AWS."""


def _domain(answer: dict[str, Any]) -> Resource:
    names = ("regionalDomainName", "regionalHostedZoneId", "distributionDomainName", "distributionHostedZoneId")
    attributes = {name[0].upper() + name[1:]: answer[name] for name in (*names, "domainNameArn") if name in answer}
    return Resource(answer["domainName"], attributes)


async def _create_domain(call: ResourceCall) -> Resource:
    names = ("DomainName", "CertificateArn", "RegionalCertificateArn", "SecurityPolicy", "EndpointConfiguration")
    given = members(call.properties, *names, "OwnershipVerificationCertificateArn")
    return _domain(await ask(call, "CreateDomainName", **given, tags=call.all_tags()))


async def _update_domain(call: ResourceCall) -> Resource:
    names = ("CertificateArn", "RegionalCertificateArn", "SecurityPolicy", "OwnershipVerificationCertificateArn")
    operations = patches(call.before, call.properties, *names)
    return _domain(await ask(call, "UpdateDomainName", domainName=call.physical_id, patchOperations=operations))


async def _delete_domain(call: ResourceCall) -> None:
    await ask(call, "DeleteDomainName", domainName=call.physical_id)


async def _create_mapping(call: ResourceCall) -> Resource:
    given = members(call.properties, "DomainName", "BasePath", "RestApiId", "Stage")
    answer = await ask(call, "CreateBasePathMapping", **given)
    return Resource(f"{given['domainName']}|{answer['basePath']}")


async def _update_mapping(call: ResourceCall) -> Resource:
    domain, _, base = call.physical_id.partition("|")
    operations = [patch("/restapiId", call.properties["RestApiId"]), *patches(call.before, call.properties, "Stage")]
    await ask(call, "UpdateBasePathMapping", domainName=domain, basePath=base, patchOperations=operations)
    return Resource(call.physical_id, call.attributes)


async def _delete_mapping(call: ResourceCall) -> None:
    domain, _, base = call.physical_id.partition("|")
    await ask(call, "DeleteBasePathMapping", domainName=domain, basePath=base)


TYPES = (
    resource_type("Account", _set_account, _forget_account, _set_account),
    resource_type("DomainName", _create_domain, _delete_domain, _update_domain, "DomainName"),
    resource_type(
        "BasePathMapping",
        _create_mapping,
        _delete_mapping,
        _update_mapping,
        "DomainName",
        "BasePath",
    ),
)
