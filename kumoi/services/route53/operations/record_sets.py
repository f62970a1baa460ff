"""Record sets are changed in batches, listed, and their changes looked at."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.route53 import route53
from kumoi.services.route53.answers import told_records
from kumoi.services.route53.changes import make, read_batch
from kumoi.services.route53.domain_names import BadName, canonical, reversed_name
from kumoi.services.route53.errors import invalid_input
from kumoi.services.route53.naming import bare
from kumoi.services.route53.pages import size
from kumoi.services.route53.pointers import point
from kumoi.services.route53.records import Change, RecordSet, Zone, changes, record_sets
from kumoi.services.route53.store import change_info, find_zone, name_node
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_PAGE = 300


@route53.operation
async def change_resource_record_sets(call: Call, HostedZoneId: str, ChangeBatch: dict[str, Any]) -> dict[str, Any]:
    """Make all changes of a batch, or none."""
    wanted = read_batch(bare(HostedZoneId), ChangeBatch["Changes"])
    made = await make(call.state, HostedZoneId, wanted, ChangeBatch.get("Comment"))
    name_node(call, made.zone)
    await point(call.doorway.parts, made.names)
    return {"ChangeInfo": change_info(made.change)}


@route53.operation
async def get_change(call: Call, Id: str) -> dict[str, Any]:
    """A change, which is everywhere as soon as it was made."""
    return {"ChangeInfo": change_info(await _change(call.state, bare(Id)), "INSYNC")}


@transactional
async def _change(tx: Transaction, change_id: str) -> Change:
    found = await changes.get(tx, change_id)
    if found is None:
        raise aws_error("NoSuchChange", f"Could not find resource with ID: {change_id}", status=404)
    return found


@route53.operation
async def list_resource_record_sets(
    call: Call,
    HostedZoneId: str,
    StartRecordName: str | None = None,
    StartRecordType: str | None = None,
    StartRecordIdentifier: str | None = None,
    MaxItems: str | None = None,
) -> dict[str, Any]:
    """The sets of a zone in the order of their reversed names, from one on."""
    if StartRecordType is not None and StartRecordName is None:
        raise invalid_input("The input is not valid: StartRecordType is given with StartRecordName only.")
    if StartRecordIdentifier is not None and StartRecordType is None:
        raise invalid_input("The input is not valid: StartRecordIdentifier is given with StartRecordType only.")
    limit = size(MaxItems, _PAGE)
    start: tuple[str, ...] = ()
    if StartRecordName is not None:
        try:
            start = (reversed_name(canonical(StartRecordName)), StartRecordType or "", StartRecordIdentifier or "")
        except BadName as problem:
            raise invalid_input(str(problem)) from None
    zone, found = await _list(call.state, HostedZoneId, start, limit + 1)
    name_node(call, zone)
    answer: dict[str, Any] = {
        "ResourceRecordSets": [told_records(one) for one in found[:limit]],
        "IsTruncated": len(found) > limit,
        "MaxItems": str(limit),
    }
    if len(found) > limit:
        following = found[limit]
        answer |= {"NextRecordName": following.name, "NextRecordType": following.type}
        if following.identifier:
            answer["NextRecordIdentifier"] = following.identifier
    return answer


@transactional
async def _list(tx: Transaction, zone_id: str, start: tuple[str, ...], limit: int) -> tuple[Zone, list[RecordSet]]:
    """A zone, and its sets from `start` (reversed name, type, identifier) on."""
    zone = await find_zone(tx, zone_id)
    if not start:
        return zone, await record_sets.list(tx, zone.id, limit=limit)
    name, kind, identifier = start
    same = await record_sets.list(tx, zone.id, name)
    found = [one for one in same if (one.type, one.identifier) >= (kind, identifier)]
    after = await record_sets.list(tx, zone.id, after=(zone.id, f"{name}\0"), limit=limit)
    return zone, [*found, *after][:limit]
