"""Attributes of load balancers, listeners and target groups: describe and change."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.elbv2 import attributes, elbv2
from kumoi.services.elbv2.lookup import find_balancer, find_group, find_listener
from kumoi.services.elbv2.records import balancers, groups, listeners
from kumoi.state import Transaction, transactional

Given = list[dict[str, str]]


@elbv2.operation
async def describe_load_balancer_attributes(call: Call, LoadBalancerArn: str) -> dict[str, Any]:
    """A load balancer's attributes."""
    return {"Attributes": await _of_balancer(call.state, LoadBalancerArn, [])}


@elbv2.operation
async def modify_load_balancer_attributes(call: Call, LoadBalancerArn: str, Attributes: Given) -> dict[str, Any]:
    """Change a load balancer's attributes."""
    return {"Attributes": await _of_balancer(call.state, LoadBalancerArn, Attributes)}


@elbv2.operation
async def describe_listener_attributes(call: Call, ListenerArn: str) -> dict[str, Any]:
    """A listener's attributes."""
    return {"Attributes": await _of_listener(call.state, ListenerArn, [])}


@elbv2.operation
async def modify_listener_attributes(call: Call, ListenerArn: str, Attributes: Given) -> dict[str, Any]:
    """Change a listener's attributes."""
    return {"Attributes": await _of_listener(call.state, ListenerArn, Attributes)}


@elbv2.operation
async def describe_target_group_attributes(call: Call, TargetGroupArn: str) -> dict[str, Any]:
    """A target group's attributes."""
    return {"Attributes": await _of_group(call.state, TargetGroupArn, [])}


@elbv2.operation
async def modify_target_group_attributes(call: Call, TargetGroupArn: str, Attributes: Given) -> dict[str, Any]:
    """Change a target group's attributes."""
    return {"Attributes": await _of_group(call.state, TargetGroupArn, Attributes)}


@transactional
async def _of_balancer(tx: Transaction, arn: str, given: Given) -> Given:
    balancer, known = await find_balancer(tx, arn), attributes.BALANCER
    after = attributes.changed("Load balancer", known, balancer.attributes, given)
    if given:
        await balancers.put(tx, msgspec.structs.replace(balancer, attributes=after))
    return attributes.told(known, after)


@transactional
async def _of_listener(tx: Transaction, arn: str, given: Given) -> Given:
    listener, known = await find_listener(tx, arn), attributes.LISTENER
    after = attributes.changed("Listener", known, listener.attributes, given)
    if given:
        await listeners.put(tx, msgspec.structs.replace(listener, attributes=after))
    return attributes.told(known, after)


@transactional
async def _of_group(tx: Transaction, arn: str, given: Given) -> Given:
    group = await find_group(tx, arn)
    known = attributes.of_group(group.kind)
    after = attributes.changed("Target group", known, group.attributes, given)
    if given:
        await groups.put(tx, msgspec.structs.replace(group, attributes=after))
    return attributes.told(known, after)
