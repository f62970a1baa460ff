"""Role aliases: the names that devices know roles by, and credentials of them for a device with a certificate.

Source: "Authorizing direct calls to AWS services using AWS IoT Core credential provider" of the developer guide.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call, Principal
from kumoi.services.iot import iot
from kumoi.services.iot.access_records import RoleAlias, role_aliases
from kumoi.services.iot.naming import given, marked_page, not_found
from kumoi.services.iot.records import Tags, principal_things, tagged, things
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

PROVIDER = "credentials.iot.amazonaws.com"


@iot.operation
async def create_role_alias(
    call: Call,
    roleAlias: str,
    roleArn: str,
    credentialDurationSeconds: int = 3600,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Name a role."""
    alias = RoleAlias(
        name=roleAlias, role=roleArn, seconds=credentialDurationSeconds, created=call.now, modified=call.now
    )
    answer = _answer(call, roleAlias)
    await _create(call.state, alias, Tags(answer["roleAliasArn"], {one["Key"]: one["Value"] for one in tags or ()}))
    return answer


@iot.operation
async def describe_role_alias(call: Call, roleAlias: str) -> dict[str, Any]:
    """A role alias."""
    alias = await _find(call.state, roleAlias)
    shown = {
        **_answer(call, alias.name),
        "roleArn": alias.role,
        "owner": call.account,
        "credentialDurationSeconds": alias.seconds,
        "creationDate": alias.created,
        "lastModifiedDate": alias.modified,
    }
    return {"roleAliasDescription": shown}


@iot.operation
async def list_role_aliases(
    call: Call, pageSize: int | None = None, marker: str | None = None, ascendingOrder: bool = False
) -> dict[str, Any]:
    """The names of role aliases, either way."""
    listed = await call.state.run(role_aliases.list)
    found, more = marked_page(listed, lambda one: one.name, marker, pageSize, ascending=ascendingOrder)
    return {"roleAliases": [one.name for one in found], **more}


@iot.operation
async def update_role_alias(
    call: Call, roleAlias: str, roleArn: str | None = None, credentialDurationSeconds: int | None = None
) -> dict[str, Any]:
    """Have a role alias mean another role, or its credentials last otherwise."""
    await _update(call.state, roleAlias, given(role=roleArn, seconds=credentialDurationSeconds))
    return _answer(call, roleAlias)


@iot.operation
async def delete_role_alias(call: Call, roleAlias: str) -> dict[str, Any]:
    """Forget a role alias."""
    await _delete(call.state, roleAlias, _answer(call, roleAlias)["roleAliasArn"])
    return {}


@iot.operation
async def assume_role_with_certificate(call: Call, roleAlias: str, thingName: str | None = None) -> dict[str, Any]:
    """Credentials of the role, for a device (no operation of AWS's API: `credentials_plane.py` asks for it).

    The session has the certificate's id for a name. A thing that is named has to be attached to the certificate; it is
    a variable of the role's policies then.
    """
    alias = await _find(call.state, roleAlias)
    keys: dict[str, tuple[str, ...]] = {"credentials-iot:awscertificateid": (call.caller.id,)}
    if thingName is not None:
        keys |= await _thing(call.state, call.caller.arn, thingName)
    caller = Principal.of_service(call.account, PROVIDER, f"iot:{roleAlias}")
    params = {"RoleArn": alias.role, "RoleSessionName": call.caller.id, "DurationSeconds": alias.seconds}
    answer: dict[str, Any] = await call.to_as(caller, "sts", "AssumeRole", **params, context=keys)
    return answer


def _answer(call: Call, name: str) -> dict[str, Any]:
    return {"roleAlias": name, "roleAliasArn": call.arn("iot", f"rolealias/{name}")}


@transactional
async def _find(tx: Transaction, name: str) -> RoleAlias:
    alias = await role_aliases.get(tx, name)
    if alias is None:
        raise not_found(f"Role alias {name} not found")
    return alias


@transactional
async def _create(tx: Transaction, alias: RoleAlias, tags: Tags) -> None:
    if await role_aliases.get(tx, alias.name) is not None:
        raise aws_error(
            "ResourceAlreadyExistsException",
            f"Role alias {alias.name} already exists.",
            resourceId=alias.name,
            resourceArn=tags.arn,
        )
    await role_aliases.put(tx, alias)
    if tags.tags:
        await tagged.put(tx, tags)


@transactional
async def _update(tx: Transaction, name: str, changes: dict[str, Any]) -> None:
    await role_aliases.put(tx, msgspec.structs.replace(await _find(tx, name), modified=tx.now, **changes))


@transactional
async def _delete(tx: Transaction, name: str, arn: str) -> None:
    await _find(tx, name)
    await role_aliases.delete(tx, name)
    await tagged.delete(tx, arn)


@transactional
async def _thing(tx: Transaction, principal: str, name: str) -> dict[str, tuple[str, ...]]:
    thing = await things.get(tx, name)
    if thing is None or name not in [one.thing for one in await principal_things.list(tx, principal)]:
        raise not_found(f"The thing {name} is not attached to the certificate")
    kind = {} if thing.type is None else {"credentials-iot:thingtypename": (thing.type,)}
    return {"credentials-iot:thingname": (name,), **kind}
