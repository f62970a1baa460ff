"""Targets: register, deregister, and how healthy they are."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call, Principal
from kumoi.services.elbv2 import elbv2
from kumoi.services.elbv2.errors import invalid, refused
from kumoi.services.elbv2.health import NOT_REGISTERED, Health, check_soon
from kumoi.services.elbv2.lookup import find_group, users_of_groups
from kumoi.services.elbv2.records import Target, TargetGroup, groups
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_MOST = 1000


@elbv2.operation
async def register_targets(call: Call, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> dict[str, Any]:
    """Add targets to a group: one function, or HTTP servers by address (an instance is this machine) and port."""
    fresh = await _register(call.state, TargetGroupArn, Targets)
    call.part(Health).forget(TargetGroupArn, fresh)
    for target in fresh:
        if target.port is None:
            await _check_permission(call, target.id)
    return {}


@elbv2.operation
async def deregister_targets(call: Call, TargetGroupArn: str, Targets: list[dict[str, Any]]) -> dict[str, Any]:
    """Take targets out of a group; requests under way there are still answered."""
    call.part(Health).forget(TargetGroupArn, await _deregister(call.state, TargetGroupArn, Targets))
    return {}


@elbv2.operation
async def describe_target_health(
    call: Call, TargetGroupArn: str, Targets: list[dict[str, Any]] | None = None, Include: list[str] | None = None
) -> dict[str, Any]:
    """How healthy some targets of a group are, or all."""
    group, used = await _found(call.state, TargetGroupArn)
    wanted = group.targets if Targets is None else [_target(group, one) for one in Targets]
    health = call.part(Health)
    descriptions = []
    for target in wanted:
        said = health.told(group, target, used=used) if target in group.targets else NOT_REGISTERED
        about: dict[str, Any] = {"Target": {"Id": target.id}, "TargetHealth": said.answer()}
        if target.port is not None:
            about["Target"]["Port"] = target.port
            stated = group.properties.get("HealthCheckPort", "traffic-port")
            about["HealthCheckPort"] = str(target.port) if stated == "traffic-port" else stated
        if target.zone is not None:
            about["Target"]["AvailabilityZone"] = target.zone
        descriptions.append(about)
    return {"TargetHealthDescriptions": descriptions}


async def _check_permission(call: Call, function: str) -> None:
    """Say in the log when AWS would refuse a function because its permission is missing."""
    try:
        looking = Principal.looking(call.account, "lambda", call.node)
        policy = (await call.to_as(looking, "lambda", "GetPolicy", FunctionName=function))["Policy"]
    except AwsError:
        policy = ""
    if "elasticloadbalancing.amazonaws.com" not in policy and '"*"' not in policy:
        logger.warning(
            "AWS would refuse the target: elasticloadbalancing.amazonaws.com has no permission to invoke %s", function
        )


def _target(group: TargetGroup, given: dict[str, Any]) -> Target:
    """A target as it is stored; raises InvalidTarget for one that the group cannot have."""
    name, zone = given["Id"], given.get("AvailabilityZone")
    if group.kind == "lambda":
        if not re.fullmatch(r"arn:[^:]+:lambda:[^:]+:\d{12}:function:[^:]+(:[^:]+)?", name):
            raise invalid(f"'{name}' is not a valid Lambda function ARN")
        if "Port" in given:
            raise invalid("A port cannot be specified for targets of type 'lambda'")
        return Target(name, None, zone)
    if group.kind == "ip":
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise invalid(f"The IP address '{name}' is not a valid IPv4 address") from None
    elif not re.fullmatch(r"i-[0-9a-zA-Z]{1,32}", name):
        raise refused("InvalidTarget", f"The following targets are not valid: '{name}': an instance id begins with i-")
    return Target(name, given.get("Port") or group.properties["Port"], zone)


@transactional
async def _register(tx: Transaction, arn: str, given: Sequence[dict[str, Any]]) -> list[Target]:
    group = await find_group(tx, arn)
    known = {(one.id, one.port): one for one in group.targets}
    fresh = [one for one in (_target(group, target) for target in given) if (one.id, one.port) not in known]
    after = [*group.targets, *{(one.id, one.port): one for one in fresh}.values()]
    if len(after) > (1 if group.kind == "lambda" else _MOST):
        raise refused("TooManyTargets", f"The maximum number of targets has been reached on target group '{arn}'")
    changed = msgspec.structs.replace(group, targets=after)
    await groups.put(tx, changed)
    check_soon(tx, changed)
    return fresh


@transactional
async def _deregister(tx: Transaction, arn: str, given: Sequence[dict[str, Any]]) -> list[Target]:
    group = await find_group(tx, arn)
    gone: list[Target] = []
    for one in given:
        # Without a port, every registration of the target goes.
        found = [
            target for target in group.targets if target.id == one["Id"] and one.get("Port") in (None, target.port)
        ]
        if not found:
            raise refused(
                "InvalidTarget", f"The following targets are not registered to the target group: '{one['Id']}'"
            )
        gone += found
    await groups.put(tx, msgspec.structs.replace(group, targets=[one for one in group.targets if one not in gone]))
    return gone


@transactional
async def _found(tx: Transaction, arn: str) -> tuple[TargetGroup, bool]:
    group = await find_group(tx, arn)
    return group, bool((await users_of_groups(tx)).get(arn))
