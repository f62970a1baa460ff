"""Target groups: create, describe, change, delete."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.elbv2 import elbv2
from kumoi.services.elbv2.describe import group_answer
from kumoi.services.elbv2.errors import invalid, not_built, page, refused
from kumoi.services.elbv2.health import Health, check_soon
from kumoi.services.elbv2.lookup import check_name, find_balancer, find_group, new_id, users_of_groups
from kumoi.services.elbv2.operations.tags import tags_of
from kumoi.services.elbv2.records import TargetGroup, groups
from kumoi.state import Transaction, transactional

_CODES = re.compile(r"\d{3}(?:-\d{3})?(?:,\d{3}(?:-\d{3})?)*")
_CHECKS = {
    "HealthCheckEnabled": True,
    "HealthCheckPath": "/",
    "HealthCheckIntervalSeconds": 30,
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 5,
    "UnhealthyThresholdCount": 2,
}
_FUNCTION_CHECKS = {"HealthCheckEnabled": False, "HealthCheckIntervalSeconds": 35, "HealthCheckTimeoutSeconds": 30}


@elbv2.operation
async def create_target_group(
    call: Call, Name: str, TargetType: str = "instance", Tags: list[dict[str, str]] | None = None, **given: Any
) -> dict[str, Any]:
    """Create a target group of functions or HTTP servers, or answer the one that is the same.

    An empty ProtocolVersion, which Terraform always sends, is none.
    """
    given = {name: value for name, value in given.items() if (name, value) != ("ProtocolVersion", "")}
    check_name("Target group", Name)
    if TargetType == "alb":
        raise not_built("target groups of load balancers")
    if "TargetControlPort" in given:
        raise not_built("TargetControlPort")
    if TargetType == "lambda":
        for member in ("Protocol", "Port", "VpcId", "ProtocolVersion", "HealthCheckProtocol", "HealthCheckPort"):
            if member in given:
                raise invalid(f"{member} cannot be specified for target groups with target type 'lambda'")
        properties = {**_CHECKS, **_FUNCTION_CHECKS, "Matcher": {"HttpCode": "200"}, **given}
    else:
        if given.get("Protocol") not in ("HTTP", "HTTPS"):
            if "Protocol" in given:
                raise not_built(f"target groups of the protocol {given['Protocol']}")
            raise invalid("A protocol must be specified")
        if "Port" not in given:
            raise invalid("A port must be specified")
        if given.get("ProtocolVersion", "HTTP1") != "HTTP1":
            raise not_built(f"the protocol version {given['ProtocolVersion']}")
        properties = {
            **_CHECKS,
            "ProtocolVersion": "HTTP1",
            "HealthCheckProtocol": given["Protocol"],
            "HealthCheckPort": "traffic-port",
            "Matcher": {"HttpCode": "200"},
            **given,
        }
    properties = {"IpAddressType": "ipv4", **properties, "TargetType": TargetType}
    _check(properties)
    fresh = TargetGroup(
        name=Name,
        id=new_id(),
        account=call.account,
        region=call.region,
        properties=properties,
        tags=tags_of(Tags or []),
    )
    made, users = await _create(call.state, fresh)
    return {"TargetGroups": [group_answer(made, users)]}


def _check(properties: dict[str, Any]) -> None:
    path, codes = properties.get("HealthCheckPath", "/"), properties["Matcher"].get("HttpCode", "")
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise invalid(f"Health check path '{path}' must begin with a '/' character")
    if not _CODES.fullmatch(codes) or not all(200 <= int(code) <= 499 for code in re.findall(r"\d{3}", codes)):
        raise invalid(f"Health check matcher HTTP code '{codes}' must be within '200-499' inclusive")
    if properties["HealthCheckTimeoutSeconds"] >= properties["HealthCheckIntervalSeconds"]:
        raise invalid(
            "Health check timeout '{}' must be smaller than the interval '{}'".format(
                properties["HealthCheckTimeoutSeconds"], properties["HealthCheckIntervalSeconds"]
            )
        )
    port = properties.get("HealthCheckPort", "traffic-port")
    if port != "traffic-port" and not (port.isdigit() and 1 <= int(port) <= 65_535):
        raise invalid(f"Health check port '{port}' must be in range 1-65535 or 'traffic-port'")
    if properties.get("HealthCheckProtocol", "HTTP") not in ("HTTP", "HTTPS"):
        raise invalid(f"Health check protocol '{properties['HealthCheckProtocol']}' must be HTTP or HTTPS")
    if properties["TargetType"] != "lambda" and not properties["HealthCheckEnabled"]:
        raise invalid("Health check enabled must be true for target groups with target type 'instance' or 'ip'")


@elbv2.operation
async def describe_target_groups(
    call: Call,
    LoadBalancerArn: str | None = None,
    TargetGroupArns: list[str] | None = None,
    Names: list[str] | None = None,
    Marker: str | None = None,
    PageSize: int | None = None,
) -> dict[str, Any]:
    """The target groups with some ARNs or names, those that a load balancer forwards to, or all."""
    if sum(one is not None for one in (LoadBalancerArn, TargetGroupArns, Names)) > 1:
        raise invalid("Only one of load balancer ARN, target group ARNs and names can be specified")
    found, users = await _find(call.state, LoadBalancerArn, TargetGroupArns, Names)

    def answer(group: TargetGroup) -> dict[str, Any]:
        return group_answer(group, users.get(group.arn, ()))

    return page(found, "TargetGroups", Marker, PageSize, answer)


@elbv2.operation
async def modify_target_group(call: Call, TargetGroupArn: str, **given: Any) -> dict[str, Any]:
    """Change how a target group's health is checked."""
    group, users = await _modify(call.state, TargetGroupArn, given)
    return {"TargetGroups": [group_answer(group, users)]}


@elbv2.operation
async def delete_target_group(call: Call, TargetGroupArn: str) -> dict[str, Any]:
    """Delete a target group that no rule forwards to."""
    await _delete(call.state, TargetGroupArn)
    call.part(Health).forget(TargetGroupArn)
    return {}


@transactional
async def _create(tx: Transaction, fresh: TargetGroup) -> tuple[TargetGroup, set[str]]:
    found = await groups.get(tx, fresh.name)
    if found is None:
        await groups.put(tx, fresh)
        return fresh, set()
    if found.properties == fresh.properties and found.tags == fresh.tags:
        return found, (await users_of_groups(tx)).get(found.arn, set())
    raise refused(
        "DuplicateTargetGroupName",
        f"A target group with the same name '{fresh.name}' exists, but with different settings",
    )


@transactional
async def _find(
    tx: Transaction, balancer: str | None, arns: list[str] | None, names: list[str] | None
) -> tuple[list[TargetGroup], dict[str, set[str]]]:
    users = await users_of_groups(tx)
    if arns:
        return [await find_group(tx, arn) for arn in arns], users
    if names:
        found = [await groups.get(tx, name) for name in names]
        gone = [name for name, one in zip(names, found, strict=True) if one is None]
        if gone:
            raise refused("TargetGroupNotFound", f"Target groups '[{', '.join(gone)}]' not found")
        return [one for one in found if one is not None], users
    every = await groups.list(tx)
    if balancer is None:
        return every, users
    await find_balancer(tx, balancer)
    return [one for one in every if balancer in users.get(one.arn, ())], users


@transactional
async def _modify(tx: Transaction, arn: str, given: dict[str, Any]) -> tuple[TargetGroup, set[str]]:
    group = await find_group(tx, arn)
    properties = {**group.properties, **given}
    _check(properties)
    changed = msgspec.structs.replace(group, properties=properties)
    await groups.put(tx, changed)
    check_soon(tx, changed)
    return changed, (await users_of_groups(tx)).get(arn, set())


@transactional
async def _delete(tx: Transaction, arn: str) -> None:
    group = await find_group(tx, arn)
    if (await users_of_groups(tx)).get(arn):
        raise refused("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
    await groups.delete(tx, group.name)
