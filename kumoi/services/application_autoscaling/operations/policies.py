"""Scaling policies: put, describe, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import arn, uuid
from kumoi.services.application_autoscaling import alarms, application_autoscaling
from kumoi.services.application_autoscaling.capacity import Ask, read
from kumoi.services.application_autoscaling.configurations import check_tracking
from kumoi.services.application_autoscaling.dimensions import Dimension, dimension_of
from kumoi.services.application_autoscaling.errors import invalid, no_object, too_many
from kumoi.services.application_autoscaling.pages import chosen
from kumoi.services.application_autoscaling.records import Dimensioned, Kind, Policy, policies
from kumoi.services.application_autoscaling.scaling import Scaling
from kumoi.services.application_autoscaling.store import find_policy, registered
from kumoi.services.application_autoscaling.tracking import alarm_name, wanted
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

MOST_POLICIES = 50
_TRACKING: Kind = "TargetTrackingScaling"
_STEPS: Kind = "StepScaling"
_KINDS: Mapping[str, Kind] = {one: one for one in (_TRACKING, _STEPS)}
_CONFIGURATIONS: Mapping[str, str] = {
    _TRACKING: "TargetTrackingScalingPolicyConfiguration",
    _STEPS: "StepScalingPolicyConfiguration",
}


@application_autoscaling.operation
async def put_scaling_policy(
    call: Call,
    PolicyName: str,
    ServiceNamespace: str,
    ResourceId: str,
    ScalableDimension: str,
    PolicyType: str | None = None,
    StepScalingPolicyConfiguration: dict[str, Any] | None = None,
    TargetTrackingScalingPolicyConfiguration: dict[str, Any] | None = None,
    PredictiveScalingPolicyConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Create a policy, or change it; one that tracks a target has its alarms once this answers."""
    of = Dimensioned(ServiceNamespace, ResourceId, ScalableDimension)
    stated = {
        _TRACKING: TargetTrackingScalingPolicyConfiguration,
        _STEPS: StepScalingPolicyConfiguration,
        "PredictiveScaling": PredictiveScalingPolicyConfiguration,
    }
    known = await _known(call.state, of, PolicyName)
    dimension = dimension_of(of)
    kind = _kind(PolicyType or (known.kind if known is not None else ""))
    policy = _policy(call, of, PolicyName, kind, stated, known)
    _check(policy, dimension)
    policy = _with_alarms(policy, dimension)
    ask = call.part(Scaling).asking(call.state, of)
    await _check_alone(call.state, policy)
    await _put_alarms(call, ask, dimension, policy)
    await _put(call.state, policy)
    gone = [name for name in (known.alarms.values() if known else ()) if name not in policy.alarms.values()]
    await alarms.delete(ask, gone)
    return {"PolicyARN": policy.arn(call.account, call.region), "Alarms": _alarms(call, policy)}


@transactional
async def _known(tx: Transaction, of: Dimensioned, name: str) -> Policy | None:
    """The policy of this name, where there is one yet; ObjectNotFoundException where its target is not registered."""
    await registered(tx, of)
    return await policies.get(tx, *of, name)


def _kind(stated: str) -> Kind:
    kind = _KINDS.get(stated)
    if kind is None and stated:
        raise invalid(f"{stated} is for Amazon ECS only, which Kumoi does not serve.")
    if kind is None:
        raise invalid("PolicyType is required to create a scaling policy")
    return kind


def _policy(
    call: Call,
    of: Dimensioned,
    name: str,
    kind: Kind,
    stated: Mapping[str, dict[str, Any] | None],
    known: Policy | None,
) -> Policy:
    """The policy as it is to be, its alarms named."""
    strange = [one for one, configuration in stated.items() if one != kind and configuration is not None]
    if strange:
        raise invalid(f"A configuration of {strange[0]} cannot be specified for a policy of type {kind}")
    configuration = stated[kind]
    if configuration is None:
        if known is None or known.kind != kind:
            raise invalid(f"{_CONFIGURATIONS[kind]} is required for a policy of type {kind}")
        configuration = known.configuration
    if known is None:
        return Policy(**of._asdict(), name=name, id=uuid(), kind=kind, configuration=configuration, created=call.now)
    cooling = known.cooling if known.kind == kind else None
    return replace(known, kind=kind, configuration=configuration, cooling=cooling)


def _check(policy: Policy, dimension: Dimension) -> None:
    if policy.kind == _TRACKING:
        check_tracking(policy.configuration, dimension)
        return
    raise invalid(
        f"Unsupported policy type: StepScaling is not supported for scalable dimension {dimension.name}; use "
        "TargetTrackingScaling or scheduled actions"
    )


@transactional
async def _check_alone(tx: Transaction, policy: Policy) -> None:
    """Raise where a target has another policy that tracks the same metric, or has too many."""
    others = [one for one in await policies.list(tx, *policy.of) if one.name != policy.name]
    if len(others) >= MOST_POLICIES:
        raise too_many(f"A scalable target can have up to {MOST_POLICIES} scaling policies.")
    if policy.kind == _TRACKING and any(_metric(one) == _metric(policy) for one in others if one.kind == _TRACKING):
        raise invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")


def _metric(policy: Policy) -> Any:
    given = policy.configuration
    return given.get("PredefinedMetricSpecification") or given.get("CustomizedMetricSpecification")


def _with_alarms(policy: Policy, dimension: Dimension) -> Policy:
    names = wanted(policy, dimension) if policy.kind == _TRACKING else ()
    made = {what: policy.alarms.get(what) or alarm_name(policy, what, uuid()) for what in names}
    return replace(policy, alarms=made)


async def _put_alarms(call: Call, ask: Ask, dimension: Dimension, policy: Policy) -> None:
    """Make the alarms; ValidationException where CloudWatch does not take the metric."""
    try:
        await alarms.put(ask, call.state, dimension, policy, await read(ask, dimension, policy.resource))
    except AwsError as error:
        if error.code not in ("ValidationError", "NotImplemented"):
            raise
        raise invalid(f"CloudWatch does not take an alarm on this metric: {error.message}") from None


@transactional
async def _put(tx: Transaction, policy: Policy) -> None:
    await registered(tx, policy.of)
    await policies.put(tx, policy)


@application_autoscaling.operation
async def describe_scaling_policies(
    call: Call,
    ServiceNamespace: str,
    PolicyNames: list[str] | None = None,
    ResourceId: str | None = None,
    ScalableDimension: str | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Policies of a service, of a resource, or some by name."""
    listed = await _all(call.state, ServiceNamespace)
    shown, more = chosen(listed, PolicyNames, ResourceId, ScalableDimension, NextToken, MaxResults)
    return {"ScalingPolicies": [_described(call, one) for one in shown], **more}


@transactional
async def _all(tx: Transaction, namespace: str) -> list[Policy]:
    return await policies.list(tx, namespace)


def _described(call: Call, policy: Policy) -> dict[str, Any]:
    return {
        "PolicyARN": policy.arn(call.account, call.region),
        "PolicyName": policy.name,
        "ServiceNamespace": policy.namespace,
        "ResourceId": policy.resource,
        "ScalableDimension": policy.dimension,
        "PolicyType": policy.kind,
        _CONFIGURATIONS[policy.kind]: policy.configuration,
        "Alarms": _alarms(call, policy),
        "CreationTime": policy.created,
    }


def _alarms(call: Call, policy: Policy) -> list[dict[str, str]]:
    return [
        {"AlarmName": name, "AlarmARN": arn("cloudwatch", call.region, call.account, f"alarm:{name}")}
        for name in policy.alarms.values()
    ]


@application_autoscaling.operation
async def delete_scaling_policy(
    call: Call, PolicyName: str, ServiceNamespace: str, ResourceId: str, ScalableDimension: str
) -> dict[str, Any]:
    """Delete a policy with the alarms it has made."""
    of = Dimensioned(ServiceNamespace, ResourceId, ScalableDimension)
    policy = await find_policy(call.state, of, PolicyName)
    await alarms.delete(call.part(Scaling).asking(call.state, of), list(policy.alarms.values()))
    await _delete(call.state, of, PolicyName)
    return {}


@transactional
async def _delete(tx: Transaction, of: Dimensioned, name: str) -> None:
    if not await policies.delete(tx, *of, name):
        raise no_object("scaling policy", of, name)
