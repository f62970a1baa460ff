"""Scalable targets: register, describe, deregister."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.application_autoscaling import alarms, application_autoscaling
from kumoi.services.application_autoscaling.capacity import Ask, read
from kumoi.services.application_autoscaling.dimensions import Dimension, dimension_of, role_host, service_role
from kumoi.services.application_autoscaling.errors import invalid, no_object
from kumoi.services.application_autoscaling.operations.tags import check_tags
from kumoi.services.application_autoscaling.pages import page
from kumoi.services.application_autoscaling.records import (
    Dimensioned,
    Target,
    policies,
    scheduled_actions,
    targets,
)
from kumoi.services.application_autoscaling.scaling import Scaling
from kumoi.services.application_autoscaling.schedule import cancel_timer
from kumoi.services.application_autoscaling.store import policies_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

_ID_DIGITS = 34
_SUSPENSIONS = (
    ("DynamicScalingInSuspended", "scale_in"),
    ("DynamicScalingOutSuspended", "scale_out"),
    ("ScheduledScalingSuspended", "scheduled"),
)


@application_autoscaling.operation
async def register_scalable_target(
    call: Call,
    ServiceNamespace: str,
    ResourceId: str,
    ScalableDimension: str,
    MinCapacity: int | None = None,
    MaxCapacity: int | None = None,
    RoleARN: str | None = None,
    SuspendedState: dict[str, bool] | None = None,
    Tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Register what is to be scaled, or change its bounds; a capacity beyond them is brought within at once.

    It is scaled in the namespace's service-linked role, whatever RoleARN says, as on AWS.
    """
    of = Dimensioned(ServiceNamespace, ResourceId, ScalableDimension)
    dimension, scaling = dimension_of(of), call.part(Scaling)
    ask = scaling.asking(call.state, of)
    await read(ask, dimension, ResourceId)
    target = await _register(call.state, dimension, of, (MinCapacity, MaxCapacity), SuspendedState or {}, Tags)
    await _make_role(ask, ServiceNamespace)
    await scaling.bound(call.state, of)
    return {"ScalableTargetARN": target.arn(call.account, call.region)}


@transactional
async def _register(
    tx: Transaction,
    dimension: Dimension,
    of: Dimensioned,
    bounds: tuple[int | None, int | None],
    suspended: dict[str, bool],
    tags: dict[str, str] | None,
) -> Target:
    known = await targets.get(tx, *of)
    least, most = bounds
    if known is None:
        if least is None or most is None:
            raise invalid("MinCapacity and MaxCapacity are required to register a new scalable target")
        target = Target(**of._asdict(), id=f"0{hex_id(_ID_DIGITS)}", least=least, most=most, created=tx.now)
    else:
        if tags:
            raise invalid("Tags cannot be specified when updating a scalable target: use TagResource")
        target = replace(
            known, least=known.least if least is None else least, most=known.most if most is None else most
        )
    if min(target.least, target.most) < dimension.least:
        raise invalid(f"Capacity cannot be less than {dimension.least} for {dimension.name}")
    if target.least > target.most:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    stated = {name: suspended[member] for member, name in _SUSPENSIONS if member in suspended}
    target = replace(target, suspended=replace(target.suspended, **stated), tags=check_tags(tags or target.tags))
    await targets.put(tx, target)
    return target


async def _make_role(ask: Ask, namespace: str) -> None:
    """Have the account's service-linked role, where it has none yet."""
    try:
        await ask("iam", "GetRole", RoleName=service_role("", namespace).rpartition("/")[2])
    except AwsError as missing:
        if missing.code != "NoSuchEntity":
            raise
        try:
            await ask("iam", "CreateServiceLinkedRole", AWSServiceName=role_host(namespace))
        except AwsError as error:
            if error.code != "InvalidInput":  # somebody else has made it meanwhile
                raise


@application_autoscaling.operation
async def describe_scalable_targets(
    call: Call,
    ServiceNamespace: str,
    ResourceIds: list[str] | None = None,
    ScalableDimension: str | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Scalable targets of a service, all or of some resources."""
    found = [
        one
        for one in await _all(call.state, ServiceNamespace)
        if (not ResourceIds or one.resource in ResourceIds) and ScalableDimension in (None, one.dimension)
    ]
    shown, more = page(found, lambda one: f"{one.resource}|{one.dimension}", NextToken, MaxResults)
    return {"ScalableTargets": [_described(call, one) for one in shown], **more}


@transactional
async def _all(tx: Transaction, namespace: str) -> list[Target]:
    return await targets.list(tx, namespace)


def _described(call: Call, target: Target) -> dict[str, Any]:
    return {
        "ServiceNamespace": target.namespace,
        "ResourceId": target.resource,
        "ScalableDimension": target.dimension,
        "MinCapacity": target.least,
        "MaxCapacity": target.most,
        "RoleARN": service_role(call.account, target.namespace),
        "CreationTime": target.created,
        "SuspendedState": {member: getattr(target.suspended, name) for member, name in _SUSPENSIONS},
        "ScalableTargetARN": target.arn(call.account, call.region),
    }


@application_autoscaling.operation
async def deregister_scalable_target(
    call: Call, ServiceNamespace: str, ResourceId: str, ScalableDimension: str
) -> dict[str, Any]:
    """Forget a target with its policies, their alarms, and its scheduled actions; the capacity stays as it is."""
    of = Dimensioned(ServiceNamespace, ResourceId, ScalableDimension)
    made = [alarm for one in await policies_of(call.state, of) for alarm in one.alarms.values()]
    await alarms.delete(call.part(Scaling).asking(call.state, of), made)
    await _forget(call.state, of)
    return {}


@transactional
async def _forget(tx: Transaction, of: Dimensioned) -> None:
    if not await targets.delete(tx, *of):
        raise no_object("scalable target", of)
    await policies.delete_all(tx, *of)
    for action in await scheduled_actions.list(tx, *of):
        cancel_timer(tx, action)
    await scheduled_actions.delete_all(tx, *of)
