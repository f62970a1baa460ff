"""Channels: made, changed, described, listed and deleted."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.iotanalytics import iotanalytics
from kumoi.services.iotanalytics.channel_log import ChannelLog
from kumoi.services.iotanalytics.lookup import channel_key, find_channel
from kumoi.services.iotanalytics.naming import (
    check_retention,
    exists,
    given,
    page,
    read_tags,
    retention_shown,
)
from kumoi.services.iotanalytics.records import ChannelRecord, channel_shapes, channels
from kumoi.services.iotanalytics.retention import set_sweep
from kumoi.services.iotanalytics.storage_rules import read_storage, service_managed
from kumoi.state import Transaction, transactional


@iotanalytics.operation
async def create_channel(
    call: Call,
    channelName: str,
    channelStorage: dict[str, Any] | None = None,
    retentionPeriod: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Make a channel; messages can be put at once."""
    check_retention(retentionPeriod)
    channel = ChannelRecord(
        name=channelName,
        id=uuid(),
        created=call.now,
        updated=call.now,
        tags=read_tags(tags),
        storage=read_storage(channelStorage),
        retention=retentionPeriod,
    )
    await _create(call.state, call, channel)
    return {
        "channelName": channelName,
        "channelArn": call.arn("iotanalytics", f"channel/{channelName}"),
        "retentionPeriod": retention_shown(retentionPeriod),
    }


@iotanalytics.operation
async def update_channel(
    call: Call,
    channelName: str,
    channelStorage: dict[str, Any] | None = None,
    retentionPeriod: dict[str, Any] | None = None,
) -> None:
    """Change a channel's retention period, or its storage for messages to come."""
    check_retention(retentionPeriod)
    await _update(call.state, channelName, read_storage(channelStorage) if channelStorage else None, retentionPeriod)


@iotanalytics.operation
async def describe_channel(call: Call, channelName: str, includeStatistics: bool = False) -> dict[str, Any]:
    """A channel, and how large it is if asked."""
    channel = await find_channel(call.state, channelName)
    log, key = call.part(ChannelLog), channel_key(call, channel)
    last = await log.last(key)
    shown = {
        "name": channel.name,
        "arn": call.arn("iotanalytics", f"channel/{channel.name}"),
        "status": "ACTIVE",
        "storage": channel.storage,
        "retentionPeriod": retention_shown(channel.retention),
        "creationTime": channel.created,
        "lastUpdateTime": channel.updated,
        **given(lastMessageArrivalTime=last and last.time / 1000),
    }
    if not includeStatistics or not service_managed(channel.storage):
        return {"channel": shown}
    size = {"estimatedSizeInBytes": float(await log.size(key)), "estimatedOn": call.now}
    return {"channel": shown, "statistics": {"size": size}}


@iotanalytics.operation
async def list_channels(call: Call, nextToken: str | None = None, maxResults: int | None = None) -> dict[str, Any]:
    """Channels in the order of their names."""
    found, more = page(await _list(call.state), nextToken, maxResults)
    log = call.part(ChannelLog)
    summaries = []
    for channel in found:
        last = await log.last(channel_key(call, channel))
        summaries.append(
            {
                "channelName": channel.name,
                "channelStorage": channel.storage,
                "status": "ACTIVE",
                "creationTime": channel.created,
                "lastUpdateTime": channel.updated,
                **given(lastMessageArrivalTime=last and last.time / 1000),
            }
        )
    return {"channelSummaries": summaries, **more}


@iotanalytics.operation
async def delete_channel(call: Call, channelName: str) -> None:
    """Delete a channel and its messages; pipelines that read it stay, and get nothing more."""
    channel = await _delete(call.state, channelName)
    await call.part(ChannelLog).delete(channel_key(call, channel))


@transactional
async def _create(tx: Transaction, call: Call, channel: ChannelRecord) -> None:
    if await channels.get(tx, channel.name) is not None:
        raise exists(call, "channel", channel.name)
    await channels.put(tx, channel)
    set_sweep(tx, channel.retention)


@transactional
async def _update(tx: Transaction, name: str, storage: dict[str, Any] | None, retention: dict[str, Any] | None) -> None:
    channel = await find_channel(tx, name)
    changed = given(storage=storage, retention=retention)
    await channels.put(tx, msgspec.structs.replace(channel, updated=tx.now, **changed))
    set_sweep(tx, retention)


@transactional
async def _delete(tx: Transaction, name: str) -> ChannelRecord:
    channel = await find_channel(tx, name)
    await channels.delete(tx, name)
    await channel_shapes.delete_all(tx, channel.id)
    return channel


@transactional
async def _list(tx: Transaction) -> list[ChannelRecord]:
    return await channels.list(tx)
