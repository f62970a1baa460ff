"""Network ACLs: numbered rules at the border of subnets, the first that matches decides."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.networks.records import ACL, VPC, Item, items
from kumoi.services.ec2 import blocks
from kumoi.services.ec2.defaults import LAST_RULE, acl_association, new_acl
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import combination, in_use, invalid, missing
from kumoi.services.ec2.permissions import protocol_of
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, by_token, drop, every, find, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58"}


@operation
async def create_network_acl(
    call: Call, VpcId: str, TagSpecifications: TagSpecifications | None = None, ClientToken: str | None = None
) -> dict[str, Any]:
    """Make a network ACL that lets nothing through."""
    made = await _create(call.state, VpcId, tags_of(ACL, TagSpecifications), ClientToken)
    return {"NetworkAcl": described(made), "ClientToken": ClientToken}


@transactional
async def _create(tx: Transaction, vpc_id: str, tags: dict[str, str], token: str | None) -> Item:
    if (known := await by_token(tx, ACL, token)) is not None:
        return known
    await find(tx, VPC, vpc_id)
    made = new_acl(tx.account, vpc_id, default=False, tags=tags)
    await put(tx, made)
    return made


@operation
async def describe_network_acls(
    call: Call,
    NetworkAclIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Network ACLs."""
    found = map(described, await every(call.state, ACL))
    return answer(ACL, "NetworkAcls", found, NetworkAclIds, Filters, MaxResults, NextToken)


@operation
async def delete_network_acl(call: Call, NetworkAclId: str) -> None:
    """Delete a network ACL that no subnet has."""
    await _delete(call.state, NetworkAclId)


@transactional
async def _delete(tx: Transaction, acl_id: str) -> None:
    acl = await find(tx, ACL, acl_id)
    if acl["IsDefault"]:
        raise invalid(f"cannot delete default network ACL {acl_id}")
    if acl["Associations"]:
        raise in_use(f"The networkAcl '{acl_id}' has dependencies and cannot be deleted.")
    await drop(tx, acl)


@operation
async def create_network_acl_entry(
    call: Call,
    NetworkAclId: str,
    RuleNumber: int,
    Protocol: str,
    RuleAction: str,
    Egress: bool,
    CidrBlock: str | None = None,
    Ipv6CidrBlock: str | None = None,
    IcmpTypeCode: dict[str, int] | None = None,
    PortRange: dict[str, int] | None = None,
) -> None:
    """Add a rule."""
    await _put(call.state, NetworkAclId, _entry(dict(locals())), replacing=False)


@operation
async def replace_network_acl_entry(
    call: Call,
    NetworkAclId: str,
    RuleNumber: int,
    Protocol: str,
    RuleAction: str,
    Egress: bool,
    CidrBlock: str | None = None,
    Ipv6CidrBlock: str | None = None,
    IcmpTypeCode: dict[str, int] | None = None,
    PortRange: dict[str, int] | None = None,
) -> None:
    """Give a rule in place of the one of the same number."""
    await _put(call.state, NetworkAclId, _entry(dict(locals())), replacing=True)


def _entry(given: dict[str, Any]) -> dict[str, Any]:
    """The rule that a request gives; raises where it is none."""
    if not 1 <= given["RuleNumber"] < LAST_RULE:
        raise invalid(f"Value ({given['RuleNumber']}) for parameter ruleNumber is invalid. Valid: 1 to 32766.")
    if (given["CidrBlock"] is None) == (given["Ipv6CidrBlock"] is None):
        raise combination("Exactly one of cidrBlock and ipv6CidrBlock must be given")
    named = protocol_of(given["Protocol"])
    told = {name: given[name] for name in ("RuleNumber", "RuleAction", "Egress")}
    told["Protocol"] = _NUMBERS.get(named, named)
    for member in ("CidrBlock", "Ipv6CidrBlock"):
        if given[member] is not None:
            told[member] = str(blocks.parse(given[member], member[:1].lower() + member[1:]))
    if named in ("tcp", "udp"):
        ports = given["PortRange"] or {}
        if "From" not in ports or "To" not in ports:
            raise missing("portRange.from")
        told["PortRange"] = {"From": ports["From"], "To": ports["To"]}
    if named in ("icmp", "icmpv6") and given["IcmpTypeCode"] is None:
        raise missing("icmpTypeCode.code")
    if given["IcmpTypeCode"] is not None:
        told["IcmpTypeCode"] = given["IcmpTypeCode"]
    return told


def _is(entry: dict[str, Any], number: int, egress: bool) -> bool:
    return bool(entry["RuleNumber"] == number and entry["Egress"] == egress)


@transactional
async def _put(tx: Transaction, acl_id: str, entry: dict[str, Any], *, replacing: bool) -> None:
    acl = await find(tx, ACL, acl_id)
    number, egress = entry["RuleNumber"], entry["Egress"]
    others = [one for one in acl["Entries"] if not _is(one, number, egress)]
    known = len(others) < len(acl["Entries"])
    if known and not replacing:
        raise aws_error("NetworkAclEntryAlreadyExists", f"The network acl entry identified by {number} already exists.")
    if replacing and not known:
        raise _no_entry(acl_id, number)
    entries = sorted((*others, entry), key=lambda one: (not one["Egress"], one["RuleNumber"]))
    await put(tx, acl.having(Entries=entries))


def _no_entry(acl_id: str, number: int) -> Exception:
    return aws_error(
        "InvalidNetworkAclEntry.NotFound",
        f"The network acl entry identified by {number} in network ACL '{acl_id}' does not exist",
    )


@operation
async def delete_network_acl_entry(call: Call, NetworkAclId: str, RuleNumber: int, Egress: bool) -> None:
    """Take a rule away."""
    await _delete_entry(call.state, NetworkAclId, RuleNumber, Egress)


@transactional
async def _delete_entry(tx: Transaction, acl_id: str, number: int, egress: bool) -> None:
    acl = await find(tx, ACL, acl_id)
    left = [one for one in acl["Entries"] if not _is(one, number, egress) or number == LAST_RULE]
    if len(left) == len(acl["Entries"]):
        raise _no_entry(acl_id, number)
    await put(tx, acl.having(Entries=left))


@operation
async def replace_network_acl_association(call: Call, AssociationId: str, NetworkAclId: str) -> dict[str, Any]:
    """Give a subnet another network ACL."""
    return {"NewAssociationId": await _replace(call.state, AssociationId, NetworkAclId)}


@transactional
async def _replace(tx: Transaction, association_id: str, acl_id: str) -> str:
    wanted = await find(tx, ACL, acl_id)
    for acl in await items.list(tx, ACL):
        for old in acl["Associations"]:
            if old["NetworkAclAssociationId"] == association_id:
                if acl["VpcId"] != wanted["VpcId"]:
                    raise invalid(f"network ACLs {acl.id} and {acl_id} belong to different networks")
                await put(tx, acl.having(Associations=[one for one in acl["Associations"] if one is not old]))
                made = acl_association(acl_id, old["SubnetId"])
                wanted = await find(tx, ACL, acl_id)
                await put(tx, wanted.having(Associations=[*wanted["Associations"], made]))
                return str(made["NetworkAclAssociationId"])
    raise aws_error("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")
