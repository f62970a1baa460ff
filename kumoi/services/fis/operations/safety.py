"""The safety lever: one for an account in a region, named `default`."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.fis import fis
from kumoi.services.fis.records import Lever
from kumoi.services.fis.rules import not_found
from kumoi.services.fis.storage import engage, lever_of
from kumoi.wire.errors import aws_error


@fis.operation
async def get_safety_lever(call: Call, id: str) -> dict[str, Any]:
    """The lever."""
    _check(id)
    return _told(call, await lever_of(call.state))


@fis.operation
async def update_safety_lever_state(call: Call, id: str, state: dict[str, str]) -> dict[str, Any]:
    """Engage it, which stops what is under way and keeps all else from starting, or disengage it."""
    _check(id)
    lever = Lever(status=state["status"], reason=state["reason"])
    before = await lever_of(call.state)
    if before.status == lever.status and before.reason != lever.reason:
        raise aws_error("ConflictException", f"The safety lever is {lever.status} already.")
    await engage(call.state, lever)
    return _told(call, lever)


def _check(id: str) -> None:
    if id != "default":
        raise not_found(f"The safety lever {id} does not exist.")


def _told(call: Call, lever: Lever) -> dict[str, Any]:
    return {
        "safetyLever": {
            "id": "default",
            "arn": call.arn("fis", "safety-lever/default"),
            "state": {"status": lever.status, "reason": lever.reason},
        }
    }
