"""Reusable delegation sets: name servers that several zones have."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.route53 import route53
from kumoi.services.route53.answers import told_set
from kumoi.services.route53.errors import no_delegation_set
from kumoi.services.route53.naming import bare, location, new_delegation_set_id, new_servers
from kumoi.services.route53.pages import size
from kumoi.services.route53.records import DelegationSet, delegation_sets, zones
from kumoi.services.route53.store import find_zone
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@route53.operation
async def create_reusable_delegation_set(
    call: Call, CallerReference: str, HostedZoneId: str | None = None
) -> dict[str, Any]:
    """Make a set, of a zone's name servers where one is named."""
    made = DelegationSet(id=new_delegation_set_id(), reference=CallerReference, servers=new_servers())
    made = await _create(call.state, made, HostedZoneId)
    return {"DelegationSet": told_set(made), "Location": location(f"delegationset/{made.id}")}


@transactional
async def _create(tx: Transaction, made: DelegationSet, zone_id: str | None) -> DelegationSet:
    if any(one.reference == made.reference for one in await delegation_sets.list(tx)):
        raise aws_error(
            "DelegationSetAlreadyCreated",
            "A delegation set with the same owner and caller reference combination has already been created.",
        )
    if zone_id is not None:
        zone = await find_zone(tx, zone_id)
        if zone.delegation_set:
            raise aws_error("DelegationSetAlreadyReusable", f"The delegation set of {zone.id} is reusable already.")
        made = DelegationSet(id=made.id, reference=made.reference, servers=zone.servers)
    await delegation_sets.put(tx, made)
    return made


@transactional
async def _find(tx: Transaction, set_id: str) -> DelegationSet:
    found = await delegation_sets.get(tx, bare(set_id))
    if found is None:
        raise no_delegation_set(bare(set_id))
    return found


@route53.operation
async def get_reusable_delegation_set(call: Call, Id: str) -> dict[str, Any]:
    """A set."""
    return {"DelegationSet": told_set(await _find(call.state, Id))}


@route53.operation
async def list_reusable_delegation_sets(
    call: Call, Marker: str | None = None, MaxItems: str | None = None
) -> dict[str, Any]:
    """The account's sets by their ids."""
    limit = size(MaxItems)
    left = [one for one in await _all(call.state) if one.id >= bare(Marker or "")]
    answer = {
        "DelegationSets": [told_set(one) for one in left[:limit]],
        "Marker": Marker or "",
        "IsTruncated": len(left) > limit,
        "MaxItems": str(limit),
    }
    if len(left) > limit:
        answer["NextMarker"] = left[limit].id
    return answer


@transactional
async def _all(tx: Transaction) -> list[DelegationSet]:
    return await delegation_sets.list(tx)


@route53.operation
async def delete_reusable_delegation_set(call: Call, Id: str) -> None:
    """Delete a set that no zone has."""
    await _delete(call.state, Id)


@transactional
async def _delete(tx: Transaction, set_id: str) -> None:
    found = await _find(tx, set_id)
    if any(one.delegation_set == found.id for one in await zones.list(tx)):
        raise aws_error("DelegationSetInUse", f"The delegation set {found.id} is used by hosted zones.")
    await delegation_sets.delete(tx, found.id)
