"""Deleting parameters."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.ssm import ssm
from kumoi.services.ssm.naming import Reference
from kumoi.services.ssm.notices import Notices
from kumoi.services.ssm.store import find, not_found, reference_of, remove
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


@ssm.operation
async def delete_parameter(call: Call, Name: str) -> None:
    """Delete a parameter with all its versions."""
    if not await _delete(call.state, reference_of(call, Name), call.part(Notices)):
        raise not_found()


@ssm.operation
async def delete_parameters(call: Call, Names: list[str]) -> dict[str, Any]:
    """Delete up to ten parameters; the names of those that are not there."""
    deleted: list[str] = []
    missing: list[str] = []
    for name in dict.fromkeys(Names):
        try:
            gone = await _delete(call.state, reference_of(call, name), call.part(Notices))
        except AwsError:
            gone = False
        (deleted if gone else missing).append(name)
    return {"DeletedParameters": deleted, "InvalidParameters": missing}


@transactional
async def _delete(tx: Transaction, reference: Reference, notices: Notices) -> bool:
    found = None if reference.selector else await find(tx, reference)
    if found is None:
        return False
    await remove(tx, found, notices)
    return True
