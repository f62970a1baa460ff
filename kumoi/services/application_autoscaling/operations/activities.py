"""What was done to targets, and forecasts, of which there are none."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.application_autoscaling import application_autoscaling
from kumoi.services.application_autoscaling.errors import invalid
from kumoi.services.application_autoscaling.pages import page
from kumoi.services.application_autoscaling.records import Activity, activities
from kumoi.services.application_autoscaling.store import KEPT
from kumoi.state import Transaction, transactional


@application_autoscaling.operation
async def describe_scaling_activities(
    call: Call,
    ServiceNamespace: str,
    ResourceId: str | None = None,
    ScalableDimension: str | None = None,
    MaxResults: int | None = None,
    NextToken: str | None = None,
    IncludeNotScaledActivities: bool = False,
) -> dict[str, Any]:
    """What was done in the last six weeks, the newest first; what was not done as well, where that is asked for."""
    if ScalableDimension is not None and ResourceId is None:
        raise invalid("A resource ID is required where a scalable dimension is given")
    found = [
        one
        for one in await _all(call.state, ServiceNamespace)
        if ResourceId in (None, one.resource)
        and ScalableDimension in (None, one.dimension)
        and (IncludeNotScaledActivities or one.reason is None)
    ]
    shown, more = page(found, _newest_first, NextToken, MaxResults)
    return {"ScalingActivities": [_described(one) for one in shown], **more}


@transactional
async def _all(tx: Transaction, namespace: str) -> list[Activity]:
    return [one for one in await activities.list(tx, namespace) if one.start >= tx.now - KEPT]


def _newest_first(one: Activity) -> str:
    return f"{10**13 - int(one.start * 1000):014}|{10**9 - one.number:010}|{one.id}"


def _described(one: Activity) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ActivityId": one.id,
        "ServiceNamespace": one.namespace,
        "ResourceId": one.resource,
        "ScalableDimension": one.dimension,
        "Description": one.description,
        "Cause": one.cause,
        "StartTime": one.start,
        "StatusCode": one.status,
    }
    if one.reason is not None:
        return {**told, "NotScaledReasons": [one.reason]}
    return {**told, "EndTime": one.start, "StatusMessage": one.message}


@application_autoscaling.operation
async def get_predictive_scaling_forecast(
    call: Call,
    ServiceNamespace: str,
    ResourceId: str,
    ScalableDimension: str,
    PolicyName: str,
    StartTime: datetime,
    EndTime: datetime,
) -> dict[str, Any]:
    """Refused: only services of ECS are scaled by forecasts, and Kumoi has none."""
    raise invalid(
        f"There is no forecast for the policy {PolicyName}: predictive scaling is for Amazon ECS only, which Kumoi "
        "does not serve."
    )
