"""Executions as they are kept, and how many of a job are in which state, counted as they are written.

Each minute of a rollout, each execution that ends and DescribeJob ask for these numbers: to count executions for them
would take as long for each thing as there are things. Transactions.
"""

from __future__ import annotations

from typing import Any

from kumoi.services.iot.records import Execution, Member, Tally, executions, job_tallies, job_things
from kumoi.state import Transaction, transactional

PENDING = ("QUEUED", "IN_PROGRESS")
_NAMES = {
    "CANCELED": "Canceled",
    "SUCCEEDED": "Succeeded",
    "FAILED": "Failed",
    "REJECTED": "Rejected",
    "QUEUED": "Queued",
    "IN_PROGRESS": "InProgress",
    "REMOVED": "Removed",
    "TIMED_OUT": "TimedOut",
}


@transactional
async def tally_of(tx: Transaction, job_id: str) -> Tally:
    """How many executions of a job are in which state."""
    found = await job_tallies.get(tx, job_id)
    if found is None:  # none has been written since tallies are kept
        found = Tally(job_id, {})
        for one in await executions_of(tx, job_id):
            found = found.changed(None, one.status)
    return found


@transactional
async def executions_of(tx: Transaction, job_id: str) -> list[Execution]:
    """The executions of a job."""
    listed = [await executions.get(tx, one.thing, job_id) for one in await job_things.list(tx, job_id)]
    return [one for one in listed if one is not None]


@transactional
async def keep(tx: Transaction, before: Execution | None, after: Execution) -> None:
    """Write an execution in place of another, or as a new one."""
    await _count(tx, after.job, None if before is None else before.status, after.status)
    await executions.put(tx, after)
    if before is None:
        await job_things.put(tx, Member(after.job, after.thing))


@transactional
async def forget(tx: Transaction, one: Execution) -> None:
    """Remove an execution."""
    await _count(tx, one.job, one.status, None)
    await executions.delete(tx, one.thing, one.job)
    await job_things.delete(tx, one.job, one.thing)


async def _count(tx: Transaction, job_id: str, before: str | None, after: str | None) -> None:
    tally = await tally_of(tx, job_id)
    if before != after:
        await job_tallies.put(tx, tally.changed(before, after))


def counted(tally: Tally) -> dict[str, Any]:
    """How many executions are in which state, as DescribeJob tells it."""
    return {f"numberOf{name}Things": tally.counts.get(status, 0) for status, name in _NAMES.items()}


def is_pending(tally: Tally) -> bool:
    """Whether something is still to be done."""
    return any(tally.counts.get(status) for status in PENDING)
