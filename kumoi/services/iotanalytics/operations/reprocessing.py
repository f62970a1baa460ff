"""Reprocessing: messages that a pipeline has read before pass it once more; what comes out is added to the store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.lookup import find_channel, find_pipeline
from kumoi.services.iotanalytics.naming import invalid
from kumoi.services.iotanalytics.operations.messages import milliseconds
from kumoi.services.iotanalytics.records import Position, Reprocessing, positions, reprocessings
from kumoi.services.iotanalytics.runner import Runner, Stream
from kumoi.services.iotanalytics.storage_rules import service_managed
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@iotanalytics.operation
async def start_pipeline_reprocessing(
    call: Call,
    pipelineName: str,
    startTime: datetime | None = None,
    endTime: datetime | None = None,
    channelMessages: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Have messages of a time (`endTime` is exclusive), or of objects of the channel's bucket, pass once more."""
    paths = (channelMessages or {}).get("s3Paths", [])
    if channelMessages is not None and (startTime is not None or endTime is not None):
        raise invalid("Either a start and an end time or channel messages can be specified, not both.")
    if channelMessages is not None and not paths:
        raise invalid("Channel messages need at least one S3 path.")
    start, end = milliseconds(startTime) or 0, milliseconds(endTime)
    now = int(call.now * 1000) + 1
    end = now if end is None else min(end, now)
    if not paths and endTime is not None and startTime is not None and startTime >= endTime:
        raise invalid("The start time must be before the end time.")
    run = Reprocessing(
        pipeline=pipelineName, id=uuid(), created=call.now, status="RUNNING", start=start, end=end, paths=paths
    )
    await _start(call.state, run)
    call.part(Runner).wake(Stream(call.account, call.region, pipelineName, run.id))
    return {"reprocessingId": run.id}


@iotanalytics.operation
async def cancel_pipeline_reprocessing(call: Call, pipelineName: str, reprocessingId: str) -> None:
    """Stop a reprocessing; what it has added stays."""
    await _cancel(call.state, pipelineName, reprocessingId)


@transactional
async def _start(tx: Transaction, run: Reprocessing) -> None:
    pipeline = await find_pipeline(tx, run.pipeline)
    channel = await find_channel(tx, pipeline.channel)
    if run.paths and service_managed(channel.storage):
        raise invalid("Channel messages can only be specified for a channel with customer-managed storage.")
    for other in await reprocessings.list(tx, run.pipeline):
        same = (other.paths, other.start) == (run.paths, run.start) and (run.paths or other.end == run.end)
        if other.status == "RUNNING" and same:
            raise aws_error(
                "ResourceAlreadyExistsException", "The same messages are being reprocessed.", resourceId=other.id
            )
    await reprocessings.put(tx, run)
    first = (run.start or 0, 0) if not run.paths else (0, 0)
    await positions.put(tx, Position(pipeline.id, run.id, first[0], first[1] - (0 if run.paths else 1)))


@transactional
async def _cancel(tx: Transaction, name: str, run_id: str) -> None:
    await find_pipeline(tx, name)
    run = await reprocessings.get(tx, name, run_id)
    if run is None:
        raise aws_error("ResourceNotFoundException", f"Reprocessing {run_id} of pipeline {name} is not found.")
    if run.status == "RUNNING":
        await reprocessings.put(tx, msgspec.structs.replace(run, status="CANCELLED"))
