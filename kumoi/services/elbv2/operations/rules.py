"""Rules of listeners: create, describe, change, delete, order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.elbv2 import actions as action_rules
from kumoi.services.elbv2 import conditions as condition_rules
from kumoi.services.elbv2 import elbv2
from kumoi.services.elbv2.describe import rule_answer
from kumoi.services.elbv2.errors import invalid, not_built, page, refused
from kumoi.services.elbv2.lookup import find_listener, find_rule, new_id
from kumoi.services.elbv2.operations.listeners import check_groups
from kumoi.services.elbv2.operations.tags import tags_of
from kumoi.services.elbv2.records import DEFAULT_PRIORITY, Listener, Rule, listeners
from kumoi.state import Transaction, transactional

_MOST = 100


@elbv2.operation
async def create_rule(
    call: Call,
    ListenerArn: str,
    Conditions: list[dict[str, Any]],
    Priority: int,
    Actions: list[dict[str, Any]],
    Tags: list[dict[str, str]] | None = None,
    Transforms: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Create a rule."""
    if Transforms:
        raise not_built("transforms in rules")
    rule = Rule(
        id=new_id(),
        priority=_priority(Priority),
        conditions=condition_rules.checked(Conditions),
        actions=action_rules.sealed(action_rules.checked(Actions), call.doorway.identity.sealer),
        tags=tags_of(Tags or []),
    )
    listener = await _create(call.state, ListenerArn, rule)
    return {"Rules": [rule_answer(listener, rule)]}


@elbv2.operation
async def describe_rules(
    call: Call,
    ListenerArn: str | None = None,
    RuleArns: list[str] | None = None,
    Marker: str | None = None,
    PageSize: int | None = None,
) -> dict[str, Any]:
    """A listener's rules as they are tried, or those with some ARNs."""
    if (ListenerArn is None) == (RuleArns is None):
        raise invalid("You must specify either listener rule ARNs or a listener ARN")
    found = await _find(call.state, ListenerArn, RuleArns)
    return page(found, "Rules", Marker, PageSize, lambda pair: rule_answer(*pair))


@elbv2.operation
async def modify_rule(
    call: Call,
    RuleArn: str,
    Conditions: list[dict[str, Any]] | None = None,
    Actions: list[dict[str, Any]] | None = None,
    Transforms: list[dict[str, Any]] | None = None,
    ResetTransforms: bool = False,
) -> dict[str, Any]:
    """Change a rule's conditions or actions."""
    if Transforms:
        raise not_built("transforms in rules")
    conditions = None if Conditions is None else condition_rules.checked(Conditions)
    sealer = call.doorway.identity.sealer
    actions = None if Actions is None else action_rules.sealed(action_rules.checked(Actions), sealer)
    return {"Rules": [rule_answer(*await _modify(call.state, RuleArn, conditions, actions))]}


@elbv2.operation
async def delete_rule(call: Call, RuleArn: str) -> dict[str, Any]:
    """Delete a rule that is not the default one."""
    await _delete(call.state, RuleArn)
    return {}


@elbv2.operation
async def set_rule_priorities(call: Call, RulePriorities: list[dict[str, Any]]) -> dict[str, Any]:
    """Give rules of one listener other priorities."""
    wanted: dict[str, int] = {}
    for one in RulePriorities:
        if "RuleArn" not in one or "Priority" not in one:
            raise invalid("Both a rule ARN and a priority must be specified")
        wanted[one["RuleArn"]] = _priority(one["Priority"])
    listener, changed = await _order(call.state, wanted)
    return {"Rules": [rule_answer(listener, rule) for rule in changed]}


def _priority(given: int) -> int:
    if not 1 <= given <= 50_000:
        raise invalid("Rule priority must be between 1 and 50000")
    return given


def _check_free(listener: Listener, rule: Rule) -> None:
    if any(one.priority == rule.priority and one.id != rule.id for one in listener.rules):
        raise refused("PriorityInUse", f"Priority '{rule.priority}' is currently in use")


async def _put(tx: Transaction, listener: Listener, rules: Sequence[Rule]) -> Listener:
    changed = msgspec.structs.replace(listener, rules=list(rules))
    await listeners.put(tx, changed)
    return changed


@transactional
async def _create(tx: Transaction, arn: str, rule: Rule) -> Listener:
    listener = await find_listener(tx, arn)
    _check_free(listener, rule)
    if len(listener.rules) > _MOST:
        raise refused("TooManyRules", f"The maximum number of rules has been reached on listener '{arn}'")
    action_rules.check_protocol(listener.properties["Protocol"], rule.actions)
    await check_groups(tx, listener.balancer_arn, rule.actions)
    return await _put(tx, listener, [*listener.rules, rule])


@transactional
async def _find(tx: Transaction, listener_arn: str | None, arns: list[str] | None) -> list[tuple[Listener, Rule]]:
    if listener_arn is not None:
        listener = await find_listener(tx, listener_arn)
        return [(listener, rule) for rule in listener.in_order]
    return [await find_rule(tx, arn) for arn in arns or ()]


@transactional
async def _modify(
    tx: Transaction, arn: str, conditions: list[dict[str, Any]] | None, actions: list[dict[str, Any]] | None
) -> tuple[Listener, Rule]:
    listener, rule = await find_rule(tx, arn)
    if rule.priority == DEFAULT_PRIORITY:
        raise refused("OperationNotPermitted", f"Default rule '{arn}' cannot be modified")
    if actions is not None:
        actions = action_rules.with_known_secret(actions, rule.actions)
        action_rules.check_protocol(listener.properties["Protocol"], actions)
        await check_groups(tx, listener.balancer_arn, actions)
    changed = msgspec.structs.replace(
        rule,
        conditions=rule.conditions if conditions is None else conditions,
        actions=rule.actions if actions is None else actions,
    )
    return await _put(tx, listener, [changed if one.id == rule.id else one for one in listener.rules]), changed


@transactional
async def _delete(tx: Transaction, arn: str) -> None:
    listener, rule = await find_rule(tx, arn)
    if rule.priority == DEFAULT_PRIORITY:
        raise refused("OperationNotPermitted", f"Default rule '{arn}' cannot be deleted")
    await _put(tx, listener, [one for one in listener.rules if one.id != rule.id])


@transactional
async def _order(tx: Transaction, wanted: dict[str, int]) -> tuple[Listener, list[Rule]]:
    found = [await find_rule(tx, arn) for arn in wanted]
    if len({listener.arn for listener, _ in found}) != 1:
        raise invalid("The rules must belong to one listener")
    listener = found[0][0]
    moved: dict[str, Rule] = {}
    for (_, rule), priority in zip(found, wanted.values(), strict=True):
        if rule.priority == DEFAULT_PRIORITY:
            raise refused("OperationNotPermitted", "The priority of the default rule cannot be changed")
        moved[rule.id] = msgspec.structs.replace(rule, priority=priority)
    rules = [moved.get(rule.id, rule) for rule in listener.rules]
    after = msgspec.structs.replace(listener, rules=rules)
    for rule in moved.values():
        _check_free(after, rule)
    return await _put(tx, listener, rules), list(moved.values())
