"""Targets, policies and activities in the key space."""

from __future__ import annotations

from typing import Any, Literal

from kumoi.names import uuid
from kumoi.services.application_autoscaling.errors import no_object, not_registered
from kumoi.services.application_autoscaling.records import (
    Activity,
    Dimensioned,
    Policy,
    Target,
    activities,
    policies,
    targets,
)
from kumoi.state import Transaction, transactional

KEPT = 42 * 86_400.0
"""For how many seconds activities are kept: six weeks."""
_DROPPED_AT_ONCE = 10


@transactional
async def find_target(tx: Transaction, of: Dimensioned) -> Target | None:
    """A scalable target, or None."""
    return await targets.get(tx, *of)


async def registered(tx: Transaction, of: Dimensioned) -> Target:
    """A scalable target that has to be there; ObjectNotFoundException."""
    found = await targets.get(tx, *of)
    if found is None:
        raise not_registered(of)
    return found


@transactional
async def find_policy(tx: Transaction, of: Dimensioned, name: str) -> Policy:
    """A policy; ObjectNotFoundException."""
    found = await policies.get(tx, *of, name)
    if found is None:
        raise no_object("scaling policy", of, name)
    return found


@transactional
async def policies_of(tx: Transaction, of: Dimensioned) -> list[Policy]:
    """The policies of a target, by name."""
    return await policies.list(tx, *of)


@transactional
async def note(
    tx: Transaction,
    of: Dimensioned,
    description: str,
    cause: str,
    *,
    start: float,
    status: Literal["Successful", "Failed"] = "Successful",
    message: str = "",
    reason: dict[str, Any] | None = None,
) -> Activity | None:
    """Keep an activity, and drop what is too old. That nothing was scaled, for the same reason as before, is not kept
    again: None."""
    known = await activities.list(tx, *of, limit=1, reverse=True)
    if reason is not None and known and (known[0].reason or {}).get("Code") == reason["Code"]:
        return None
    activity = Activity(
        namespace=of.namespace,
        resource=of.resource,
        dimension=of.dimension,
        number=known[0].number + 1 if known else 1,
        id=uuid(),
        description=description,
        cause=cause,
        start=start,
        status=status,
        message=message,
        reason=reason,
    )
    await activities.put(tx, activity)
    for old in await activities.list(tx, *of, limit=_DROPPED_AT_ONCE):
        if old.start < tx.now - KEPT:
            await activities.delete(tx, *of, old.number)
    return activity
