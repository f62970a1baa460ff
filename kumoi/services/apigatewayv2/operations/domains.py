"""Custom domain names and the APIs mapped below them.

A request whose Host is such a name is served on the platform's port. No certificate is checked and no DNS record made:
the answers' target names are this machine's.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.host_names import HostNames
from kumoi.http_api.places import ApiMapping, DomainName, domains, find_domain, find_place, mappings, new_id
from kumoi.names import partition_of
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.errors import bad, conflict, not_found, page
from kumoi.services.apigatewayv2.lookup import find_stage
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_KEY = re.compile(r"[A-Za-z0-9$\-_.+!*'()/]{0,300}")


def describe(domain: DomainName) -> dict[str, Any]:
    """A domain name as the API answers it."""
    configurations = [
        {
            "EndpointType": "REGIONAL",
            "SecurityPolicy": "TLS_1_2",
            "IpAddressType": "ipv4",
            **given,
            "ApiGatewayDomainName": "localhost",
            "DomainNameStatus": "AVAILABLE",
            "HostedZoneId": "Z0000000000000",
        }
        for given in domain.properties.get("DomainNameConfigurations") or [{}]
    ]
    return {
        "ApiMappingSelectionExpression": "$request.basepath",
        "DomainName": domain.name,
        "DomainNameArn": f"arn:{partition_of(domain.region)}:apigateway:{domain.region}::/domainnames/{domain.name}",
        "RoutingMode": "API_MAPPING_ONLY",
        "Tags": domain.tags,
        **domain.properties,
        "DomainNameConfigurations": configurations,
    }


def describe_mapping(mapping: ApiMapping) -> dict[str, Any]:
    """A mapping as the API answers it."""
    return {
        "ApiId": mapping.api,
        "ApiMappingId": mapping.id,
        "ApiMappingKey": mapping.key,
        "Stage": mapping.stage,
    }


@apigatewayv2.operation
async def create_domain_name(
    call: Call,
    DomainName: str,
    DomainNameConfigurations: list[dict[str, Any]] | None = None,
    Tags: dict[str, str] | None = None,
    RoutingMode: str = "API_MAPPING_ONLY",
) -> dict[str, Any]:
    """Claim a host name for APIs."""
    if not _NAME.fullmatch(DomainName) or len(DomainName) > 253:
        raise bad(f"Invalid domain name {DomainName}")
    if RoutingMode != "API_MAPPING_ONLY":
        raise aws_error("NotImplemented", "Kumoi routes domain names by API mappings; routing rules are not built.")
    made = await _create(call.state, DomainName, {"DomainNameConfigurations": DomainNameConfigurations or [{}]}, Tags)
    claim_host(call, DomainName)
    return describe(made)


@apigatewayv2.operation
async def get_domain_name(call: Call, DomainName: str) -> dict[str, Any]:
    """A domain name."""
    return describe((await _find(call.state, DomainName))[0])


@apigatewayv2.operation
async def get_domain_names(call: Call, MaxResults: str | None = None, NextToken: str | None = None) -> dict[str, Any]:
    """Every domain name of the region."""
    shown, more = page(await _all(call.state), MaxResults, NextToken)
    return {"Items": [describe(one) for one in shown], **more}


@apigatewayv2.operation
async def update_domain_name(
    call: Call, DomainName: str, DomainNameConfigurations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Change a domain name's configurations."""
    return describe(await _update(call.state, DomainName, DomainNameConfigurations))


@apigatewayv2.operation
async def delete_domain_name(call: Call, DomainName: str) -> None:
    """Give a host name back."""
    await _delete(call.state, DomainName)
    call.part(HostNames).release(DomainName)  # type: ignore[type-abstract]


@apigatewayv2.operation
async def create_api_mapping(
    call: Call, DomainName: str, ApiId: str, Stage: str, ApiMappingKey: str = ""
) -> dict[str, Any]:
    """Serve a stage below a path of a domain name (the whole name without a key)."""
    key = _checked_key(ApiMappingKey)
    mapping = ApiMapping(domain=DomainName, id=new_id(6), key=key, api=ApiId, stage=Stage)
    await _map(call.state, mapping, await _is_rest(call, mapping))
    return describe_mapping(mapping)


async def _is_rest(call: Call, mapping: ApiMapping) -> bool:
    """Whether the API is a REST API with that stage, which the service of those knows; raises its error."""
    place = await find_place(call.doorway.state.at("", ""), mapping.api)
    if place is None or place.kind != "REST":
        return False
    await call.to("apigateway", "GetStage", restApiId=mapping.api, stageName=mapping.stage)
    return True


@apigatewayv2.operation
async def get_api_mapping(call: Call, DomainName: str, ApiMappingId: str) -> dict[str, Any]:
    """A mapping."""
    return describe_mapping(await _find_mapping(call.state, DomainName, ApiMappingId))


@apigatewayv2.operation
async def get_api_mappings(
    call: Call, DomainName: str, MaxResults: str | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """A domain name's mappings."""
    shown, more = page((await _find(call.state, DomainName))[1], MaxResults, NextToken)
    return {"Items": [describe_mapping(one) for one in shown], **more}


@apigatewayv2.operation
async def update_api_mapping(
    call: Call,
    DomainName: str,
    ApiMappingId: str,
    ApiId: str,
    ApiMappingKey: str | None = None,
    Stage: str | None = None,
) -> dict[str, Any]:
    """Change a mapping."""
    before = await _find_mapping(call.state, DomainName, ApiMappingId)
    key = before.key if ApiMappingKey is None else _checked_key(ApiMappingKey)
    mapping = msgspec.structs.replace(before, api=ApiId, stage=Stage or before.stage, key=key)
    await _map(call.state, mapping, await _is_rest(call, mapping))
    return describe_mapping(mapping)


@apigatewayv2.operation
async def delete_api_mapping(call: Call, DomainName: str, ApiMappingId: str) -> None:
    """Delete a mapping."""
    await _unmap(call.state, DomainName, ApiMappingId)


def claim_host(call: Call, name: str) -> None:
    """Have requests for the name come to the APIs mapped below it."""
    call.part(HostNames).claim(name, "execute-api", call.region, {"domain": name, "host": name})  # type: ignore[type-abstract]


def _checked_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise bad(f"Invalid API mapping key {key}")
    return key.strip("/")


@transactional
async def _create(tx: Transaction, name: str, properties: dict[str, Any], tags: dict[str, str] | None) -> DomainName:
    if await domains.get(tx, name) is not None:
        raise conflict("The domain name you provided already exists.")
    made = DomainName(name=name, account=tx.account, region=tx.region, properties=properties, tags=tags or {})
    await domains.put(tx, made)
    return made


@transactional
async def _find(tx: Transaction, name: str) -> tuple[DomainName, list[ApiMapping]]:
    domain, mapped = await find_domain(tx, name)
    if domain is None or (domain.account, domain.region) != (tx.account, tx.region):
        raise not_found("domain name", name)
    return domain, mapped


@transactional
async def _all(tx: Transaction) -> list[DomainName]:
    return [one for one in await domains.list(tx) if (one.account, one.region) == (tx.account, tx.region)]


@transactional
async def _update(tx: Transaction, name: str, configurations: list[dict[str, Any]] | None) -> DomainName:
    domain, _ = await _find(tx, name)
    if configurations is not None:
        domain = msgspec.structs.replace(domain, properties={"DomainNameConfigurations": configurations})
        await domains.put(tx, domain)
    return domain


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await _find(tx, name)
    await mappings.delete_all(tx, name)
    await domains.delete(tx, name)


@transactional
async def _find_mapping(tx: Transaction, name: str, mapping_id: str) -> ApiMapping:
    await _find(tx, name)
    mapping = await mappings.get(tx, name, mapping_id)
    if mapping is None:
        raise not_found("API mapping", mapping_id)
    return mapping


@transactional
async def _map(tx: Transaction, mapping: ApiMapping, rest: bool) -> None:
    _, mapped = await _find(tx, mapping.domain)
    if not rest:
        await find_stage(tx, mapping.api, mapping.stage)
    if any(one.key == mapping.key and one.id != mapping.id for one in mapped):
        raise conflict("ApiMapping key already exists for this domain name")
    await mappings.put(tx, mapping)


@transactional
async def _unmap(tx: Transaction, name: str, mapping_id: str) -> None:
    await _find_mapping(tx, name, mapping_id)
    await mappings.delete(tx, name, mapping_id)
