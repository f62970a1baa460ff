"""Finding load balancers, listeners, rules and target groups by ARN, or saying as AWS does that there is none."""

from __future__ import annotations

import re
import secrets

from kumoi.services.elbv2.errors import invalid, missing
from kumoi.services.elbv2.records import Listener, LoadBalancer, Rule, TargetGroup, balancers, groups, listeners
from kumoi.state import Transaction

_ARN = re.compile(r"arn:[^:]+:elasticloadbalancing:[^:]+:\d{12}:(?P<kind>[a-z-]+)/(?P<rest>.+)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?")


def new_id() -> str:
    """An id as ARNs have them: sixteen hexadecimal digits."""
    return secrets.token_hex(8)


def check_name(what: str, name: str) -> None:
    """Raise for a name that no load balancer or target group can have."""
    if not _NAME.fullmatch(name):
        if len(name) > 32:
            raise invalid(f"{what} name '{name}' cannot be longer than '32' characters")
        if name.startswith("-") or name.endswith("-"):
            raise invalid(f"{what} name '{name}' cannot begin or end with a hyphen ('-')")
        raise invalid(
            f"{what} name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)"
        )


def parts(arn: str, kind: str) -> list[str]:
    """What follows the kind in an ARN, between slashes; ValidationError for what is no such ARN."""
    match = _ARN.fullmatch(arn)
    if match is None or match["kind"] != kind:
        raise invalid(f"'{arn}' is not a valid {kind} ARN")
    return match["rest"].split("/")


async def find_balancer(tx: Transaction, arn: str) -> LoadBalancer:
    """The load balancer with an ARN; LoadBalancerNotFound when there is none."""
    rest = parts(arn, "loadbalancer")
    found = await balancers.get(tx, rest[1]) if len(rest) == 3 else None
    if found is None or found.arn != arn:
        raise missing("Load balancer")
    return found


async def find_listener(tx: Transaction, arn: str) -> Listener:
    """The listener with an ARN; ListenerNotFound when there is none."""
    rest = parts(arn, "listener")
    found = await listeners.get(tx, rest[2], rest[3]) if len(rest) == 4 else None
    if found is None or found.arn != arn:
        raise missing("Listener")
    return found


async def find_rule(tx: Transaction, arn: str) -> tuple[Listener, Rule]:
    """The rule with an ARN and its listener; RuleNotFound when there is none."""
    rest = parts(arn, "listener-rule")
    listener = await listeners.get(tx, rest[2], rest[3]) if len(rest) == 5 else None
    rule = next((one for one in listener.rules if one.id == rest[4]), None) if listener is not None else None
    if listener is None or rule is None or listener.rule_arn(rule) != arn:
        raise missing("Rule")
    return listener, rule


async def find_group(tx: Transaction, arn: str) -> TargetGroup:
    """The target group with an ARN; TargetGroupNotFound when there is none."""
    found = await groups.get(tx, parts(arn, "targetgroup")[0])
    if found is None or found.arn != arn:
        raise missing("Target group")
    return found


async def users_of_groups(tx: Transaction) -> dict[str, set[str]]:
    """The ARNs of load balancers that forward to target groups, by the groups' ARNs."""
    from kumoi.services.elbv2.actions import groups_of

    users: dict[str, set[str]] = {}
    for listener in await listeners.list(tx):
        for rule in listener.rules:
            for group in groups_of(rule.actions):
                users.setdefault(group, set()).add(listener.balancer_arn)
    return users
