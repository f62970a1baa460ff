"""Rules of security groups: added, taken away, changed, one by one or many as permissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.networks.prefixes import is_prefix_list
from kumoi.networks.records import GROUP, RULE, Item
from kumoi.services.ec2.defaults import new_rule
from kumoi.services.ec2.describing import Filters, answer, described
from kumoi.services.ec2.errors import invalid, missing
from kumoi.services.ec2.groups import find_group, rules_of_group
from kumoi.services.ec2.permissions import (
    PEERS,
    Rule,
    permissions_given,
    rule_request,
    rules_of,
    same,
    spoken,
)
from kumoi.services.ec2.serving import operation
from kumoi.services.ec2.store import TagSpecifications, drop, every, find, put, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_RULES = 60
"""Of one group and direction ("Amazon VPC quotas")."""


@operation
async def authorize_security_group_ingress(
    call: Call,
    GroupId: str | None = None,
    GroupName: str | None = None,
    IpPermissions: list[dict[str, Any]] | None = None,
    IpProtocol: str | None = None,
    FromPort: int | None = None,
    ToPort: int | None = None,
    CidrIp: str | None = None,
    SourceSecurityGroupName: str | None = None,
    SourceSecurityGroupOwnerId: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Let more in."""
    return await _authorize(call, dict(locals()), egress=False)


@operation
async def authorize_security_group_egress(
    call: Call,
    GroupId: str,
    IpPermissions: list[dict[str, Any]] | None = None,
    IpProtocol: str | None = None,
    FromPort: int | None = None,
    ToPort: int | None = None,
    CidrIp: str | None = None,
    SourceSecurityGroupName: str | None = None,
    SourceSecurityGroupOwnerId: str | None = None,
    TagSpecifications: TagSpecifications | None = None,
) -> dict[str, Any]:
    """Let more out."""
    return await _authorize(call, dict(locals()), egress=True)


async def _authorize(call: Call, given: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    tags = tags_of(RULE, given["TagSpecifications"])
    rules = list(rules_of(permissions_given(given), call.account))
    if not rules:
        raise missing("ipPermissions")
    made = await _add(call.state, given["GroupId"], given.get("GroupName"), rules, egress, tags)
    return {"Return": True, "SecurityGroupRules": [described(one) for one in made]}


@transactional
async def _add(
    tx: Transaction, group_id: str | None, name: str | None, rules: Sequence[Rule], egress: bool, tags: dict[str, str]
) -> list[Item]:
    group = await find_group(tx, group_id, name)
    known = [one.members for one in await rules_of_group(tx, group.id) if one["IsEgress"] == egress]
    made: list[Item] = []
    for rule in rules:
        full = await _resolved(tx, rule)
        if any(same(full, one) for one in (*known, *(one.members for one in made))):
            raise aws_error("InvalidPermission.Duplicate", f'the specified rule "{spoken(full)}" already exists')
        made.append(_made(tx, group.id, egress, full, tags))
    if len(known) + len(made) > MOST_RULES:
        raise aws_error(
            "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
        )
    await put(tx, *made)
    return made


def _made(tx: Transaction, group_id: str, egress: bool, rule: Rule, tags: dict[str, str]) -> Item:
    rest = {name: value for name, value in rule.items() if name in (*PEERS, "Description")}
    ports = (rule["FromPort"], rule["ToPort"])
    return new_rule(
        tx.account, tx.region, group_id, egress=egress, protocol=rule["IpProtocol"], ports=ports, tags=tags, **rest
    )


async def _resolved(tx: Transaction, rule: Rule) -> Rule:
    """A rule whose group or prefix list is there, the group by its id."""
    if "PrefixListId" in rule and not is_prefix_list(tx.region, str(rule["PrefixListId"])):
        raise aws_error("InvalidPrefixListId.NotFound", f"The prefix list ID '{rule['PrefixListId']}' does not exist")
    named = rule.get("ReferencedGroupInfo")
    if named is None or named["UserId"] != tx.account:
        return rule
    group = await find_group(tx, named.get("GroupId"), named.get("GroupName"))
    return {**rule, "ReferencedGroupInfo": {"GroupId": group.id, "UserId": tx.account}}


@operation
async def revoke_security_group_ingress(
    call: Call,
    GroupId: str | None = None,
    GroupName: str | None = None,
    IpPermissions: list[dict[str, Any]] | None = None,
    IpProtocol: str | None = None,
    FromPort: int | None = None,
    ToPort: int | None = None,
    CidrIp: str | None = None,
    SourceSecurityGroupName: str | None = None,
    SourceSecurityGroupOwnerId: str | None = None,
    SecurityGroupRuleIds: list[str] | None = None,
) -> dict[str, Any]:
    """Let less in."""
    return await _revoke(call, dict(locals()), egress=False)


@operation
async def revoke_security_group_egress(
    call: Call,
    GroupId: str,
    IpPermissions: list[dict[str, Any]] | None = None,
    IpProtocol: str | None = None,
    FromPort: int | None = None,
    ToPort: int | None = None,
    CidrIp: str | None = None,
    SourceSecurityGroupName: str | None = None,
    SourceSecurityGroupOwnerId: str | None = None,
    SecurityGroupRuleIds: list[str] | None = None,
) -> dict[str, Any]:
    """Let less out."""
    return await _revoke(call, dict(locals()), egress=True)


async def _revoke(call: Call, given: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    rules = list(rules_of(permissions_given(given), call.account))
    ids = given["SecurityGroupRuleIds"] or []
    if not rules and not ids:
        raise missing("ipPermissions")
    gone = await _take(call.state, given["GroupId"], given.get("GroupName"), rules, ids, egress)
    return {"Return": True, "RevokedSecurityGroupRules": [_revoked(one) for one in gone]}


def _revoked(rule: Item) -> dict[str, Any]:
    group = (rule.get("ReferencedGroupInfo") or {}).get("GroupId")
    return {**rule.members, **({} if group is None else {"ReferencedGroupId": group})}


@transactional
async def _take(
    tx: Transaction,
    group_id: str | None,
    name: str | None,
    rules: Sequence[Rule],
    ids: Sequence[str],
    egress: bool,
) -> list[Item]:
    group = await find_group(tx, group_id, name)
    known = [one for one in await rules_of_group(tx, group.id) if one["IsEgress"] == egress]
    gone: list[Item] = []
    for rule_id in ids:
        found = await find(tx, RULE, rule_id)
        if found not in known:
            raise aws_error(
                "InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{rule_id}' does not exist"
            )
        gone.append(found)
    for rule in rules:
        full = await _resolved(tx, rule)
        matching = next((one for one in known if same(full, one.members)), None)
        if matching is None:
            raise aws_error("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
        gone.append(matching)
    await drop(tx, *gone)
    return gone


@operation
async def describe_security_group_rules(
    call: Call,
    SecurityGroupRuleIds: list[str] | None = None,
    Filters: Filters | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Rules, one by one."""
    found = map(described, await every(call.state, RULE))
    return answer(RULE, "SecurityGroupRules", found, SecurityGroupRuleIds, Filters, MaxResults, NextToken)


@operation
async def modify_security_group_rules(
    call: Call, GroupId: str, SecurityGroupRules: list[dict[str, Any]]
) -> dict[str, Any]:
    """Give rules in place of others, under the same ids."""
    changes = {
        str(one.get("SecurityGroupRuleId")): rule_request(one.get("SecurityGroupRule") or {}, call.account)
        for one in SecurityGroupRules
    }
    await _modify(call.state, GroupId, changes)
    return {"Return": True}


@transactional
async def _modify(tx: Transaction, group_id: str, changes: Mapping[str, Rule]) -> None:
    await find(tx, GROUP, group_id)
    for rule_id, rule in changes.items():
        before = await find(tx, RULE, rule_id)
        if before["GroupId"] != group_id:
            raise invalid(f"The security group rule {rule_id} does not belong to {group_id}")
        full = await _resolved(tx, rule)
        others = await rules_of_group(tx, group_id)
        if any(
            one.id != rule_id and one["IsEgress"] == before["IsEgress"] and same(full, one.members) for one in others
        ):
            raise aws_error("InvalidPermission.Duplicate", f'the specified rule "{spoken(full)}" already exists')
        await put(tx, before.having(**{**dict.fromkeys((*PEERS, "Description")), **full}))


@operation
async def update_security_group_rule_descriptions_ingress(
    call: Call,
    GroupId: str | None = None,
    GroupName: str | None = None,
    IpPermissions: list[dict[str, Any]] | None = None,
    SecurityGroupRuleDescriptions: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Say something else of rules that let in."""
    return await _describe_anew(call, dict(locals()), egress=False)


@operation
async def update_security_group_rule_descriptions_egress(
    call: Call,
    GroupId: str | None = None,
    GroupName: str | None = None,
    IpPermissions: list[dict[str, Any]] | None = None,
    SecurityGroupRuleDescriptions: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Say something else of rules that let out."""
    return await _describe_anew(call, dict(locals()), egress=True)


async def _describe_anew(call: Call, given: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    rules = list(rules_of(given["IpPermissions"] or (), call.account))
    by_id = {
        str(one.get("SecurityGroupRuleId")): one.get("Description") or None
        for one in given["SecurityGroupRuleDescriptions"] or ()
    }
    if not rules and not by_id:
        raise missing("ipPermissions")
    await _say(call.state, given["GroupId"], given["GroupName"], rules, by_id, egress)
    return {"Return": True}


@transactional
async def _say(
    tx: Transaction,
    group_id: str | None,
    name: str | None,
    rules: Sequence[Rule],
    by_id: Mapping[str, str | None],
    egress: bool,
) -> None:
    group = await find_group(tx, group_id, name)
    known = [one for one in await rules_of_group(tx, group.id) if one["IsEgress"] == egress]
    for rule_id, text in by_id.items():
        await put(tx, (await find(tx, RULE, rule_id)).having(Description=text))
    for rule in rules:
        full = await _resolved(tx, rule)
        found = next((one for one in known if same(full, one.members)), None)
        if found is None:
            raise aws_error("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
        await put(tx, found.having(Description=rule.get("Description")))
