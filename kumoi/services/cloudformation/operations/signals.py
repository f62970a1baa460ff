"""Signals: SignalResource, and the URLs that custom resources and wait handles are answered on."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cloudformation import cloudformation
from kumoi.services.cloudformation.lookup import find_stack, resources_of
from kumoi.services.cloudformation.signals import PLANE, arrive, find_callback
from kumoi.services.cloudformation.wait_conditions import policy_topic
from kumoi.wire.errors import aws_error
from kumoi.wire.http import BodyTooLarge, Response

LONGEST_ANSWER = 4096
"""Bytes of an answer, as AWS has it; those of CDK's providers are held to it, too."""


@cloudformation.data_plane(PLANE)
async def respond(call: Call, path: str, attributes: dict[str, Any]) -> Response:
    """Keep what was sent to a URL; 403 for one that nobody waits on, as a presigned URL that expired."""
    assert call.http is not None
    callback = await find_callback(call.state, path.rpartition("/")[2])
    if callback is None:
        return Response(403, [("Content-Type", "text/plain")], b"AccessDenied: nobody waits for this answer.\n")
    if call.http.method != "PUT":
        return Response(405, [("Allow", "PUT"), ("Content-Type", "text/plain")], b"use PUT\n")
    try:
        body = await call.http.body.read(LONGEST_ANSWER)
    except BodyTooLarge:
        return Response(413, [("Content-Type", "text/plain")], b"the answer is larger than 4096 bytes.\n")
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        return Response(400, [("Content-Type", "text/plain")], b"the answer is no JSON object.\n")
    place = call.doorway.state.at(callback.account, callback.region)
    unique = "answer" if callback.single else str(answer.get("UniqueId") or uuid())
    await arrive(place, callback.topic, unique, body)
    return Response(200)


@cloudformation.operation
async def signal_resource(call: Call, StackName: str, LogicalResourceId: str, UniqueId: str, Status: str) -> None:
    """Tell a resource with a creation policy of a success, or of a failure."""
    stack = await find_stack(call.state, StackName)
    found = next((one for one in await resources_of(call.state, stack.id) if one.name == LogicalResourceId), None)
    if found is None:
        raise aws_error("ValidationError", f"Resource {LogicalResourceId} does not exist for stack {stack.name}")
    if found.status != "CREATE_IN_PROGRESS":
        raise aws_error(
            "ValidationError",
            f"Resource {LogicalResourceId} is in {found.status} state and cannot be signaled",
        )
    body = orjson.dumps({"Status": Status, "Reason": f"{UniqueId} sent it"})
    await arrive(call.state, policy_topic(stack.id, LogicalResourceId), UniqueId, body)
