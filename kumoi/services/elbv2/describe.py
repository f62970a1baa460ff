"""Records as the API answers them; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kumoi.services.elbv2.actions import shown
from kumoi.services.elbv2.records import DEFAULT_PRIORITY, Listener, LoadBalancer, Rule, TargetGroup

_ZONE_ID = "Z35SXDOTRQ7X7K"


def dns_name(balancer: LoadBalancer) -> str:
    """The DNS name that AWS would give."""
    return f"{balancer.label}.{balancer.region}.elb.amazonaws.com"


def balancer_answer(balancer: LoadBalancer, *, state: str = "active") -> dict[str, Any]:
    """A load balancer."""
    given = balancer.properties
    subnets = given.get("Subnets") or [one.get("SubnetId", "") for one in given.get("SubnetMappings") or []]
    zones = [
        {"ZoneName": f"{balancer.region}{chr(97 + number % 26)}", "SubnetId": subnet, "LoadBalancerAddresses": []}
        for number, subnet in enumerate(subnets)
    ]
    return {
        "LoadBalancerArn": balancer.arn,
        "DNSName": dns_name(balancer),
        "CanonicalHostedZoneId": _ZONE_ID,
        "CreatedTime": balancer.created,
        "LoadBalancerName": balancer.name,
        "Scheme": given.get("Scheme", "internet-facing"),
        "VpcId": "vpc-00000000",
        "State": {"Code": state},
        "Type": "application",
        "AvailabilityZones": zones,
        "SecurityGroups": given.get("SecurityGroups") or [],
        "IpAddressType": given.get("IpAddressType", "ipv4"),
    }


def listener_answer(listener: Listener) -> dict[str, Any]:
    """A listener; its default actions are those of its default rule."""
    default = next(rule for rule in listener.rules if rule.priority == DEFAULT_PRIORITY)
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.balancer_arn,
        **listener.properties,
        "DefaultActions": shown(default.actions),
    }


def rule_answer(listener: Listener, rule: Rule) -> dict[str, Any]:
    """A rule."""
    default = rule.priority == DEFAULT_PRIORITY
    return {
        "RuleArn": listener.rule_arn(rule),
        "Priority": "default" if default else str(rule.priority),
        "Conditions": rule.conditions,
        "Actions": shown(rule.actions),
        "IsDefault": default,
    }


def group_answer(group: TargetGroup, users: Iterable[str]) -> dict[str, Any]:
    """A target group; `users` are the ARNs of load balancers that forward to it."""
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        **group.properties,
        "LoadBalancerArns": sorted(users),
    }
