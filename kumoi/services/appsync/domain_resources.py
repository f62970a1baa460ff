"""The resource types of custom domain names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.appsync.resource_values import members_of


def _domain(found: Mapping[str, Any]) -> Resource:
    attributes = {
        "AppSyncDomainName": found["appsyncDomainName"],
        "DomainName": found["domainName"],
        "DomainNameArn": found["domainNameArn"],
        "HostedZoneId": found["hostedZoneId"],
    }
    return Resource(found["domainName"], attributes)


async def _create_domain(call: ResourceCall) -> Resource:
    call.required("DomainName", "CertificateArn")
    given = members_of(call, ("DomainName", "CertificateArn", "Description"))
    answer = await call.ask("appsync", "CreateDomainName", **given, tags=call.all_tags())
    return _domain(answer["domainNameConfig"])


async def _update_domain(call: ResourceCall) -> Resource:
    given = members_of(call, ("Description",))
    answer = await call.ask("appsync", "UpdateDomainName", domainName=call.physical_id, **given)
    return _domain(answer["domainNameConfig"])


async def _delete_domain(call: ResourceCall) -> None:
    await call.ask("appsync", "DeleteDomainName", domainName=call.physical_id)


async def _associate(call: ResourceCall) -> Resource:
    call.required("DomainName", "ApiId")
    name = str(call.properties["DomainName"])
    await call.ask("appsync", "AssociateApi", domainName=name, apiId=call.properties["ApiId"])
    return Resource(name, {"ApiAssociationIdentifier": name})


async def _disassociate(call: ResourceCall) -> None:
    await call.ask("appsync", "DisassociateApi", domainName=call.physical_id)


DOMAINS = (
    ResourceType(
        "AWS::AppSync::DomainName",
        _create_domain,
        _delete_domain,
        _update_domain,
        frozenset(("DomainName", "CertificateArn")),
    ),
    ResourceType(
        "AWS::AppSync::DomainNameApiAssociation", _associate, _disassociate, _associate, frozenset(("DomainName",))
    ),
)
