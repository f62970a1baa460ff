"""Which permissions CloudWatch's calls need: on alarms and dashboards by their names, on metrics none but the action.

Source: "Actions, resources, and condition keys for Amazon CloudWatch" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING
from kumoi.services.cloudwatch.alarm_actions import alarm_arn


def resources(call: Call) -> str | list[str]:
    """The alarms or dashboards that a call names."""
    params = call.params
    names = params.get("AlarmNames") or params.get("AlarmName")
    if names:
        listed = names if isinstance(names, list) else [names]
        return [alarm_arn(call.account, call.region, str(name)) for name in listed]
    boards = params.get("DashboardNames") or params.get("DashboardName")
    if boards:
        listed = boards if isinstance(boards, list) else [boards]
        return [f"arn:aws:cloudwatch::{call.account}:dashboard/{name}" for name in listed]
    return str(params.get("ResourceARN") or EVERYTHING)


def context(call: Call) -> dict[str, Sequence[str]]:
    """CloudWatch's own condition keys."""
    namespace = call.params.get("Namespace")
    return {"cloudwatch:namespace": (str(namespace),)} if isinstance(namespace, str) else {}


AUTHORIZATION = Authorization("cloudwatch", resource=resources, context=context, error="AccessDenied")
