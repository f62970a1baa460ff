"""Which permissions the calls of EventBridge Pipes need: on a pipe, and to hand it its role.

Source: "Actions, resources, and condition keys for Amazon EventBridge Pipes" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role


def pipe(call: Call) -> str:
    """The pipe that a call names."""
    params = call.params
    if isinstance(params.get("resourceArn"), str):
        return str(params["resourceArn"])
    return call.arn("pipes", f"pipe/{params['Name']}") if "Name" in params else EVERYTHING


def with_role(call: Call) -> Iterator[Ask]:
    """The pipe, and the role it is handed."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("RoleArn"), "pipes.amazonaws.com")


AUTHORIZATION = Authorization(
    "pipes",
    resource=pipe,
    resources={"ListPipes": everything},
    asks={"CreatePipe": with_role, "UpdatePipe": with_role},
)
