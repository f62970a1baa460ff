"""Finding things by name, with the service's own errors."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.services.iotanalytics.channel_log import ChannelKey
from kumoi.services.iotanalytics.naming import not_found
from kumoi.services.iotanalytics.records import (
    ChannelRecord,
    DatasetRecord,
    DatastoreRecord,
    PipelineRecord,
    channels,
    datasets,
    datastores,
    pipelines,
)
from kumoi.state import Transaction, transactional


@transactional
async def find_channel(tx: Transaction, name: str) -> ChannelRecord:
    """A channel; ResourceNotFoundException when there is none."""
    found = await channels.get(tx, name)
    if found is None:
        raise not_found("channel", name)
    return found


@transactional
async def find_datastore(tx: Transaction, name: str) -> DatastoreRecord:
    """A data store; ResourceNotFoundException when there is none."""
    found = await datastores.get(tx, name)
    if found is None:
        raise not_found("datastore", name)
    return found


@transactional
async def find_pipeline(tx: Transaction, name: str) -> PipelineRecord:
    """A pipeline; ResourceNotFoundException when there is none."""
    found = await pipelines.get(tx, name)
    if found is None:
        raise not_found("pipeline", name)
    return found


@transactional
async def find_dataset(tx: Transaction, name: str) -> DatasetRecord:
    """A data set; ResourceNotFoundException when there is none."""
    found = await datasets.get(tx, name)
    if found is None:
        raise not_found("dataset", name)
    return found


def channel_key(call: Call, channel: ChannelRecord) -> ChannelKey:
    """Where a channel's messages are found."""
    return ChannelKey(call.account, call.region, channel.name, channel.id)
