"""VPC peering connections, between VPCs of one account in one region."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import VPC, Item
from kumoi.services.ec2 import blocks
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import missing, unsupported
from kumoi.services.ec2.kinds import PEERING
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, every, find, new_item, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_OPTIONS = "AllowDnsResolutionFromRemoteVpc"


@operation
async def create_vpc_peering_connection(
    call: Call,
    VpcId: str,
    PeerVpcId: str | None = None,
    PeerOwnerId: str | None = None,
    PeerRegion: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Ask for a connection with another VPC of the account."""
    if PeerVpcId is None:
        raise missing("peerVpcId")
    if PeerOwnerId not in (None, call.account) or PeerRegion not in (None, call.region):
        raise unsupported("Kumoi peers VPCs of one account and region only")
    made = await _create(call.state, VpcId, PeerVpcId, tags_of(PEERING, TagSpecifications))
    return {"VpcPeeringConnection": described(made)}


@transactional
async def _create(tx: Transaction, vpc_id: str, peer_id: str, tags: dict[str, str]) -> Item:
    vpc, peer = await find(tx, VPC, vpc_id), await find(tx, VPC, peer_id)
    state = {"Code": "pending-acceptance", "Message": f"Pending Acceptance by {tx.account}"}
    if vpc_id == peer_id or any(
        blocks.overlapping(one["CidrBlock"], other["CidrBlock"])
        for one in vpc["CidrBlockAssociationSet"]
        for other in peer["CidrBlockAssociationSet"]
    ):
        state = {
            "Code": "failed",
            "Message": "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range",
        }
    members = {
        "RequesterVpcInfo": _side(tx, vpc),
        "AccepterVpcInfo": _side(tx, peer),
        "Status": state,
        "ExpirationTime": tx.now + 7 * 86_400 if state["Code"] == "pending-acceptance" else None,
    }
    made = new_item(PEERING, members, tags)
    await put(tx, made)
    return made


def _side(tx: Transaction, vpc: Item) -> dict[str, Any]:
    told = [{"CidrBlock": one["CidrBlock"]} for one in vpc["CidrBlockAssociationSet"]]
    return {
        "VpcId": vpc.id,
        "OwnerId": tx.account,
        "Region": tx.region,
        "CidrBlock": vpc["CidrBlock"],
        "CidrBlockSet": told,
        "PeeringOptions": {_OPTIONS: False},
    }


@operation
async def accept_vpc_peering_connection(call: Call, VpcPeeringConnectionId: str) -> dict[str, Any]:
    """Accept a connection, which is active then."""
    made = await _change(call.state, VpcPeeringConnectionId, "active", "Active")
    return {"VpcPeeringConnection": described(made)}


@operation
async def reject_vpc_peering_connection(call: Call, VpcPeeringConnectionId: str) -> dict[str, Any]:
    """Reject a connection."""
    await _change(call.state, VpcPeeringConnectionId, "rejected", "Rejected")
    return {"Return": True}


@operation
async def delete_vpc_peering_connection(call: Call, VpcPeeringConnectionId: str) -> dict[str, Any]:
    """End a connection; it is told of as deleted from then on."""
    await _change(call.state, VpcPeeringConnectionId, "deleted", f"Deleted by {call.account}")
    return {"Return": True}


@transactional
async def _change(tx: Transaction, peering_id: str, code: str, message: str) -> Item:
    peering = await find(tx, PEERING, peering_id)
    state = peering["Status"]["Code"]
    right = state in ("pending-acceptance", "active") if code == "deleted" else state == "pending-acceptance"
    if not right and not (code == "active" and state == "active"):
        raise aws_error(
            "InvalidStateTransition",
            f"Invalid state transition for {peering_id}, attempted to transition from {state} to {code}",
        )
    changed = peering.having(Status={"Code": code, "Message": message}, ExpirationTime=None)
    await put(tx, changed)
    return changed


@operation
async def modify_vpc_peering_connection_options(
    call: Call,
    VpcPeeringConnectionId: str,
    AccepterPeeringConnectionOptions: dict[str, Any] | None = None,
    RequesterPeeringConnectionOptions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Say whether names are resolved from the other side."""
    given = {
        "AccepterVpcInfo": AccepterPeeringConnectionOptions,
        "RequesterVpcInfo": RequesterPeeringConnectionOptions,
    }
    made = await _set(call.state, VpcPeeringConnectionId, given)
    return {
        "AccepterPeeringConnectionOptions": made["AccepterVpcInfo"]["PeeringOptions"],
        "RequesterPeeringConnectionOptions": made["RequesterVpcInfo"]["PeeringOptions"],
    }


@transactional
async def _set(tx: Transaction, peering_id: str, given: dict[str, dict[str, Any] | None]) -> Item:
    peering = await find(tx, PEERING, peering_id)
    for side, options in given.items():
        if options is not None:
            told = {**peering[side]["PeeringOptions"], _OPTIONS: bool(options.get(_OPTIONS))}
            peering = peering.having(**{side: {**peering[side], "PeeringOptions": told}})
    await put(tx, peering)
    return peering


@operation
async def describe_vpc_peering_connections(
    call: Call,
    VpcPeeringConnectionIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Peering connections."""
    found = map(described, await every(call.state, PEERING))
    ids = VpcPeeringConnectionIds
    return answer(PEERING, "VpcPeeringConnections", found, ids, Filters, MaxResults, NextToken)
