"""Create, Get, Get…Config, Update, Delete and List of each kind of `kinds.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration.rules import check_quantities
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.errors import check_version, invalid
from kumoi.services.cloudfront.kinds import KEY_GROUP, KINDS, PUBLIC_KEY, Kind, canonical_user
from kumoi.services.cloudfront.lookup import all_distributions, find_configured
from kumoi.services.cloudfront.managed import MANAGED
from kumoi.services.cloudfront.naming import location, new_id
from kumoi.services.cloudfront.pages import page
from kumoi.services.cloudfront.records import Configured, configured
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

Operation = Callable[..., Awaitable[Any]]


def _create(kind: Kind) -> Operation:
    async def create(call: Call, **members: Any) -> dict[str, Any]:
        config = kind.defaults(members[kind.config])
        _check(kind, config)
        id = kind.new_id()
        fresh = Configured(
            kind=kind.name,
            id=id,
            etag=new_id(),
            created=call.now,
            modified=call.now,
            config=config,
            secret=canonical_user(kind, id),
        )
        made = await _store(call.state, kind, fresh)
        return {kind.name: kind.told(made), "Location": location(f"{kind.path}/{made.id}"), "ETag": made.etag}

    return create


def _get(kind: Kind) -> Operation:
    async def get(call: Call, Id: str) -> dict[str, Any]:
        found = await find_configured(call.state, kind, Id)
        return {kind.name: kind.told(found), "ETag": found.etag}

    return get


def _get_config(kind: Kind) -> Operation:
    async def get_config(call: Call, Id: str) -> dict[str, Any]:
        found = await find_configured(call.state, kind, Id)
        return {kind.config: found.config, "ETag": found.etag}

    return get_config


def _update(kind: Kind) -> Operation:
    async def update(call: Call, Id: str, IfMatch: str | None = None, **members: Any) -> dict[str, Any]:
        config = kind.defaults(members[kind.config])
        _check(kind, config)
        changed = await _replace(call.state, kind, Id, IfMatch, config)
        call.part(Deployments).forget(call.account)
        return {kind.name: kind.told(changed), "ETag": changed.etag}

    return update


def _delete(kind: Kind) -> Operation:
    async def delete(call: Call, Id: str, IfMatch: str | None = None) -> None:
        await _remove(call.state, kind, Id, IfMatch)
        call.part(Deployments).forget(call.account)

    return delete


def _list(kind: Kind) -> Operation:
    async def list_all(
        call: Call, Type: str | None = None, Marker: str | None = None, MaxItems: str | None = None
    ) -> dict[str, Any]:
        managed = list(MANAGED.get(kind.name, {}).values()) if Type in (None, "managed") else []
        own = await _own(call.state, kind) if Type in (None, "custom") else []

        def told(one: Configured) -> dict[str, Any]:
            if kind.name in MANAGED:
                return {"Type": "managed" if one in managed else "custom", kind.name: kind.told(one)}
            return {kind.name: kind.told(one)} if kind.summary is None else kind.summary(one)

        found = [*managed, *own]
        return {kind.container: page(found, lambda one: one.id, told, Marker, MaxItems, full=kind.full_pages)}

    return list_all


def _check(kind: Kind, config: dict[str, Any]) -> None:
    check_quantities(config)
    kind.check(config)


async def _check_keys(tx: Transaction, kind: Kind, config: dict[str, Any]) -> None:
    """Raise where a key group names a key that does not exist."""
    if kind is KEY_GROUP:
        for key in config["Items"]:
            if await configured.get(tx, PUBLIC_KEY.name, key) is None:
                raise invalid("One or more of the specified public keys does not exist.")


@transactional
async def _store(tx: Transaction, kind: Kind, fresh: Configured) -> Configured:
    known = await configured.list(tx, kind.name)
    if kind.unique:
        for one in known:
            if one.config[kind.unique] == fresh.config[kind.unique]:
                if kind.unique == "CallerReference" and one.config == fresh.config:
                    return one
                raise aws_error(kind.exists, f"The same {kind.unique} is already in use.", status=409)
    if len(known) >= kind.most:
        raise aws_error(kind.too_many, "You have reached the maximum number of these for this AWS account.", status=400)
    await _check_keys(tx, kind, fresh.config)
    await configured.put(tx, fresh)
    return fresh


@transactional
async def _own(tx: Transaction, kind: Kind) -> list[Configured]:
    return sorted(await configured.list(tx, kind.name), key=lambda one: (one.created, one.id))


@transactional
async def _replace(tx: Transaction, kind: Kind, id: str, if_match: str | None, config: dict[str, Any]) -> Configured:
    _refuse_managed(kind, id)
    found = await find_configured(tx, kind, id)
    check_version(found.etag, if_match)
    for member in kind.immutable:
        if config[member] != found.config[member]:
            code = "CannotChangeImmutablePublicKeyFields" if kind is PUBLIC_KEY else "IllegalUpdate"
            raise invalid(f"The parameter {member} cannot be changed.", code)
    if kind.unique:
        for one in await configured.list(tx, kind.name):
            if one.id != id and one.config[kind.unique] == config[kind.unique]:
                raise aws_error(kind.exists, f"The same {kind.unique} is already in use.", status=409)
    await _check_keys(tx, kind, config)
    changed = msgspec.structs.replace(found, config=config, etag=new_id(), modified=tx.now)
    await configured.put(tx, changed)
    return changed


@transactional
async def _remove(tx: Transaction, kind: Kind, id: str, if_match: str | None) -> None:
    _refuse_managed(kind, id)
    found = await find_configured(tx, kind, id)
    check_version(found.etag, if_match)
    used = any(id in kind.uses(one.config) for one in await all_distributions(tx))
    if kind is PUBLIC_KEY:
        used = any(id in group.config["Items"] for group in await configured.list(tx, KEY_GROUP.name))
    if used:
        thing = "key group" if kind is PUBLIC_KEY else "distribution"
        raise aws_error(kind.in_use, f"It cannot be deleted because a {thing} uses it.", status=409)
    await configured.delete(tx, kind.name, id)


def _refuse_managed(kind: Kind, id: str) -> None:
    if id in MANAGED.get(kind.name, {}):
        raise aws_error("IllegalUpdate", "The policy is managed by AWS: it cannot be changed or deleted.", status=400)


for _kind in KINDS:
    cloudfront.operation(name=f"Create{_kind.name}")(_create(_kind))
    cloudfront.operation(name=f"Get{_kind.name}")(_get(_kind))
    cloudfront.operation(name=f"Get{_kind.name}Config")(_get_config(_kind))
    cloudfront.operation(name=f"Update{_kind.name}")(_update(_kind))
    cloudfront.operation(name=f"Delete{_kind.name}")(_delete(_kind))
    cloudfront.operation(name=_kind.lists)(_list(_kind))
