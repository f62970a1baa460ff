"""Zones in the key space: found as requests name them, made, and remembered as changed."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.route53.errors import no_zone
from kumoi.services.route53.naming import bare, new_change_id
from kumoi.services.route53.records import Change, Zone, changes, zones
from kumoi.state import Transaction, transactional


async def find_zone(tx: Transaction, zone_id: str) -> Zone:
    """The zone of an id; NoSuchHostedZone."""
    found = await zones.get(tx, bare(zone_id))
    if found is None:
        raise no_zone(bare(zone_id))
    return found


@transactional
async def zone_of(tx: Transaction, zone_id: str) -> Zone:
    """As `find_zone`."""
    return await find_zone(tx, zone_id)


@transactional
async def all_zones(tx: Transaction) -> list[Zone]:
    """The zones of the account, by their ids."""
    return await zones.list(tx)


async def changed(tx: Transaction, comment: str | None = None) -> Change:
    """Remember that something was changed."""
    change = Change(id=new_change_id(), submitted=tx.now, comment=comment)
    await changes.put(tx, change)
    return change


def change_info(change: Change, status: str = "PENDING") -> dict[str, Any]:
    """A change as answers tell it."""
    told: dict[str, Any] = {"Id": f"/change/{change.id}", "Status": status, "SubmittedAt": change.submitted}
    if change.comment is not None:
        told["Comment"] = change.comment
    return told


def name_node(call: Call, zone: Zone) -> None:
    """Have a zone on the map by its name, which people know."""
    call.node = node(zone)


def node(zone: Zone) -> str:
    """The node of a zone on the map."""
    return f"route53:{zone.name.removesuffix('.')}"
