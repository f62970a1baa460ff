"""Pipelines: made, changed, described, listed and deleted."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.lake import Cursor
from kumoi.names import uuid
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.chain import chain
from kumoi.services.iotanalytics.channel_log import ChannelLog
from kumoi.services.iotanalytics.lookup import channel_key, find_pipeline
from kumoi.services.iotanalytics.naming import exists, page, read_tags
from kumoi.services.iotanalytics.records import (
    PipelineRecord,
    Place,
    Position,
    Reprocessing,
    channels,
    pipelines,
    places,
    positions,
    reprocessings,
)
from kumoi.services.iotanalytics.runner import LIVE, Runner
from kumoi.state import Transaction, transactional


@iotanalytics.operation
async def create_pipeline(
    call: Call, pipelineName: str, pipelineActivities: list[dict[str, Any]], tags: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Make a pipeline: it works on what comes into its channel from now on."""
    chain(pipelineActivities)
    pipeline = PipelineRecord(
        name=pipelineName,
        id=uuid(),
        created=call.now,
        updated=call.now,
        tags=read_tags(tags),
        activities=pipelineActivities,
    )
    await _create(call.state, call, pipeline, await _newest(call, pipeline.channel))
    return {"pipelineName": pipelineName, "pipelineArn": call.arn("iotanalytics", f"pipeline/{pipelineName}")}


@iotanalytics.operation
async def update_pipeline(call: Call, pipelineName: str, pipelineActivities: list[dict[str, Any]]) -> None:
    """Change a pipeline's activities, for messages that it has not read yet."""
    chain(pipelineActivities)
    given = PipelineRecord(name="", id="", created=0, updated=0, activities=pipelineActivities)
    await _update(call.state, call, pipelineName, pipelineActivities, await _newest(call, given.channel))


@iotanalytics.operation
async def describe_pipeline(call: Call, pipelineName: str) -> dict[str, Any]:
    """A pipeline and its reprocessings."""
    pipeline, runs = await _with_runs(call.state, pipelineName)
    return {
        "pipeline": {
            "name": pipeline.name,
            "arn": call.arn("iotanalytics", f"pipeline/{pipeline.name}"),
            "activities": pipeline.activities,
            "reprocessingSummaries": [_run_shown(one) for one in runs],
            "creationTime": pipeline.created,
            "lastUpdateTime": pipeline.updated,
        }
    }


@iotanalytics.operation
async def list_pipelines(call: Call, nextToken: str | None = None, maxResults: int | None = None) -> dict[str, Any]:
    """Pipelines in the order of their names."""
    found, more = page(await _list(call.state), nextToken, maxResults)
    summaries = []
    for pipeline in found:
        _, runs = await _with_runs(call.state, pipeline.name)
        summaries.append(
            {
                "pipelineName": pipeline.name,
                "reprocessingSummaries": [_run_shown(one) for one in runs],
                "creationTime": pipeline.created,
                "lastUpdateTime": pipeline.updated,
            }
        )
    return {"pipelineSummaries": summaries, **more}


@iotanalytics.operation
async def delete_pipeline(call: Call, pipelineName: str) -> None:
    """Delete a pipeline; what it has stored stays."""
    await _delete(call.state, call, pipelineName)


async def _newest(call: Call, channel_name: str) -> Cursor:
    channel = await call.state.run(channels.get, channel_name)
    last = None if channel is None else await call.part(ChannelLog).last(channel_key(call, channel))
    return last or Cursor(0, 0)


def _run_shown(run: Reprocessing) -> dict[str, Any]:
    return {"id": run.id, "status": run.status, "creationTime": run.created}


@transactional
async def _create(tx: Transaction, call: Call, pipeline: PipelineRecord, place: Cursor) -> None:
    if await pipelines.get(tx, pipeline.name) is not None:
        raise exists(call, "pipeline", pipeline.name)
    await pipelines.put(tx, pipeline)
    await positions.put(tx, Position(pipeline.id, LIVE, place.time, place.seq))
    await places.put(tx, Place(tx.account, tx.region))
    runner = call.part(Runner)
    tx.on_commit(lambda: runner.changed(call.account, call.region))


@transactional
async def _update(tx: Transaction, call: Call, name: str, activities: list[dict[str, Any]], place: Cursor) -> None:
    before = await find_pipeline(tx, name)
    pipeline = msgspec.structs.replace(before, updated=tx.now, activities=activities)
    await pipelines.put(tx, pipeline)
    if pipeline.channel != before.channel:
        await positions.put(tx, Position(pipeline.id, LIVE, place.time, place.seq))
    runner = call.part(Runner)
    tx.on_commit(lambda: runner.changed(call.account, call.region))


@transactional
async def _delete(tx: Transaction, call: Call, name: str) -> None:
    pipeline = await find_pipeline(tx, name)
    await pipelines.delete(tx, name)
    await positions.delete_all(tx, pipeline.id)
    await reprocessings.delete_all(tx, name)
    runner = call.part(Runner)
    tx.on_commit(lambda: runner.changed(call.account, call.region))


@transactional
async def _list(tx: Transaction) -> list[PipelineRecord]:
    return await pipelines.list(tx)


@transactional
async def _with_runs(tx: Transaction, name: str) -> tuple[PipelineRecord, list[Reprocessing]]:
    pipeline = await find_pipeline(tx, name)
    runs = await reprocessings.list(tx, name)
    return pipeline, sorted(runs, key=lambda run: run.created)
