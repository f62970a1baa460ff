"""Which permissions Scheduler's calls need; whoever makes a schedule hands it the role of its target.

Source: "Actions, resources, and condition keys for Amazon EventBridge Scheduler" of the service authorization
reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role
from kumoi.services.scheduler.naming import group_arn, schedule_arn


def resource(call: Call) -> str:
    """The schedule or group that a call names."""
    params = call.params
    if isinstance(params.get("ResourceArn"), str):
        return str(params["ResourceArn"])
    if "Name" not in params:
        return EVERYTHING
    if call.operation.endswith("ScheduleGroup"):
        return group_arn(call.account, call.region, params["Name"])
    return schedule_arn(call.account, call.region, params.get("GroupName", "default"), params["Name"])


def with_role(call: Call) -> Iterator[Ask]:
    """The schedule, and the role of its target."""
    yield from AUTHORIZATION.usual(call)
    target = call.params.get("Target")
    if isinstance(target, dict):
        yield from pass_role(call, target.get("RoleArn"), "scheduler.amazonaws.com")


AUTHORIZATION = Authorization(
    "scheduler",
    resource=resource,
    resources={"ListSchedules": everything, "ListScheduleGroups": everything},
    asks={"CreateSchedule": with_role, "UpdateSchedule": with_role},
)
