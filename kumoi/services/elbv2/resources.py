"""Elastic Load Balancing v2's CloudFormation types. Source: "Elastic Load Balancing V2 resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_SERVICE = "elbv2"
_NUMBERS = frozenset(
    {"Port", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "HealthyThresholdCount"}
    | {"UnhealthyThresholdCount", "Priority", "Order", "Weight", "DurationSeconds"}
)
_FLAGS = frozenset({"HealthCheckEnabled", "Enabled"})
_TEXTS = frozenset({"HealthCheckPort", "StatusCode", "HttpCode"})
_BALANCER = ("Scheme", "Subnets", "SubnetMappings", "SecurityGroups", "Type", "IpAddressType")
_CHECKS = (
    *("HealthCheckEnabled", "HealthCheckIntervalSeconds", "HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol"),
    *("HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher"),
)
_GROUP_FIXED = ("Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId", "IpAddressType")
_LISTENER = ("Port", "Protocol", "Certificates", "SslPolicy", "AlpnPolicy", "MutualAuthentication", "DefaultActions")


def _typed(name: str, value: Any) -> Any:
    """A property as the API's member: templates may write numbers and booleans as text, and texts as numbers."""
    if isinstance(value, dict):
        # A redirect's port is a text, unlike every other.
        return {key: inner if name == "RedirectConfig" else _typed(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(name, one) if isinstance(one, dict | list) else one for one in value]
    if name in _NUMBERS and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if name in _FLAGS and not isinstance(value, bool):
        return str(value).lower() == "true"
    return str(value) if name in _TEXTS else value


def _given(call: ResourceCall, *members: str) -> dict[str, Any]:
    return {name: _typed(name, value) for name, value in call.given(*members).items()}


def _tags(call: ResourceCall) -> list[dict[str, str]]:
    return [tag for tag in call.tag_list() if not tag["Key"].startswith("aws:")]


def _pairs(call: ResourceCall, member: str) -> list[dict[str, str]]:
    return [{"Key": one["Key"], "Value": _value(one.get("Value", ""))} for one in call.properties.get(member) or ()]


def _value(given: Any) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)


async def _attributes(call: ResourceCall, operation: str, arn_member: str, arn: str, member: str) -> None:
    if pairs := _pairs(call, member):
        await call.ask(_SERVICE, operation, **{arn_member: arn}, Attributes=pairs)


# ── load balancers ────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_balancer(call: ResourceCall) -> Resource:
    name = call.name("Name", 32)
    given = {"Name": name, **_given(call, *_BALANCER), "Tags": _tags(call) or None}
    [made] = (await call.ask(_SERVICE, "CreateLoadBalancer", **given))["LoadBalancers"]
    arn = made["LoadBalancerArn"]
    attributes = {
        "CanonicalHostedZoneID": made["CanonicalHostedZoneId"],
        "DNSName": made["DNSName"],
        "LoadBalancerArn": arn,
        "LoadBalancerFullName": arn.partition("loadbalancer/")[2],
        "LoadBalancerName": name,
        "SecurityGroups": made["SecurityGroups"],
    }
    resource = call.begin(Resource(arn, attributes))
    await _attributes(call, "ModifyLoadBalancerAttributes", "LoadBalancerArn", arn, "LoadBalancerAttributes")
    return resource


async def _update_balancer(call: ResourceCall) -> Resource:
    arn = call.physical_id
    given = _given(call, *_BALANCER)
    subnets = {name: given[name] for name in ("Subnets", "SubnetMappings") if name in given}
    if subnets:
        await call.ask(_SERVICE, "SetSubnets", LoadBalancerArn=arn, **subnets)
    if "SecurityGroups" in given:
        await call.ask(_SERVICE, "SetSecurityGroups", LoadBalancerArn=arn, SecurityGroups=given["SecurityGroups"])
    if "IpAddressType" in given:
        await call.ask(_SERVICE, "SetIpAddressType", LoadBalancerArn=arn, IpAddressType=given["IpAddressType"])
    await _attributes(call, "ModifyLoadBalancerAttributes", "LoadBalancerArn", arn, "LoadBalancerAttributes")
    return Resource(arn, call.attributes)


async def _delete_balancer(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteLoadBalancer", LoadBalancerArn=call.physical_id)


# ── target groups ─────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("Name", 32)
    given = {"Name": name, **_given(call, *_GROUP_FIXED, *_CHECKS), "Tags": _tags(call) or None}
    [made] = (await call.ask(_SERVICE, "CreateTargetGroup", **given))["TargetGroups"]
    arn = made["TargetGroupArn"]
    attributes = {
        "LoadBalancerArns": made["LoadBalancerArns"],
        "TargetGroupArn": arn,
        "TargetGroupFullName": arn.rpartition(":")[2],
        "TargetGroupName": name,
    }
    resource = call.begin(Resource(arn, attributes))
    await _attributes(call, "ModifyTargetGroupAttributes", "TargetGroupArn", arn, "TargetGroupAttributes")
    if targets := _given(call, "Targets").get("Targets"):
        await call.ask(_SERVICE, "RegisterTargets", TargetGroupArn=arn, Targets=targets)
    return resource


async def _update_group(call: ResourceCall) -> Resource:
    arn = call.physical_id
    if checks := _given(call, *_CHECKS):
        await call.ask(_SERVICE, "ModifyTargetGroup", TargetGroupArn=arn, **checks)
    await _attributes(call, "ModifyTargetGroupAttributes", "TargetGroupArn", arn, "TargetGroupAttributes")
    before = _typed("Targets", call.before.get("Targets") or [])
    after = _typed("Targets", call.properties.get("Targets") or [])
    if gone := [one for one in before if one not in after]:
        await call.ask(_SERVICE, "DeregisterTargets", TargetGroupArn=arn, Targets=gone)
    if fresh := [one for one in after if one not in before]:
        await call.ask(_SERVICE, "RegisterTargets", TargetGroupArn=arn, Targets=fresh)
    return Resource(arn, call.attributes)


async def _delete_group(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteTargetGroup", TargetGroupArn=call.physical_id)


# ── listeners and rules ───────────────────────────────────────────────────────────────────────────────────────────


async def _create_listener(call: ResourceCall) -> Resource:
    given = _given(call, "LoadBalancerArn", *_LISTENER)
    [made] = (await call.ask(_SERVICE, "CreateListener", **given))["Listeners"]
    resource = call.begin(Resource(made["ListenerArn"], {"ListenerArn": made["ListenerArn"]}))
    await _attributes(call, "ModifyListenerAttributes", "ListenerArn", made["ListenerArn"], "ListenerAttributes")
    return resource


async def _update_listener(call: ResourceCall) -> Resource:
    await call.ask(_SERVICE, "ModifyListener", ListenerArn=call.physical_id, **_given(call, *_LISTENER))
    await _attributes(call, "ModifyListenerAttributes", "ListenerArn", call.physical_id, "ListenerAttributes")
    return Resource(call.physical_id, call.attributes)


async def _delete_listener(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteListener", ListenerArn=call.physical_id)


async def _create_rule(call: ResourceCall) -> Resource:
    given = _given(call, "ListenerArn", "Priority", "Conditions", "Actions", "Transforms")
    [made] = (await call.ask(_SERVICE, "CreateRule", **given))["Rules"]
    return Resource(made["RuleArn"], {"RuleArn": made["RuleArn"], "IsDefault": "false"})


async def _update_rule(call: ResourceCall) -> Resource:
    arn = call.physical_id
    await call.ask(_SERVICE, "ModifyRule", RuleArn=arn, **_given(call, "Conditions", "Actions", "Transforms"))
    priority = _given(call, "Priority").get("Priority")
    if priority is not None and priority != _typed("Priority", call.before.get("Priority")):
        await call.ask(_SERVICE, "SetRulePriorities", RulePriorities=[{"RuleArn": arn, "Priority": priority}])
    return Resource(arn, call.attributes)


async def _delete_rule(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteRule", RuleArn=call.physical_id)


async def _create_certificates(call: ResourceCall) -> Resource:
    given = call.given("ListenerArn", "Certificates")
    await call.ask(_SERVICE, "AddListenerCertificates", **given)
    return Resource(f"{call.stack_name}-{call.logical_id}-{call.token}")


async def _delete_certificates(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "RemoveListenerCertificates", **call.given("ListenerArn", "Certificates"))


RESOURCES = (
    ResourceType(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        _create_balancer,
        _delete_balancer,
        _update_balancer,
        replaced_by=frozenset(("Name", "Scheme", "Type")),
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("Name", *_GROUP_FIXED)),
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::Listener",
        _create_listener,
        _delete_listener,
        _update_listener,
        replaced_by=frozenset(("LoadBalancerArn",)),
    ),
    ResourceType(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        _create_rule,
        _delete_rule,
        _update_rule,
        replaced_by=frozenset(("ListenerArn",)),
    ),
    ResourceType("AWS::ElasticLoadBalancingV2::ListenerCertificate", _create_certificates, _delete_certificates),
)
