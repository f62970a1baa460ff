"""What policies hang on: certificates, Cognito identities and groups of things; by the older names, principals."""

from __future__ import annotations

import re
from typing import Any

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.iot import iot
from kumoi.services.iot.naming import invalid, marked_page, not_found
from kumoi.services.iot.operations.policies import find_policy
from kumoi.services.iot.records import Attachment, attachments, certificates, targets, thing_groups
from kumoi.state import Transaction, transactional

COGNITO_IDENTITY = re.compile(r"[a-z0-9-]+:[0-9a-f-]{36}")


@iot.operation
async def attach_policy(call: Call, policyName: str, target: str) -> None:
    """Hang a policy on a certificate, a Cognito identity or a group of things."""
    await _attach(call.state, policyName, target)


@iot.operation
async def detach_policy(call: Call, policyName: str, target: str) -> None:
    """Take a policy off."""
    await _detach(call.state, policyName, target)


@iot.operation
async def list_attached_policies(
    call: Call, target: str, recursive: bool = False, marker: str | None = None, pageSize: int | None = None
) -> dict[str, Any]:
    """The policies of a target; `recursive`: those of the groups above a group, too."""
    return _policies(call, await _attached(call.state, target, recursive), marker, pageSize, True)


@iot.operation
async def list_targets_for_policy(
    call: Call, policyName: str, marker: str | None = None, pageSize: int | None = None
) -> dict[str, Any]:
    """What a policy hangs on."""
    found, more = marked_page(await _targets(call.state, policyName), str, marker, pageSize, ascending=True)
    return {"targets": list(found), **more}


@iot.operation
async def attach_principal_policy(call: Call, policyName: str, principal: str) -> None:
    """AttachPolicy under its older name."""
    await _attach(call.state, policyName, principal)


@iot.operation
async def detach_principal_policy(call: Call, policyName: str, principal: str) -> None:
    """DetachPolicy under its older name."""
    await _detach(call.state, policyName, principal)


@iot.operation
async def list_principal_policies(
    call: Call, principal: str, marker: str | None = None, pageSize: int | None = None, ascendingOrder: bool = False
) -> dict[str, Any]:
    """ListAttachedPolicies under its older name."""
    return _policies(call, await _attached(call.state, principal, False), marker, pageSize, ascendingOrder)


@iot.operation
async def list_policy_principals(
    call: Call, policyName: str, marker: str | None = None, pageSize: int | None = None, ascendingOrder: bool = False
) -> dict[str, Any]:
    """ListTargetsForPolicy under its older name."""
    listed = await _targets(call.state, policyName)
    found, more = marked_page(listed, str, marker, pageSize, ascending=ascendingOrder)
    return {"principals": list(found), **more}


@transactional
async def check_principal(tx: Transaction, principal: str) -> None:
    """Raise for what is no certificate of this place, and no Cognito identity."""
    if COGNITO_IDENTITY.fullmatch(principal):
        return
    try:
        arn = Arn.parse(principal)
    except ValueError:
        raise invalid(f"Invalid principal {principal}") from None
    kind, _, certificate = arn.resource.partition("/")
    if arn.service != "iot" or kind != "cert":
        raise invalid(f"Invalid principal {principal}")
    here = (arn.account, arn.region) == (tx.account, tx.region)
    if not here or await certificates.get(tx, certificate) is None:
        raise not_found(f"Certificate {certificate} does not exist")


@transactional
async def groups_above(tx: Transaction, group: str) -> list[str]:
    """A group and those above it, from below."""
    found: list[str] = []
    at: str | None = group
    while at is not None and at not in found:
        record = await thing_groups.get(tx, at)
        if record is None:
            break
        found.append(at)
        at = record.parent
    return found


def _policies(call: Call, names: list[str], marker: str | None, size: int | None, ascending: bool) -> dict[str, Any]:
    found, more = marked_page(names, str, marker, size, ascending=ascending)
    return {
        "policies": [{"policyName": name, "policyArn": call.arn("iot", f"policy/{name}")} for name in found],
        **more,
    }


def _group(target: str) -> str | None:
    try:
        arn = Arn.parse(target)
    except ValueError:
        return None
    kind, _, name = arn.resource.partition("/")
    return name if arn.service == "iot" and kind == "thinggroup" else None


@transactional
async def _check_target(tx: Transaction, target: str) -> None:
    group = _group(target)
    if group is None:
        await check_principal(tx, target)
    elif await thing_groups.get(tx, group) is None:
        raise not_found(f"Thing group {group} not found.")


@transactional
async def _attach(tx: Transaction, name: str, target: str) -> None:
    await find_policy(tx, name)
    await _check_target(tx, target)
    await attachments.put(tx, Attachment(target, name))
    await targets.put(tx, Attachment(target, name))


@transactional
async def _detach(tx: Transaction, name: str, target: str) -> None:
    await find_policy(tx, name)
    await attachments.delete(tx, target, name)
    await targets.delete(tx, name, target)


@transactional
async def _attached(tx: Transaction, target: str, recursive: bool) -> list[str]:
    await _check_target(tx, target)
    found = {one.policy for one in await attachments.list(tx, target)}
    group = _group(target)
    if recursive and group is not None:
        stem = target.removesuffix(group)
        for above in await groups_above(tx, group):
            found |= {one.policy for one in await attachments.list(tx, stem + above)}
    return sorted(found)


@transactional
async def _targets(tx: Transaction, name: str) -> list[str]:
    await find_policy(tx, name)
    return [one.target for one in await targets.list(tx, name)]
