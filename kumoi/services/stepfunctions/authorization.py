"""Which permissions Step Functions' calls need: on state machines, executions, activities, and to hand over a role.

Source: "Actions, resources, and condition keys for AWS Step Functions" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role

_ARNS = (
    *("stateMachineArn", "executionArn", "activityArn", "resourceArn", "mapRunArn"),
    *("stateMachineAliasArn", "stateMachineVersionArn"),
)


def resource(call: Call) -> str:
    """What a call names by its ARN, or makes under a name."""
    params = call.params
    for member in _ARNS:
        if isinstance(params.get(member), str):
            return str(params[member])
    if "name" in params:
        kind = "activity" if "Activity" in call.operation else "stateMachine"
        return call.arn("states", f"{kind}:{params['name']}")
    return EVERYTHING


def with_role(call: Call) -> Iterator[Ask]:
    """The state machine, and the role it is handed."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("roleArn"), "states.amazonaws.com")


AUTHORIZATION = Authorization(
    "states",
    resource=resource,
    resources=dict.fromkeys(("ListActivities", "ListStateMachines", "ValidateStateMachineDefinition"), everything),
    asks={"CreateStateMachine": with_role, "TestState": with_role, "UpdateStateMachine": with_role},
)
