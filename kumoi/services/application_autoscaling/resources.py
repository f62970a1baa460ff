"""Application Auto Scaling's CloudFormation types. Source: "Application Auto Scaling resource type reference"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.wire.errors import AwsError, aws_error

_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_WHOLE = frozenset(
    (
        *("MinCapacity", "MaxCapacity", "ScaleInCooldown", "ScaleOutCooldown"),
        *("Cooldown", "ScalingAdjustment", "MinAdjustmentMagnitude"),
    )
)
_FRACTIONS = frozenset(("TargetValue", "MetricIntervalLowerBound", "MetricIntervalUpperBound"))
_FLAGS = frozenset((*_SUSPENSIONS, "DisableScaleIn", "ReturnData"))


def _typed(value: Any, name: str = "") -> Any:
    """Numbers and flags may be texts in templates."""
    if isinstance(value, dict):
        return {one: _typed(inner, one) for one, inner in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    try:
        if name in _WHOLE:
            return int(value)
        if name in _FRACTIONS:
            return float(value)
    except (TypeError, ValueError):
        raise aws_error("ValidationError", f"{name} must be a number: {value}") from None
    return str(value).lower() == "true" if name in _FLAGS else value


def _target_of(call: ResourceCall) -> dict[str, str]:
    """What names the target: its properties, or for a policy the id of a target of the template."""
    stated = call.properties.get("ScalingTargetId")
    if stated:
        parts = str(stated).split("|")
        if len(parts) != len(_TARGET):
            raise aws_error("ValidationError", f"ScalingTargetId is not the id of a scalable target: {stated}")
        return dict(zip(("ResourceId", "ScalableDimension", "ServiceNamespace"), parts, strict=True))
    call.required(*_TARGET)
    return {name: str(call.properties[name]) for name in _TARGET}


def _moment(stated: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(stated))
    except ValueError:
        raise aws_error("ValidationError", f"{stated} is not a date and time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _put_target(call: ResourceCall) -> Resource:
    call.required("MinCapacity", "MaxCapacity")
    of = _target_of(call)
    bounds = _typed(call.given("MinCapacity", "MaxCapacity"))
    suspended = _typed(call.properties.get("SuspendedState") or {}) | {}
    if call.before.get("SuspendedState"):
        suspended = {**dict.fromkeys(_SUSPENSIONS, False), **suspended}
    given = {**of, **bounds, **call.given("RoleARN")}
    await call.ask("application-autoscaling", "RegisterScalableTarget", **given, SuspendedState=suspended or None)
    identifier = "|".join((of["ResourceId"], of["ScalableDimension"], of["ServiceNamespace"]))
    made = Resource(identifier, {"Id": identifier})
    if not call.physical_id:
        call.begin(made)
    await _put_actions(call, of)
    return made


async def _put_actions(call: ResourceCall, of: dict[str, str]) -> None:
    wanted = {str(one.get("ScheduledActionName")): one for one in call.properties.get("ScheduledActions") or ()}
    for gone in call.before.get("ScheduledActions") or ():
        if gone["ScheduledActionName"] not in wanted:
            name = gone["ScheduledActionName"]
            await _unless_gone(call, "DeleteScheduledAction", **of, ScheduledActionName=name)
    for name, one in wanted.items():
        given = {member: one[member] for member in ("Schedule", "Timezone") if member in one}
        given |= {member: _moment(one[member]) for member in ("StartTime", "EndTime") if member in one}
        action = _typed(one.get("ScalableTargetAction") or {})
        await call.ask(
            "application-autoscaling",
            "PutScheduledAction",
            **of,
            **given,
            ScheduledActionName=name,
            ScalableTargetAction=action,
        )


async def _unless_gone(call: ResourceCall, operation: str, **params: Any) -> None:
    try:
        await call.ask("application-autoscaling", operation, **params)
    except AwsError as error:
        if error.code != "ObjectNotFoundException":
            raise


async def _delete_target(call: ResourceCall) -> None:
    await _unless_gone(call, "DeregisterScalableTarget", **_target_of(call))


async def _put_policy(call: ResourceCall) -> Resource:
    call.required("PolicyName", "PolicyType")
    members = ("StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration")
    answer = await call.ask(
        "application-autoscaling",
        "PutScalingPolicy",
        **_target_of(call),
        **call.given("PolicyName", "PolicyType", "PredictiveScalingPolicyConfiguration"),
        **_typed(call.given(*members)),
    )
    return Resource(answer["PolicyARN"], {"Arn": answer["PolicyARN"]})


async def _delete_policy(call: ResourceCall) -> None:
    await _unless_gone(call, "DeleteScalingPolicy", **_target_of(call), **call.given("PolicyName"))


RESOURCES = (
    ResourceType(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        _put_target,
        _delete_target,
        _put_target,
        replaced_by=frozenset(_TARGET),
    ),
    ResourceType(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        _put_policy,
        _delete_policy,
        _put_policy,
        replaced_by=frozenset(("PolicyName", "ScalingTargetId", *_TARGET)),
    ),
)
