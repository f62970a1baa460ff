"""Destinations and resource policies. A destination stands for a stream that filters send to."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.policy import PolicyError, compile_policy
from kumoi.services.logs import logs
from kumoi.services.logs.destination_records import (
    NO_DESTINATION,
    Destination,
    ResourcePolicy,
    destinations,
    resource_policies,
)
from kumoi.services.logs.rules import invalid, page
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_POLICIES = 10


@logs.operation
async def put_destination(
    call: Call, destinationName: str, targetArn: str, roleArn: str, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Name a stream; an existing destination is changed, and keeps its tags."""
    if ":" in destinationName or "*" in destinationName:
        raise invalid("A destination's name contains neither : nor *")
    try:
        vendor = Arn.parse(targetArn).service
    except ValueError:
        raise invalid(f"targetArn is not an ARN: {targetArn}") from None
    if vendor not in ("kinesis", "firehose"):
        raise invalid(f"Kumoi's destinations stand for Kinesis streams and Firehose's, not for {vendor}.")
    created = int(call.now * 1000)
    given = Destination(name=destinationName, target=targetArn, role=roleArn, created=created, tags=tags or {})
    return {"destination": _described(call, await _put(call.state, given))}


@logs.operation
async def put_destination_policy(
    call: Call, destinationName: str, accessPolicy: str, forceUpdate: bool = False
) -> None:
    """Say who may send to a destination."""
    _check(accessPolicy)
    await _allow(call.state, destinationName, accessPolicy)


@logs.operation
async def describe_destinations(
    call: Call, DestinationNamePrefix: str = "", nextToken: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """Destinations by name."""
    found = {one.name: one for one in await _all(call.state) if one.name.startswith(DestinationNamePrefix)}
    names, token = page(sorted(found), nextToken, limit)
    return {"destinations": [_described(call, found[name]) for name in names], "nextToken": token}


@logs.operation
async def delete_destination(call: Call, destinationName: str) -> None:
    """Delete a destination; filters that send to it fail from now on."""
    await _delete(call.state, destinationName)


@logs.operation
async def put_resource_policy(
    call: Call,
    policyName: str,
    policyDocument: str,
) -> dict[str, Any]:
    """Let services write to log groups."""
    _check(policyDocument)
    policy = ResourcePolicy(name=policyName, document=policyDocument, updated=int(call.now * 1000))
    await _put_policy(call.state, policy)
    return {"resourcePolicy": _described_policy(policy)}


@logs.operation
async def describe_resource_policies(
    call: Call, nextToken: str | None = None, limit: int = 50, policyScope: str = "ACCOUNT"
) -> dict[str, Any]:
    """The account's resource policies."""
    found = {one.name: one for one in await _policies(call.state) if policyScope == "ACCOUNT"}
    names, token = page(sorted(found), nextToken, limit)
    return {"resourcePolicies": [_described_policy(found[name]) for name in names], "nextToken": token}


@logs.operation
async def delete_resource_policy(call: Call, policyName: str) -> None:
    """Delete a resource policy."""
    await _delete_policy(call.state, policyName)


def _check(document: str) -> None:
    try:
        compile_policy(document, "resource")
    except PolicyError as error:
        raise invalid(f"The policy document is invalid: {error}") from None


def _described(call: Call, one: Destination) -> dict[str, Any]:
    return {
        "destinationName": one.name,
        "targetArn": one.target,
        "roleArn": one.role,
        "accessPolicy": one.policy,
        "arn": call.arn("logs", f"destination:{one.name}"),
        "creationTime": one.created,
    }


def _described_policy(one: ResourcePolicy) -> dict[str, Any]:
    return {
        "policyName": one.name,
        "policyDocument": one.document,
        "lastUpdatedTime": one.updated,
        "policyScope": "ACCOUNT",
    }


@transactional
async def _put(tx: Transaction, given: Destination) -> Destination:
    known = await destinations.get(tx, given.name)
    if known is not None:
        given = msgspec.structs.replace(given, policy=known.policy, created=known.created, tags=known.tags)
    await destinations.put(tx, given)
    return given


@transactional
async def _allow(tx: Transaction, name: str, policy: str) -> None:
    known = await destinations.get(tx, name)
    if known is None:
        raise aws_error("ResourceNotFoundException", NO_DESTINATION)
    await destinations.put(tx, msgspec.structs.replace(known, policy=policy))


@transactional
async def _all(tx: Transaction) -> list[Destination]:
    return await destinations.list(tx)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    if not await destinations.delete(tx, name):
        raise aws_error("ResourceNotFoundException", NO_DESTINATION)


@transactional
async def _put_policy(tx: Transaction, policy: ResourcePolicy) -> None:
    known = await resource_policies.list(tx)
    if len(known) >= MOST_POLICIES and policy.name not in {one.name for one in known}:
        raise aws_error("LimitExceededException", "Resource limit exceeded.")
    await resource_policies.put(tx, policy)


@transactional
async def _policies(tx: Transaction) -> list[ResourcePolicy]:
    return await resource_policies.list(tx)


@transactional
async def _delete_policy(tx: Transaction, name: str) -> None:
    if not await resource_policies.delete(tx, name):
        raise aws_error("ResourceNotFoundException", f"Policy with name [{name}] does not exist")
