"""Domains of pools: where their sign-in page and OAuth endpoints are.

A prefix `shop` is at `shop.auth.REGION.localhost:PORT` (and AWS's own name, where that leads here); a name of one's own
is claimed as it is. Source: "Configuring a user pool domain" of the Cognito developer guide.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp
from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.lifespan import claim, release
from kumoi.services.cognito_idp.lookup import pool_of
from kumoi.services.cognito_idp.records import Domain, domains
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_OWN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TAKEN = ("aws", "amazon", "cognito")


@cognito_idp.operation
async def create_user_pool_domain(
    call: Call, Domain: str, UserPoolId: str, CustomDomainConfig: dict[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    """Give a pool a domain; a pool has one prefix and one name of its own at most."""
    await pool_of(call, UserPoolId)
    _check(Domain, CustomDomainConfig)
    made = _domain(call, Domain, UserPoolId, CustomDomainConfig, given)
    await _create(call.state, made)
    claim(call.doorway.parts, [made])
    return _answer(made)


@cognito_idp.operation
async def describe_user_pool_domain(call: Call, Domain: str) -> dict[str, Any]:
    """A domain; nothing about one that nobody has."""
    found = await _get(call.state, Domain)
    if found is None or found.account != call.account:
        return {"DomainDescription": {}}
    shown: dict[str, Any] = {
        "UserPoolId": found.pool,
        "AWSAccountId": found.account,
        "Domain": found.name,
        "CloudFrontDistribution": address(found),
        "Version": "1",
        "Status": "ACTIVE",
        "CustomDomainConfig": {},
        **found.definition,
    }
    return {"DomainDescription": shown}


@cognito_idp.operation
async def update_user_pool_domain(
    call: Call, Domain: str, UserPoolId: str, CustomDomainConfig: dict[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    """Give a domain another configuration."""
    before = await _own(call, Domain, UserPoolId)
    made = _domain(call, Domain, UserPoolId, CustomDomainConfig, given)
    await _put(call.state, msgspec.structs.replace(before, definition={**before.definition, **made.definition}))
    return _answer(made)


@cognito_idp.operation
async def delete_user_pool_domain(call: Call, Domain: str, UserPoolId: str) -> dict[str, Any]:
    """Take a domain from a pool."""
    found = await _own(call, Domain, UserPoolId)
    await _delete(call.state, found.name)
    release(call.doorway.parts, [found.name])
    return {}


def address(domain: Domain) -> str:
    """The host name that a domain is reached at."""
    return domain.name if "." in domain.name else f"{domain.name}.auth.{domain.region}.amazoncognito.com"


def _domain(call: Call, name: str, pool: str, custom: dict[str, Any] | None, given: dict[str, Any]) -> Domain:
    definition = {member: value for member, value in given.items() if value is not None}
    if custom:
        definition["CustomDomainConfig"] = custom
    return Domain(name=name, account=call.account, region=call.region, pool=pool, definition=definition)


def _check(name: str, custom: dict[str, Any] | None) -> None:
    if custom:
        if not _OWN.fullmatch(name) or name.endswith((".amazonaws.com", ".amazoncognito.com", ".localhost")):
            raise invalid("Domain is not a name of your own.")
    elif not _PREFIX.fullmatch(name):
        raise invalid("Domain contains invalid characters: a prefix has lower-case letters, digits and hyphens.")
    elif any(word in name for word in _TAKEN):
        raise invalid(f"Domain cannot contain reserved word: {next(word for word in _TAKEN if word in name)}")


def _answer(domain: Domain) -> dict[str, Any]:
    found: dict[str, Any] = {"ManagedLoginVersion": domain.definition.get("ManagedLoginVersion", 1)}
    if "." in domain.name:
        found["CloudFrontDomain"] = domain.name
    return found


async def _own(call: Call, name: str, pool: str) -> Domain:
    found = await _get(call.state, name)
    if found is None or (found.account, found.pool) != (call.account, pool):
        raise invalid("No such domain or user pool exists.")
    return found


@transactional
async def domains_of(tx: Transaction, pool: str) -> list[Domain]:
    """The domains of a pool."""
    return [one for one in await domains.list(tx) if one.pool == pool]


@transactional
async def _create(tx: Transaction, domain: Domain) -> None:
    if await domains.get(tx, domain.name) is not None:
        raise invalid(f"Domain already associated with another user pool: {domain.name}")
    if any(("." in one.name) == ("." in domain.name) for one in await domains_of(tx, domain.pool)):
        raise aws_error("InvalidParameterException", "The user pool already has a domain configured.")
    await domains.put(tx, domain)


@transactional
async def _get(tx: Transaction, name: str) -> Domain | None:
    return await domains.get(tx, name)


@transactional
async def _put(tx: Transaction, domain: Domain) -> None:
    await domains.put(tx, domain)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await domains.delete(tx, name)
