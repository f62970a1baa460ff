"""Jobs and what becomes of them: begun, ended, tried again; what a thing has still to do. Transactions.

A thing does its jobs one after the other: what it has begun first, then what was queued first. Source: developer guide,
"Jobs and job execution states".
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kumoi.names import Arn
from kumoi.services.iot.job_policies import given_up, tries_again
from kumoi.services.iot.job_tallies import PENDING, forget, is_pending, keep, tally_of
from kumoi.services.iot.naming import invalid, not_found
from kumoi.services.iot.operations.policy_attachments import groups_above
from kumoi.services.iot.records import (
    ABORT,
    Execution,
    Job,
    executions,
    job_waiting,
    jobs,
    members,
    thing_groups,
    things,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

SAID_BY_DEVICES = ("IN_PROGRESS", "FAILED", "SUCCEEDED", "REJECTED")
NEXT = "$next"
TIMEOUT = "iot.job.timeout"
MOST_DETAILS, LONGEST_NAME, LONGEST_VALUE = 10, 128, 1024
MOST_MINUTES = 10_080
"""Seven days."""


def invalid_transition(text: str) -> AwsError:
    """InvalidStateTransitionException."""
    return aws_error("InvalidStateTransitionException", text, status=409)


@transactional
async def find_job(tx: Transaction, job_id: str) -> Job:
    """A job; ResourceNotFoundException when there is none."""
    job = await jobs.get(tx, job_id)
    if job is None:
        raise not_found(f"Job {job_id} cannot be found.")
    return job


@transactional
async def find_execution(tx: Transaction, thing: str, job_id: str, number: int | None = None) -> Execution:
    """An execution; ResourceNotFoundException when there is none."""
    found = await executions.get(tx, thing, job_id)
    if found is None or number not in (None, found.number):
        raise not_found(f"Job execution for job {job_id} on thing {thing} cannot be found.")
    return found


@transactional
async def pending(tx: Transaction, thing: str) -> list[Execution]:
    """What a thing has to do, in its order."""
    listed = [one for one in await executions.list(tx, thing) if one.status in PENDING]
    return sorted(listed, key=lambda one: (one.status != "IN_PROGRESS", one.started or one.queued, one.queued, one.job))


@transactional
async def members_below(tx: Transaction, group: str) -> set[str]:
    """The things in a group and in those below it."""
    found = {one.thing for one in await members.list(tx, group)}
    for other in await thing_groups.list(tx):
        if other.name != group and group in await groups_above(tx, other.name):
            found |= {one.thing for one in await members.list(tx, other.name)}
    return found


@transactional
async def things_of(tx: Transaction, targets: Iterable[str]) -> set[str]:
    """The things that targets (ARNs of things and of groups) mean."""
    found: set[str] = set()
    for target in targets:
        try:
            kind, _, name = Arn.parse(target).resource.partition("/")
        except ValueError:
            raise invalid(f"Invalid target {target}") from None
        if kind == "thing" and await things.get(tx, name) is not None:
            found.add(name)
        elif kind == "thinggroup" and await thing_groups.get(tx, name) is not None:
            found |= await members_below(tx, name)
        elif kind in ("thing", "thinggroup"):
            raise not_found(f"Target {target} cannot be found.")
        else:
            raise invalid(f"Invalid target {target}")
    return found


@transactional
async def change(
    tx: Transaction,
    thing: str,
    job_id: str,
    status: str,
    *,
    details: dict[str, str] | None = None,
    expected: int | None = None,
    number: int | None = None,
    forced: bool = False,
    minutes: int | None = None,
) -> Execution:
    """Change an execution's status; the job is completed with its last one. `minutes` is a time-out of its own."""
    before = await find_execution(tx, thing, job_id, number)
    details = {**before.details, **(details or {})}
    _check_said(details, minutes)
    if expected is not None and expected != before.version:
        raise aws_error(
            "VersionConflictException",
            f"The execution has version {before.version}, not {expected}.",
            status=409,
        )
    if before.status not in PENDING:
        raise invalid_transition(f"The execution is {before.status}: it cannot become {status}.")
    job = await find_job(tx, job_id)
    begins = status == "IN_PROGRESS" and before.started is None
    limit = minutes if minutes is not None else job.timeout if begins else None
    due = before.due if limit is None else None if limit < 1 else tx.now + limit * 60
    after = msgspec.structs.replace(
        before,
        status=status,
        updated=tx.now,
        started=before.started or (tx.now if status != "CANCELED" else None),
        version=before.version + 1,
        details=details,
        forced=forced,
        due=due if status == "IN_PROGRESS" else None,
    )
    await keep(tx, before, after)
    if after.due != before.due:
        tx.cancel_timer(TIMEOUT, f"{thing}/{job_id}")
        if after.due is not None:
            tx.timer(after.due, TIMEOUT, key=f"{thing}/{job_id}")
    if status not in PENDING:
        await _ended(tx, job, after)
    return after


async def _ended(tx: Transaction, job: Job, one: Execution) -> None:
    """What follows when an execution has ended: it is tried again, or the job is given up, or completed."""
    if job.status == "IN_PROGRESS" and tries_again(job.retries, one.status, one.retry):
        again = Execution(
            job=one.job, thing=one.thing, queued=tx.now, updated=tx.now, number=one.number + 1, retry=one.retry + 1
        )
        await keep(tx, one, again)
    elif job.status == "IN_PROGRESS" and given_up(job.aborts, (await tally_of(tx, job.id)).counts):
        tx.timer(tx.now, ABORT, key=job.id)
    else:
        await complete(tx, job)


def _check_said(details: dict[str, str], minutes: int | None) -> None:
    """Refuse what devices may not say: messages of MQTT have no model that bounds them."""
    if len(details) > MOST_DETAILS:
        raise invalid(f"The statusDetails have more than {MOST_DETAILS} members.")
    if any(len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE for name, value in details.items()):
        raise invalid(f"Names in statusDetails have at most {LONGEST_NAME} characters, values {LONGEST_VALUE}.")
    if minutes is not None and minutes != -1 and not 1 <= minutes <= MOST_MINUTES:
        raise invalid(f"stepTimeoutInMinutes is -1, or between 1 and {MOST_MINUTES}.")


@transactional
async def start_next(
    tx: Transaction, thing: str, details: dict[str, str] | None, minutes: int | None
) -> Execution | None:
    """Have a thing begin what comes next; None when it has nothing to do."""
    await _find_thing(tx, thing)
    waiting = await pending(tx, thing)
    if not waiting:
        return None
    return await change(tx, thing, waiting[0].job, "IN_PROGRESS", details=details, minutes=minutes)


@transactional
async def _find_thing(tx: Transaction, thing: str) -> None:
    if await things.get(tx, thing) is None:
        raise not_found(f"Thing {thing} not found.")


@transactional
async def todo(tx: Transaction, thing: str) -> list[Execution]:
    """What a thing that there is has to do, in its order."""
    await _find_thing(tx, thing)
    return await pending(tx, thing)


@transactional
async def forget_things(tx: Transaction, thing: str) -> None:
    """Remove the executions of a thing that is deleted."""
    for one in await executions.list(tx, thing):
        await forget(tx, one)
        job = await jobs.get(tx, one.job)
        if job is not None:
            await complete(tx, job)


@transactional
async def complete(tx: Transaction, job: Job) -> None:
    """Have a job be completed once nothing of it is pending; one that is continuous never is."""
    if job.status != "IN_PROGRESS" or job.selection == "CONTINUOUS":
        return
    if await job_waiting.list(tx, job.id, limit=1):
        return
    if not is_pending(await tally_of(tx, job.id)):
        await jobs.put(tx, msgspec.structs.replace(job, status="COMPLETED", completed=tx.now, updated=tx.now))
