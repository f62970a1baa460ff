"""Custom domain names, and which API each leads to: requests and WebSockets whose Host is such a name are the API's.

No certificate is checked and no DNS record made: the names in the answers are this machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.doorway.host_names import HostNames
from kumoi.services.appsync import appsync
from kumoi.services.appsync.domain_names import all_domains, claim
from kumoi.services.appsync.errors import bad_request, not_found
from kumoi.services.appsync.lookup import find_any
from kumoi.services.appsync.naming import page
from kumoi.services.appsync.records import Domain, domains
from kumoi.state import State, Transaction, transactional


@appsync.operation
async def create_domain_name(
    call: Call, domainName: str, certificateArn: str, description: str | None = None, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Create a domain name, which leads nowhere yet."""
    domain = Domain(
        name=domainName.lower(),
        account=call.account,
        region=call.region,
        certificate=certificateArn,
        description=description,
        tags=tags or {},
    )
    await _create(_everywhere(call), domain)
    return {"domainNameConfig": _describe(call, domain)}


@appsync.operation
async def get_domain_name(call: Call, domainName: str) -> dict[str, Any]:
    """A domain name."""
    return {"domainNameConfig": _describe(call, await _find(_everywhere(call), domainName, call.account, call.region))}


@appsync.operation
async def list_domain_names(call: Call, nextToken: str | None = None, maxResults: int | None = None) -> dict[str, Any]:
    """Domain names, in their order."""
    own = [
        one for one in await all_domains(_everywhere(call)) if (one.account, one.region) == (call.account, call.region)
    ]
    shown, more = page(own, lambda one: one.name, nextToken, maxResults)
    return {"domainNameConfigs": [_describe(call, one) for one in shown], **more}


@appsync.operation
async def update_domain_name(call: Call, domainName: str, description: str | None = None) -> dict[str, Any]:
    """Describe a domain name."""
    domain = await _change(_everywhere(call), domainName, call.account, call.region, {"description": description})
    return {"domainNameConfig": _describe(call, domain)}


@appsync.operation
async def delete_domain_name(call: Call, domainName: str) -> None:
    """Delete a domain name that leads nowhere."""
    await _delete(_everywhere(call), domainName, call.account, call.region)


@appsync.operation
async def associate_api(call: Call, domainName: str, apiId: str) -> dict[str, Any]:
    """Have a domain name lead to an API."""
    await find_any(call.state, apiId)
    domain = await _change(_everywhere(call), domainName, call.account, call.region, {"api": apiId})
    claim(call.part(HostNames), domain)  # type: ignore[type-abstract]
    return {"apiAssociation": _association(domain)}


@appsync.operation
async def disassociate_api(call: Call, domainName: str) -> None:
    """Have a domain name lead nowhere."""
    domain = await _change(_everywhere(call), domainName, call.account, call.region, {"api": None})
    call.part(HostNames).release(domain.name)  # type: ignore[type-abstract]


@appsync.operation
async def get_api_association(call: Call, domainName: str) -> dict[str, Any]:
    """The API that a domain name leads to."""
    domain = await _find(_everywhere(call), domainName, call.account, call.region)
    if domain.api is None:
        raise not_found(f"Domain name {domainName} is associated with no API.")
    return {"apiAssociation": _association(domain)}


def _everywhere(call: Call) -> State:
    return call.doorway.state.at("", "")


def _describe(call: Call, domain: Domain) -> dict[str, Any]:
    described = {
        "domainName": domain.name,
        "certificateArn": domain.certificate,
        "appsyncDomainName": "localhost",
        "hostedZoneId": "Z0000000000000",
        "domainNameArn": call.arn("appsync", f"domainnames/{domain.name}"),
        "tags": domain.tags,
    }
    return described if domain.description is None else {**described, "description": domain.description}


def _association(domain: Domain) -> dict[str, Any]:
    return {"domainName": domain.name, "apiId": domain.api, "associationStatus": "SUCCESS"}


@transactional
async def _create(tx: Transaction, domain: Domain) -> None:
    if await domains.get(tx, domain.name) is not None:
        raise bad_request(f"Domain name {domain.name} already exists.")
    await domains.put(tx, domain)


@transactional
async def _find(tx: Transaction, name: str, account: str, region: str) -> Domain:
    domain = await domains.get(tx, name.lower())
    if domain is None or (domain.account, domain.region) != (account, region):
        raise not_found(f"Domain name {name} not found.")
    return domain


@transactional
async def _change(tx: Transaction, name: str, account: str, region: str, changed: Mapping[str, Any]) -> Domain:
    domain = msgspec.structs.replace(await _find(tx, name, account, region), **changed)
    await domains.put(tx, domain)
    return domain


@transactional
async def _delete(tx: Transaction, name: str, account: str, region: str) -> None:
    if (await _find(tx, name, account, region)).api is not None:
        raise bad_request(f"Domain name {name} is associated with an API: disassociate it first.")
    await domains.delete(tx, name.lower())
