"""Custom domain names, and the stages mapped below their paths; shared with HTTP APIs, as at AWS."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.host_names import HostNames
from kumoi.http_api.places import ApiMapping, DomainName, domains, find_domain, mappings, new_id
from kumoi.names import partition_of
from kumoi.services.apigateway import apigateway, patches
from kumoi.services.apigateway.errors import bad, conflict, not_found, page, present, unbuilt
from kumoi.services.apigateway.records import rest_apis, stages
from kumoi.state import Transaction, transactional

_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_BASE = re.compile(r"[A-Za-z0-9$\-_.+!*'()/]{0,300}")
_FIELDS: patches.Fields = {
    "certificateName": patches.text,
    "certificateArn": patches.text,
    "regionalCertificateName": patches.text,
    "regionalCertificateArn": patches.text,
    "securityPolicy": patches.text,
    "ownershipVerificationCertificateArn": patches.text,
    "policy": patches.text,
    "mutualTlsAuthentication": patches.within({"truststoreUri": patches.text, "truststoreVersion": patches.text}),
    "endpointConfiguration": patches.within({"types": patches.members, "ipAddressType": patches.text}),
}
_MAPPING_FIELDS: patches.Fields = {"basePath": patches.text, "restapiId": patches.text, "stage": patches.text}
_EMPTY = "(none)"


def describe(domain: DomainName) -> dict[str, Any]:
    """A domain name as the API answers it, also where it was made by `apigatewayv2`."""
    rest = dict(domain.properties.get("Rest") or {})
    if not rest:
        first = (domain.properties.get("DomainNameConfigurations") or [{}])[0]
        rest = {
            "regionalCertificateArn": first.get("CertificateArn"),
            "endpointConfiguration": {"types": [first.get("EndpointType", "REGIONAL")]},
        }
    edge = "EDGE" in ((rest.get("endpointConfiguration") or {}).get("types") or [])
    prefix = "distribution" if edge else "regional"
    return present(
        {
            "domainName": domain.name,
            "domainNameArn": _arn(domain),
            "domainNameStatus": "AVAILABLE",
            "securityPolicy": "TLS_1_2",
            f"{prefix}DomainName": "localhost",
            f"{prefix}HostedZoneId": "Z0000000000000",
            "routingMode": "BASE_PATH_MAPPING_ONLY",
            **rest,
            "tags": domain.tags,
        }
    )


def _arn(domain: DomainName) -> str:
    return f"arn:{partition_of(domain.region)}:apigateway:{domain.region}::/domainnames/{domain.name}"


def describe_mapping(mapping: ApiMapping) -> dict[str, Any]:
    """A base path mapping as the API answers it."""
    return {"basePath": mapping.key or _EMPTY, "restApiId": mapping.api, "stage": mapping.stage}


@apigateway.operation
async def create_domain_name(
    call: Call, domainName: str, tags: dict[str, str] | None = None, **properties: Any
) -> dict[str, Any]:
    """Claim a host name for APIs; certificates are named and not checked."""
    if not _NAME.fullmatch(domainName) or len(domainName) > 253:
        raise bad(f"Invalid domain name {domainName}")
    if properties.get("routingMode") not in (None, "BASE_PATH_MAPPING_ONLY"):
        raise unbuilt("routing rules of domain names")
    if "PRIVATE" in ((properties.get("endpointConfiguration") or {}).get("types") or ()):
        raise unbuilt("private domain names")
    for secret in ("certificatePrivateKey", "certificateBody", "certificateChain"):
        properties.pop(secret, None)
    rest = {"endpointConfiguration": {"types": ["EDGE"]}, **present(properties)}
    made = await _create(call.state, domainName, rest, tags or {})
    names = call.part(HostNames)  # type: ignore[type-abstract]
    names.claim(domainName, "execute-api", call.region, {"domain": domainName, "host": domainName})
    return describe(made)


@apigateway.operation
async def get_domain_name(call: Call, domainName: str, domainNameId: str | None = None) -> dict[str, Any]:
    """A domain name."""
    return describe(await _find(call.state, domainName))


@apigateway.operation
async def get_domain_names(
    call: Call, position: str | None = None, limit: int | None = None, resourceOwner: str | None = None
) -> dict[str, Any]:
    """The domain names of the region."""
    return page([describe(one) for one in await _all(call.state)], position, limit)


@apigateway.operation
async def update_domain_name(
    call: Call,
    domainName: str,
    domainNameId: str | None = None,
    patchOperations: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Change a domain name."""
    return describe(await _update(call.state, domainName, patchOperations or []))


@apigateway.operation
async def delete_domain_name(call: Call, domainName: str, domainNameId: str | None = None) -> None:
    """Give a host name back, and what is mapped below it."""
    await _delete(call.state, domainName)
    call.part(HostNames).release(domainName)  # type: ignore[type-abstract]


@apigateway.operation
async def create_base_path_mapping(
    call: Call,
    domainName: str,
    restApiId: str,
    basePath: str = "",
    stage: str | None = None,
    domainNameId: str | None = None,
) -> dict[str, Any]:
    """Serve an API's stage below a path; without a stage, the path's next segment names it."""
    return describe_mapping(await _create_mapping(call.state, domainName, _base(basePath), restApiId, stage or ""))


@apigateway.operation
async def get_base_path_mapping(
    call: Call, domainName: str, basePath: str, domainNameId: str | None = None
) -> dict[str, Any]:
    """What is mapped at a path."""
    return describe_mapping(await _mapping(call.state, domainName, _base(basePath)))


@apigateway.operation
async def get_base_path_mappings(
    call: Call,
    domainName: str,
    domainNameId: str | None = None,
    position: str | None = None,
    limit: int | None = None,
) -> dict[str, Any]:
    """What is mapped below a domain name."""
    return page([describe_mapping(one) for one in await _mappings(call.state, domainName)], position, limit)


@apigateway.operation
async def update_base_path_mapping(
    call: Call,
    domainName: str,
    basePath: str,
    domainNameId: str | None = None,
    patchOperations: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Change what is mapped at a path."""
    return describe_mapping(await _update_mapping(call.state, domainName, _base(basePath), patchOperations or []))


@apigateway.operation
async def delete_base_path_mapping(call: Call, domainName: str, basePath: str, domainNameId: str | None = None) -> None:
    """Map nothing at a path any more."""
    await _delete_mapping(call.state, domainName, _base(basePath))


def _base(text: str) -> str:
    key = "" if text == _EMPTY else text.strip("/")
    if not _BASE.fullmatch(key):
        raise bad(f"Invalid base path {text}")
    return key


@transactional
async def _create(tx: Transaction, name: str, rest: dict[str, Any], tags: dict[str, str]) -> DomainName:
    if (await find_domain(tx.at("", ""), name))[0] is not None:
        raise bad(f"The domain name you provided already exists: {name}")
    kind = (rest.get("endpointConfiguration") or {}).get("types") or ["EDGE"]
    configuration = present(
        {"EndpointType": kind[0], "CertificateArn": rest.get("regionalCertificateArn") or rest.get("certificateArn")}
    )
    made = DomainName(
        name=name,
        account=tx.account,
        region=tx.region,
        properties={"DomainNameConfigurations": [configuration], "Rest": rest},
        tags=tags,
    )
    await domains.put(tx, made)
    return made


@transactional
async def _find(tx: Transaction, name: str) -> DomainName:
    found = await domains.get(tx, name)
    if found is None or (found.account, found.region) != (tx.account, tx.region):
        raise not_found("Invalid domain name identifier specified")
    return found


@transactional
async def _all(tx: Transaction) -> list[DomainName]:
    return [one for one in await domains.list(tx) if (one.account, one.region) == (tx.account, tx.region)]


@transactional
async def _update(tx: Transaction, name: str, operations: list[dict[str, Any]]) -> DomainName:
    domain = await _find(tx, name)
    rest = patches.patched(domain.properties.get("Rest") or {}, _FIELDS, operations)
    updated = msgspec.structs.replace(domain, properties={**domain.properties, "Rest": rest})
    await domains.put(tx, updated)
    return updated


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await _find(tx, name)
    await mappings.delete_all(tx, name)
    await domains.delete(tx, name)


async def _check(tx: Transaction, api_id: str, stage: str) -> None:
    if await rest_apis.get(tx, api_id) is None:
        raise bad("Invalid REST API identifier specified")
    if stage and await stages.get(tx, api_id, stage) is None:
        raise bad("Invalid stage identifier specified")


@transactional
async def _create_mapping(tx: Transaction, domain: str, key: str, api_id: str, stage: str) -> ApiMapping:
    await _find(tx, domain)
    await _check(tx, api_id, stage)
    if any(one.key == key for one in await mappings.list(tx, domain)):
        raise conflict("Base path already exists for this domain name")
    made = ApiMapping(domain=domain, id=new_id(6), key=key, api=api_id, stage=stage)
    await mappings.put(tx, made)
    return made


@transactional
async def _mapping(tx: Transaction, domain: str, key: str) -> ApiMapping:
    await _find(tx, domain)
    for one in await mappings.list(tx, domain):
        if one.key == key:
            return one
    raise not_found("Invalid base path mapping identifier specified")


@transactional
async def _mappings(tx: Transaction, domain: str) -> list[ApiMapping]:
    await _find(tx, domain)
    return sorted(await mappings.list(tx, domain), key=lambda one: one.key)


@transactional
async def _update_mapping(tx: Transaction, domain: str, key: str, operations: list[dict[str, Any]]) -> ApiMapping:
    held = await _mapping(tx, domain, key)
    document = {"basePath": held.key, "restapiId": held.api, "stage": held.stage}
    changed = patches.patched(document, _MAPPING_FIELDS, operations)
    api_id, stage, moved = changed.get("restapiId", ""), changed.get("stage", ""), _base(changed.get("basePath", ""))
    await _check(tx, api_id, stage)
    if moved != key and any(one.key == moved for one in await mappings.list(tx, domain)):
        raise conflict("Base path already exists for this domain name")
    updated = msgspec.structs.replace(held, key=moved, api=api_id, stage=stage)
    await mappings.put(tx, updated)
    return updated


@transactional
async def _delete_mapping(tx: Transaction, domain: str, key: str) -> None:
    held = await _mapping(tx, domain, key)
    await mappings.delete(tx, domain, held.id)
