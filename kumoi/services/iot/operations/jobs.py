"""Jobs: made for things and groups, cancelled, deleted."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.job_notices import tell
from kumoi.services.iot.job_policies import check
from kumoi.services.iot.job_rollouts import abort, cancel, queue, roll_out
from kumoi.services.iot.job_rules import find_job, invalid_transition, things_of
from kumoi.services.iot.job_tallies import PENDING, counted, executions_of, tally_of
from kumoi.services.iot.naming import given, invalid, page
from kumoi.services.iot.records import (
    Job,
    Tags,
    Tally,
    executions,
    job_tallies,
    job_things,
    job_waiting,
    jobs,
    rolling,
    tagged,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_DOCUMENT = 32_768
_BUCKET_HOST = re.compile(r"(.+)\.s3[.-].*|(.+)\.s3")


@iot.operation
async def create_job(
    call: Call,
    jobId: str,
    targets: list[str],
    documentSource: str | None = None,
    document: str | None = None,
    description: str | None = None,
    targetSelection: str = "SNAPSHOT",
    timeoutConfig: dict[str, Any] | None = None,
    jobExecutionsRolloutConfig: dict[str, Any] | None = None,
    jobExecutionsRetryConfig: dict[str, Any] | None = None,
    abortConfig: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Have things do something; those of groups that come later, too, where the selection is CONTINUOUS."""
    if (document is None) is (documentSource is None):
        raise invalid("Exactly one of document and documentSource is required.")
    text = document if document is not None else await _fetched(call, documentSource or "")
    _check(text)
    retries, aborts = _criteria(jobExecutionsRetryConfig), _criteria(abortConfig)
    check(jobExecutionsRolloutConfig, retries, aborts)
    job = Job(
        id=jobId,
        created=call.now,
        updated=call.now,
        targets=tuple(targets),
        document=text,
        source=documentSource,
        description=description,
        selection=targetSelection,
        timeout=(timeoutConfig or {}).get("inProgressTimeoutInMinutes"),
        rollout=jobExecutionsRolloutConfig or None,
        retries=retries,
        aborts=aborts,
    )
    arn = call.arn("iot", f"job/{jobId}")
    queued = await _create(call.state, job, arn, {one["Key"]: one.get("Value", "") for one in tags or ()})
    await tell(call, queued)
    return _answer(call, job)


@iot.operation
async def describe_job(call: Call, jobId: str) -> dict[str, Any]:
    """A job, and how far its things are."""
    job, tally = await _with_tally(call.state, jobId)
    shown = {
        "jobArn": call.arn("iot", f"job/{job.id}"),
        "jobId": job.id,
        "targetSelection": job.selection,
        "status": job.status,
        "targets": list(job.targets),
        "createdAt": job.created,
        "lastUpdatedAt": job.updated,
        "jobProcessDetails": counted(tally),
        **given(
            description=job.description,
            completedAt=job.completed,
            reasonCode=job.reason,
            comment=job.comment,
            forceCanceled=job.forced or None,
            timeoutConfig=None if job.timeout is None else {"inProgressTimeoutInMinutes": job.timeout},
            jobExecutionsRolloutConfig=job.rollout,
            jobExecutionsRetryConfig={"criteriaList": job.retries} if job.retries else None,
            abortConfig={"criteriaList": job.aborts} if job.aborts else None,
        ),
    }
    return {"job": shown, **given(documentSource=job.source)}


@iot.operation
async def get_job_document(call: Call, jobId: str) -> dict[str, Any]:
    """What things are to do, as it was given."""
    return {"document": (await find_job(call.state, jobId)).document}


@iot.operation
async def list_jobs(
    call: Call,
    status: str | None = None,
    targetSelection: str | None = None,
    maxResults: int | None = None,
    nextToken: str | None = None,
    thingGroupName: str | None = None,
) -> dict[str, Any]:
    """Jobs by their ids, those in a state, of a selection, or of a group."""
    target = None if thingGroupName is None else call.arn("iot", f"thinggroup/{thingGroupName}")
    listed = [
        job
        for job in await _list(call.state)
        if status in (None, job.status)
        and targetSelection in (None, job.selection)
        and (target is None or target in job.targets)
    ]
    found, more = page(listed, lambda job: job.id, nextToken, maxResults)
    shown = [
        {
            "jobArn": call.arn("iot", f"job/{job.id}"),
            "jobId": job.id,
            "targetSelection": job.selection,
            "status": job.status,
            "createdAt": job.created,
            "lastUpdatedAt": job.updated,
            **given(completedAt=job.completed),
        }
        for job in found
    ]
    return {"jobs": shown, **more}


@iot.operation
async def update_job(
    call: Call,
    jobId: str,
    description: str | None = None,
    timeoutConfig: dict[str, Any] | None = None,
    jobExecutionsRolloutConfig: dict[str, Any] | None = None,
    jobExecutionsRetryConfig: dict[str, Any] | None = None,
    abortConfig: dict[str, Any] | None = None,
) -> None:
    """Change what is given of a job; a time-out counts for what begins from now on."""
    retries, aborts = _criteria(jobExecutionsRetryConfig), _criteria(abortConfig)
    check(jobExecutionsRolloutConfig, retries, aborts)
    changes = given(
        description=description,
        timeout=(timeoutConfig or {}).get("inProgressTimeoutInMinutes"),
        rollout=jobExecutionsRolloutConfig or None,
        retries=retries or None,
        aborts=aborts or None,
    )
    await _update(call.state, jobId, changes)


@iot.operation
async def roll_out_job(call: Call, jobId: str) -> None:
    """Reach the next things of a job (no operation of AWS's API: the platform's timer asks for it)."""
    await tell(call, await roll_out(call.state, jobId))


@iot.operation
async def abort_job(call: Call, jobId: str) -> None:
    """Cancel a job of which too much fails (no operation of AWS's API: the platform's timer asks for it)."""
    await tell(call, await abort(call.state, jobId))


@iot.operation
async def associate_targets_with_job(
    call: Call, jobId: str, targets: list[str], comment: str | None = None
) -> dict[str, Any]:
    """Add groups to a job whose selection is CONTINUOUS."""
    job, queued = await _associate(call.state, jobId, targets, comment)
    await tell(call, queued)
    return _answer(call, job)


@iot.operation
async def cancel_job(
    call: Call, jobId: str, reasonCode: str | None = None, comment: str | None = None, force: bool = False
) -> dict[str, Any]:
    """Cancel what things have not begun; `force`: what they have, too."""
    job, cancelled = await cancel(call.state, jobId, reasonCode, comment, force)
    await tell(call, cancelled)
    return _answer(call, job)


@iot.operation
async def delete_job(call: Call, jobId: str, force: bool = False) -> None:
    """Delete a job and its executions; one that is in progress with `force` alone."""
    pending = await _delete(call.state, jobId, force, call.arn("iot", f"job/{jobId}"))
    await tell(call, pending)


def _answer(call: Call, job: Job) -> dict[str, Any]:
    return {
        "jobArn": call.arn("iot", f"job/{job.id}"),
        "jobId": job.id,
        **given(description=job.description),
    }


def _criteria(config: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [] if config is None else list(config["criteriaList"])


def _check(document: str) -> None:
    try:
        orjson.loads(document)
    except orjson.JSONDecodeError:
        raise invalid("The job document is not valid JSON.") from None
    if len(document.encode()) > MOST_DOCUMENT:
        raise invalid(f"The job document is larger than {MOST_DOCUMENT} bytes.")


async def _fetched(call: Call, source: str) -> str:
    """The document in S3 that an https: address names, the bucket in its host or in its path."""
    address = urlsplit(source)
    host, path = address.hostname or "", unquote(address.path).lstrip("/")
    named = _BUCKET_HOST.fullmatch(host)
    bucket, _, key = path.partition("/") if named is None else (named[1] or named[2], "", path)
    if address.scheme != "https" or not bucket or not key or "s3" not in host:
        raise invalid("documentSource must be an S3 link, https://s3.amazonaws.com/bucket/key.")
    answer = await call.to("s3", "GetObject", Bucket=bucket, Key=key)
    if answer["ContentLength"] > MOST_DOCUMENT:
        raise invalid(f"The job document is larger than {MOST_DOCUMENT} bytes.")
    body = answer["Body"]
    content = bytes(body) if isinstance(body, bytes | bytearray) else b"".join([bytes(one) async for one in body])
    return content.decode(errors="replace")


@transactional
async def _create(tx: Transaction, job: Job, arn: str, tags: dict[str, str]) -> list[str]:
    if await jobs.get(tx, job.id) is not None:
        raise aws_error(
            "ResourceAlreadyExistsException", f"Job {job.id} already exists.", resourceId=job.id, resourceArn=arn
        )
    names = await things_of(tx, job.targets)
    if job.selection == "SNAPSHOT" and not names:
        job = msgspec.structs.replace(job, status="COMPLETED", completed=tx.now)
    await jobs.put(tx, job)
    if tags:
        await tagged.put(tx, Tags(arn, tags))
    return await queue(tx, job, names)


@transactional
async def _with_tally(tx: Transaction, job_id: str) -> tuple[Job, Tally]:
    return await find_job(tx, job_id), await tally_of(tx, job_id)


@transactional
async def _list(tx: Transaction) -> list[Job]:
    return await jobs.list(tx)


@transactional
async def _update(tx: Transaction, job_id: str, changes: dict[str, Any]) -> None:
    job = await find_job(tx, job_id)
    if "rollout" in changes and job.rollout is None:
        raise invalid(f"Job {job_id} has no rollout that could be changed.")
    await jobs.put(tx, msgspec.structs.replace(job, updated=tx.now, **changes))


@transactional
async def _associate(tx: Transaction, job_id: str, targets: list[str], comment: str | None) -> tuple[Job, list[str]]:
    job = await find_job(tx, job_id)
    if job.selection != "CONTINUOUS" or job.status != "IN_PROGRESS":
        raise invalid("Targets can be added to a continuous job that is in progress.")
    names = await things_of(tx, targets)
    merged = tuple(dict.fromkeys((*job.targets, *targets)))
    job = msgspec.structs.replace(job, targets=merged, comment=comment or job.comment, updated=tx.now)
    await jobs.put(tx, job)
    return job, await queue(tx, job, names)


@transactional
async def _delete(tx: Transaction, job_id: str, force: bool, arn: str) -> list[str]:
    job = await find_job(tx, job_id)
    if job.status == "IN_PROGRESS" and not force:
        raise invalid_transition(f"Job {job_id} is in progress: cancel it, or delete it with force.")
    listed = await executions_of(tx, job_id)
    for one in listed:
        await executions.delete(tx, one.thing, job_id)
    await job_things.delete_all(tx, job_id)
    await job_tallies.delete(tx, job_id)
    await job_waiting.delete_all(tx, job_id)
    await rolling.delete(tx, job_id)
    await jobs.delete(tx, job_id)
    await tagged.delete(tx, arn)
    return [one.thing for one in listed if one.status in PENDING]
