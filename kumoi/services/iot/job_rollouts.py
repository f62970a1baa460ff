"""Jobs reach their things: at once, or some each minute. Transactions.

What is still to be told waits (`job_waiting`) and a timer of the platform's clock takes the next ones each minute. A
thing that tries again, and a job that is given up, follow from what things say (`job_rules.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kumoi.services.iot.job_policies import given_up, rate
from kumoi.services.iot.job_rules import change, complete, find_job
from kumoi.services.iot.job_tallies import PENDING, executions_of, keep, tally_of
from kumoi.services.iot.naming import invalid
from kumoi.services.iot.operations.policy_attachments import groups_above
from kumoi.services.iot.records import (
    ROLL_OUT,
    Execution,
    Job,
    Member,
    Rolling,
    executions,
    job_waiting,
    jobs,
    rolling,
    things,
)
from kumoi.state import Transaction, transactional

MINUTE = 60.0


@transactional
async def queue(tx: Transaction, job: Job, names: Iterable[str]) -> list[str]:
    """Queue a job for things that do not have it; which those are. One that is rolled out reaches them later."""
    if job.rollout is None:
        return [name for name in sorted(names) if await _queue(tx, job, name)]
    for name in names:
        if await executions.get(tx, name, job.id) is None:
            await job_waiting.put(tx, Member(job.id, name))
    if await rolling.get(tx, job.id) is None:
        await _next(tx, job, tx.now)
    return []


@transactional
async def join(tx: Transaction, thing: str, groups: Iterable[str]) -> bool:
    """Queue the continuous jobs of groups for a thing that has come into them; whether it has more to do now."""
    above = {name for group in groups for name in await groups_above(tx, group)}
    found = False
    for job in await jobs.list(tx):
        if job.selection == "CONTINUOUS" and job.status == "IN_PROGRESS":
            meant = {target.rpartition("thinggroup/")[2] for target in job.targets}
            if meant & above and await queue(tx, job, [thing]):
                found = True
    return found


@transactional
async def roll_out(tx: Transaction, job_id: str) -> list[str]:
    """Queue a job for those that come next, when their minute has come; which those are."""
    job, at = await jobs.get(tx, job_id), await rolling.get(tx, job_id)
    if at is None or at.due > tx.now:
        return []
    await rolling.delete(tx, job_id)
    if job is None or job.status != "IN_PROGRESS":
        await job_waiting.delete_all(tx, job_id)
        return []
    tally = await tally_of(tx, job_id)
    most = rate(job.rollout or {}, tally.total, tally.counts.get("SUCCEEDED", 0))
    queued: list[str] = []
    while waiting := await job_waiting.list(tx, job_id, limit=most - len(queued)):
        for one in waiting:
            await job_waiting.delete(tx, job_id, one.thing)
            if await things.get(tx, one.thing) is not None and await _queue(tx, job, one.thing):
                queued.append(one.thing)
        if len(queued) == most:
            break
    if queued:
        await _next(tx, job, tx.now + MINUTE)
    else:  # the last ones that waited are things no longer
        await complete(tx, job)
    return queued


@transactional
async def cancel(
    tx: Transaction, job_id: str, reason: str | None, comment: str | None, force: bool
) -> tuple[Job, list[str]]:
    """Cancel what things have not begun, `force`: what they have, too; the job, and the things that this concerns."""
    job = await find_job(tx, job_id)
    if job.status != "IN_PROGRESS":
        raise invalid(f"Job {job_id} is {job.status}: it cannot be cancelled.")
    job = msgspec.structs.replace(
        job, status="CANCELED", reason=reason, comment=comment, forced=force, completed=tx.now, updated=tx.now
    )
    await jobs.put(tx, job)
    await job_waiting.delete_all(tx, job_id)
    cancelled = []
    for one in await executions_of(tx, job_id):
        if one.status == "QUEUED" or (force and one.status in PENDING):
            await change(tx, one.thing, job_id, "CANCELED", forced=force)
            cancelled.append(one.thing)
    return job, cancelled


@transactional
async def abort(tx: Transaction, job_id: str) -> list[str]:
    """Cancel a job of which too much fails; the things that this concerns."""
    job = await jobs.get(tx, job_id)
    if job is None or job.status != "IN_PROGRESS":
        return []
    if not given_up(job.aborts, (await tally_of(tx, job_id)).counts):
        return []
    _, cancelled = await cancel(tx, job_id, None, "The criteria of its abortConfig were met.", False)
    return cancelled


async def _queue(tx: Transaction, job: Job, name: str) -> bool:
    if await executions.get(tx, name, job.id) is not None:
        return False
    await keep(tx, None, Execution(job=job.id, thing=name, queued=tx.now, updated=tx.now))
    return True


async def _next(tx: Transaction, job: Job, due: float) -> None:
    await rolling.put(tx, Rolling(job.id, due))
    tx.timer(due, ROLL_OUT, key=job.id)
