"""Scheduled actions: put, describe, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.application_autoscaling import application_autoscaling
from kumoi.services.application_autoscaling.dimensions import dimension_of
from kumoi.services.application_autoscaling.errors import invalid, no_object, too_many
from kumoi.services.application_autoscaling.pages import chosen
from kumoi.services.application_autoscaling.records import Dimensioned, ScheduledAction, scheduled_actions
from kumoi.services.application_autoscaling.schedule import cancel_timer, schedule_of, set_timer
from kumoi.services.application_autoscaling.store import registered
from kumoi.state import Transaction, transactional

MOST_ACTIONS = 200


@application_autoscaling.operation
async def put_scheduled_action(
    call: Call,
    ServiceNamespace: str,
    ScheduledActionName: str,
    ResourceId: str,
    ScalableDimension: str,
    Schedule: str | None = None,
    Timezone: str | None = None,
    StartTime: datetime | None = None,
    EndTime: datetime | None = None,
    ScalableTargetAction: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Create a scheduled action, or change it; a start and an end that are not given anew are none."""
    of = Dimensioned(ServiceNamespace, ResourceId, ScalableDimension)
    dimension_of(of)
    stated: dict[str, Any] = {
        "schedule": Schedule,
        "timezone": Timezone,
        "least": (ScalableTargetAction or {}).get("MinCapacity"),
        "most": (ScalableTargetAction or {}).get("MaxCapacity"),
    }
    changes = {name: value for name, value in stated.items() if value is not None}
    changes |= {"start": _seconds(StartTime), "end": _seconds(EndTime)}
    await _put(call.state, of, ScheduledActionName, changes)
    return {}


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


@transactional
async def _put(tx: Transaction, of: Dimensioned, name: str, changes: dict[str, Any]) -> None:
    await registered(tx, of)
    known = await scheduled_actions.get(tx, *of, name)
    if known is None:
        if "schedule" not in changes:
            raise invalid("Schedule is required to create a scheduled action")
        if len(await scheduled_actions.list(tx, *of)) >= MOST_ACTIONS:
            raise too_many(f"A scalable target can have up to {MOST_ACTIONS} scheduled actions.")
        action = ScheduledAction(**of._asdict(), name=name, id=uuid(), created=tx.now, **changes)
    else:
        action = replace(known, **changes)
    _check(action, tx.now)
    await scheduled_actions.put(tx, action)
    set_timer(tx, action, tx.now)


def _check(action: ScheduledAction, now: float) -> None:
    """Raise ValidationException for an action that could never be carried out."""
    schedule_of(action)
    if action.least is None and action.most is None:
        raise invalid("At least one of MinCapacity and MaxCapacity must be specified in ScalableTargetAction")
    if action.least is not None and action.most is not None and action.least > action.most:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    if action.start is not None and action.end is not None and action.start >= action.end:
        raise invalid("StartTime must be before EndTime")
    if action.schedule.startswith("at(") and schedule_of(action).next_time(now) is None:
        raise invalid(f"The time of {action.schedule} has passed")


@application_autoscaling.operation
async def describe_scheduled_actions(
    call: Call,
    ServiceNamespace: str,
    ScheduledActionNames: list[str] | None = None,
    ResourceId: str | None = None,
    ScalableDimension: str | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Scheduled actions of a service, of a resource, or some by name."""
    listed = await _all(call.state, ServiceNamespace)
    shown, more = chosen(listed, ScheduledActionNames, ResourceId, ScalableDimension, NextToken, MaxResults)
    return {"ScheduledActions": [_described(call, one) for one in shown], **more}


@transactional
async def _all(tx: Transaction, namespace: str) -> list[ScheduledAction]:
    return await scheduled_actions.list(tx, namespace)


def _described(call: Call, action: ScheduledAction) -> dict[str, Any]:
    told = {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn(call.account, call.region),
        "ServiceNamespace": action.namespace,
        "Schedule": action.schedule,
        "Timezone": action.timezone,
        "ResourceId": action.resource,
        "ScalableDimension": action.dimension,
        "StartTime": action.start,
        "EndTime": action.end,
        "CreationTime": action.created,
        "ScalableTargetAction": {
            name: value
            for name, value in (("MinCapacity", action.least), ("MaxCapacity", action.most))
            if value is not None
        },
    }
    return {name: value for name, value in told.items() if value is not None}


@application_autoscaling.operation
async def delete_scheduled_action(
    call: Call, ServiceNamespace: str, ScheduledActionName: str, ResourceId: str, ScalableDimension: str
) -> dict[str, Any]:
    """Delete a scheduled action."""
    await _delete(call.state, Dimensioned(ServiceNamespace, ResourceId, ScalableDimension), ScheduledActionName)
    return {}


@transactional
async def _delete(tx: Transaction, of: Dimensioned, name: str) -> None:
    action = await scheduled_actions.get(tx, *of, name)
    if action is None:
        raise no_object("scheduled action", of, name)
    cancel_timer(tx, action)
    await scheduled_actions.delete(tx, *of, name)
