"""Security group rules: as clients write them (IpPermissions), and one by one as they are kept; pure.

Source: "Security group rules" of the Amazon EC2 user guide, IpPermission of the API reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kumoi.networks.records import Item
from kumoi.services.ec2 import blocks
from kumoi.services.ec2.errors import invalid, missing

Permission = Mapping[str, Any]
Rule = dict[str, Any]
"""IpProtocol, FromPort, ToPort, one peer, and Description where there is one."""

PEERS = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo")
_NAMES = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}
_PORTED = ("tcp", "udp")
_ICMP = ("icmp", "icmpv6")
_HIGHEST = 65_535
_SIMPLE = ("IpProtocol", "FromPort", "ToPort", "CidrIp")


def protocol_of(given: str) -> str:
    """A protocol's name where it has one, else its number as text; InvalidParameterValue."""
    text = str(given).lower()
    name = _NAMES.get(text, text)
    if name in (*_PORTED, *_ICMP, "-1") or (name.isascii() and name.isdigit() and int(name) <= 255):
        return name
    raise invalid(f"Invalid value '{given}' for IP protocol. Unknown protocol.")


def ports_of(protocol: str, first: int | None, last: int | None) -> tuple[int, int]:
    """The ports of a rule, or the type and code of ICMP; -1 for all; InvalidParameterValue."""
    if protocol in _ICMP:
        return (-1 if first is None else first, -1 if last is None else last)
    if protocol not in _PORTED:
        return (-1, -1)
    if first is None or last is None:
        raise invalid(f"Invalid value 'Must specify both from and to ports with {protocol.upper()}.' for portRange.")
    if (first, last) == (-1, -1):
        return (0, _HIGHEST)
    if not 0 <= first <= last <= _HIGHEST:
        raise invalid(f"Invalid value '{first if not 0 <= first <= _HIGHEST else last}' for portRange.")
    return (first, last)


def rules_of(permissions: Iterable[Permission], account: str) -> Iterator[Rule]:
    """The rules that permissions are, one for each peer; MissingParameter for a permission without one."""
    for one in permissions:
        if one.get("IpProtocol") is None:
            raise missing("ipProtocol")
        protocol = protocol_of(one["IpProtocol"])
        first, last = ports_of(protocol, one.get("FromPort"), one.get("ToPort"))
        peers = list(_peers(one, account))
        if not peers:
            raise invalid("Must specify a CIDR block, a prefix list or a security group of the rule")
        for peer in peers:
            yield {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **peer}


def _peers(permission: Permission, account: str) -> Iterator[Rule]:
    for one in permission.get("IpRanges") or ():
        yield {"CidrIpv4": _block(one.get("CidrIp"), 4), **_description(one)}
    for one in permission.get("Ipv6Ranges") or ():
        yield {"CidrIpv6": _block(one.get("CidrIpv6"), 6), **_description(one)}
    for one in permission.get("PrefixListIds") or ():
        yield {"PrefixListId": one.get("PrefixListId"), **_description(one)}
    for one in permission.get("UserIdGroupPairs") or ():
        group = {"GroupId": one.get("GroupId"), "GroupName": one.get("GroupName"), "UserId": one.get("UserId")}
        group["UserId"] = group["UserId"] or account
        known = {name: value for name, value in group.items() if value is not None}
        yield {"ReferencedGroupInfo": known, **_description(one)}


def _block(text: str | None, version: int) -> str:
    """A block of that version of IP, without host bits."""
    block = blocks.parse(str(text), "cidrIp" if version == 4 else "cidrIpv6")
    if block.version != version:
        raise invalid(f"CIDR block {text} is malformed")
    return str(block)


def _description(given: Mapping[str, Any]) -> Rule:
    text = given.get("Description")
    if text is not None and len(text) > 255:
        raise invalid("Invalid rule description. Valid descriptions are strings less than 256 characters.")
    return {} if not text else {"Description": text}


def permissions_given(given: Mapping[str, Any]) -> list[Permission]:
    """The permissions of a request: as a list, or as the members of a single one."""
    stated = list(given.get("IpPermissions") or ())
    simple = {name: given[name] for name in _SIMPLE if given.get(name) is not None}
    source = given.get("SourceSecurityGroupName")
    if simple or source:
        one: dict[str, Any] = {name: simple[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in simple}
        if "CidrIp" in simple:
            one["IpRanges"] = [{"CidrIp": simple["CidrIp"]}]
        if source:
            one.setdefault("IpProtocol", "-1")
            pair = {"GroupName": source, "UserId": given.get("SourceSecurityGroupOwnerId")}
            one["UserIdGroupPairs"] = [pair]
        stated.append(one)
    return stated


def rule_request(given: Mapping[str, Any], account: str) -> Rule:
    """The rule that ModifySecurityGroupRules gives in place of another."""
    stated = [name for name in ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId") if given.get(name)]
    if len(stated) != 1:
        raise invalid("Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId must be given of a rule")
    [peer] = stated
    permission: dict[str, Any] = {name: given.get(name) for name in ("IpProtocol", "FromPort", "ToPort")}
    about = {"Description": given.get("Description")}
    if peer == "CidrIpv4":
        permission["IpRanges"] = [{"CidrIp": given[peer], **about}]
    elif peer == "CidrIpv6":
        permission["Ipv6Ranges"] = [{"CidrIpv6": given[peer], **about}]
    elif peer == "PrefixListId":
        permission["PrefixListIds"] = [{"PrefixListId": given[peer], **about}]
    else:
        permission["UserIdGroupPairs"] = [{"GroupId": given[peer], **about}]
    [rule] = rules_of([permission], account)
    return rule


def same(rule: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rules let the same through."""
    return _essence(rule) == _essence(other)


def _essence(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    group = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
    plain = (rule.get(name) for name in ("IpProtocol", "FromPort", "ToPort", "CidrIpv4", "CidrIpv6", "PrefixListId"))
    return (*plain, group)


def spoken(rule: Mapping[str, Any]) -> str:
    """A rule as EC2's errors tell it."""
    group = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
    peer = next(one for one in (rule.get("CidrIpv4"), rule.get("CidrIpv6"), rule.get("PrefixListId"), group) if one)
    if rule["IpProtocol"] == "-1":
        return f"peer: {peer}, ALL, ALLOW"
    ports = f"from port: {rule['FromPort']}, to port: {rule['ToPort']}"
    return f"peer: {peer}, {rule['IpProtocol'].upper()}, {ports}, ALLOW"


def as_permissions(rules: Sequence[Item]) -> list[dict[str, Any]]:
    """Rules as groups' descriptions tell them: together where protocol and ports are the same."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for rule in rules:
        key = (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        told = found.get(key)
        if told is None:
            told = found[key] = {"IpProtocol": key[0]}
            if key[0] in (*_PORTED, *_ICMP):
                told |= {"FromPort": key[1], "ToPort": key[2]}
            told |= {"UserIdGroupPairs": [], "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
        about = {} if rule.get("Description") is None else {"Description": rule["Description"]}
        if rule.get("CidrIpv4"):
            told["IpRanges"].append({"CidrIp": rule["CidrIpv4"], **about})
        elif rule.get("CidrIpv6"):
            told["Ipv6Ranges"].append({"CidrIpv6": rule["CidrIpv6"], **about})
        elif rule.get("PrefixListId"):
            told["PrefixListIds"].append({"PrefixListId": rule["PrefixListId"], **about})
        else:
            told["UserIdGroupPairs"].append({**rule["ReferencedGroupInfo"], **about})
    return list(found.values())
