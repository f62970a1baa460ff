"""Streams: create, describe, list, delete."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.errors import invalid
from kumoi.services.kinesis.limits import ON_DEMAND_STREAMS, check_shards, check_streams, shard_limit
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.lookup import find_stream
from kumoi.services.kinesis.operations.shards import told_shard
from kumoi.services.kinesis.operations.tags import check_tags
from kumoi.services.kinesis.records import Stream, consumers, policies, streams
from kumoi.services.kinesis.resharding import first_shards
from kumoi.services.kinesis.store import wake
from kumoi.services.kinesis.trimming import erase_later, trim_later
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

ON_DEMAND_SHARDS = 4
MOST_SHARDS_TOLD = 100


@kinesis.operation
async def create_stream(
    call: Call,
    StreamName: str,
    ShardCount: int | None = None,
    StreamModeDetails: dict[str, str] | None = None,
    Tags: dict[str, str] | None = None,
    WarmThroughputMiBps: int | None = None,
    MaxRecordSizeInKiB: int | None = None,
    RecordDistributionStrategy: str | None = None,
) -> None:
    """Create a stream: provisioned with ShardCount shards, or on demand where neither shards nor a mode are told."""
    on_demand = (StreamModeDetails or {}).get("StreamMode", "PROVISIONED" if ShardCount else "ON_DEMAND") == "ON_DEMAND"
    if on_demand and ShardCount is not None:
        raise aws_error("ValidationException", "ShardCount must not be specified for a stream in On-Demand mode.")
    if not on_demand and ShardCount is None:
        raise invalid("ShardCount must be specified for a stream in Provisioned mode.")
    if WarmThroughputMiBps is not None and not on_demand:
        raise invalid("WarmThroughputMiBps can only be specified for a stream in On-Demand mode.")
    check_tags(StreamName, call.account, {}, Tags or {})
    if ShardCount is not None and ShardCount > shard_limit(call.region):
        await call.state.run(check_shards, ShardCount)  # before so many are made
    now = int(call.now * 1000)
    shards = first_shards(ShardCount or ON_DEMAND_SHARDS, now)
    stream = Stream(
        name=StreamName,
        id=hex_id(16),
        account=call.account,
        region=call.region,
        created=now,
        shards=shards,
        next_shard=len(shards),
        on_demand=on_demand,
        largest_kib=MaxRecordSizeInKiB or 1024,
        warm_mibps=WarmThroughputMiBps,
        distribution=RecordDistributionStrategy,
        tags=Tags or {},
    )
    await _create(call.state, stream)


@transactional
async def _create(tx: Transaction, stream: Stream) -> None:
    if await streams.get(tx, stream.name) is not None:
        raise aws_error("ResourceInUseException", f"Stream {stream.name} under account {tx.account} already exists.")
    await (check_streams(tx) if stream.on_demand else check_shards(tx, len(stream.shards)))
    await streams.put(tx, stream)
    trim_later(tx, stream)


@kinesis.operation
async def delete_stream(
    call: Call,
    StreamName: str | None = None,
    EnforceConsumerDeletion: bool = False,
    StreamARN: str | None = None,
) -> None:
    """Delete a stream with its records; with registered consumers only where EnforceConsumerDeletion says so."""
    name = _name(call, StreamName, StreamARN)
    await _delete(name.state(call), name, EnforceConsumerDeletion)


@transactional
async def _delete(tx: Transaction, name: Name, enforce: bool) -> None:
    stream = await name.get(tx)
    registered = await consumers.list(tx, stream.id)
    if registered and not enforce:
        raise aws_error(
            "ResourceInUseException",
            f"Stream {stream.name} under account {tx.account} has registered consumers. "
            "Deregister them, or set EnforceConsumerDeletion.",
        )
    await streams.delete(tx, stream.name)
    await consumers.delete_all(tx, stream.id)
    for arn in (stream.arn, *(one.arn(stream) for one in registered)):
        await policies.delete(tx, arn)
    erase_later(tx, stream)
    for shard in stream.shards:
        wake(tx, stream, shard.number)


@kinesis.operation
async def describe_stream(
    call: Call,
    StreamName: str | None = None,
    Limit: int = MOST_SHARDS_TOLD,
    ExclusiveStartShardId: str | None = None,
    StreamARN: str | None = None,
) -> dict[str, Any]:
    """A stream with its shards, a hundred at a time."""
    name = _name(call, StreamName, StreamARN)
    stream = await find_stream(name.state(call), name)
    shards = [one for one in stream.shards if ExclusiveStartShardId is None or one.id > ExclusiveStartShardId]
    page = shards[: min(Limit, MOST_SHARDS_TOLD)]
    told = _described(stream)
    told |= {"Shards": [told_shard(one) for one in page], "HasMoreShards": len(shards) > len(page)}
    return {"StreamDescription": told}


@kinesis.operation
async def describe_stream_summary(
    call: Call, StreamName: str | None = None, StreamARN: str | None = None
) -> dict[str, Any]:
    """A stream without its shards."""
    name = _name(call, StreamName, StreamARN)
    stream, registered = await _with_consumers(name.state(call), name)
    told = _described(stream)
    told |= {
        "OpenShardCount": len(stream.open),
        "ConsumerCount": registered,
        "MaxRecordSizeInKiB": stream.largest_kib,
        "RecordDistributionStrategy": stream.distribution,
    }
    if stream.warm_mibps is not None:
        told["WarmThroughput"] = {"TargetMiBps": stream.warm_mibps, "CurrentMiBps": stream.warm_mibps}
    return {"StreamDescriptionSummary": told}


@transactional
async def _with_consumers(tx: Transaction, name: Name) -> tuple[Stream, int]:
    stream = await name.get(tx)
    return stream, len(await consumers.list(tx, stream.id))


@kinesis.operation
async def list_streams(
    call: Call, Limit: int = 100, ExclusiveStartStreamName: str | None = None, NextToken: str | None = None
) -> dict[str, Any]:
    """Streams by name, a page at a time; the token is the last name of a page."""
    found = await _list(call.state, ExclusiveStartStreamName or NextToken, Limit + 1)
    page = found[:Limit]
    answer: dict[str, Any] = {
        "StreamNames": [stream.name for stream in page],
        "HasMoreStreams": len(found) > Limit,
        "StreamSummaries": [
            {
                "StreamName": stream.name,
                "StreamARN": stream.arn,
                "StreamStatus": "ACTIVE",
                "StreamModeDetails": told_mode(stream),
                "StreamCreationTimestamp": stream.created / 1000,
            }
            for stream in page
        ],
    }
    if len(found) > Limit:
        answer["NextToken"] = page[-1].name
    return answer


@transactional
async def _list(tx: Transaction, after: str | None, limit: int) -> list[Stream]:
    return await streams.list(tx, after=None if after is None else (after,), limit=limit)


@kinesis.operation
async def describe_limits(call: Call) -> dict[str, Any]:
    """How many shards and on-demand streams the account may have, and has."""
    found = await _list(call.state, None, 1_000_000)
    return {
        "ShardLimit": shard_limit(call.region),
        "OpenShardCount": sum(len(stream.open) for stream in found if not stream.on_demand),
        "OnDemandStreamCount": sum(stream.on_demand for stream in found),
        "OnDemandStreamCountLimit": ON_DEMAND_STREAMS,
    }


def told_mode(stream: Stream) -> dict[str, str]:
    """A stream's mode as the API has it."""
    return {"StreamMode": "ON_DEMAND" if stream.on_demand else "PROVISIONED"}


def _name(call: Call, name: str | None, arn: str | None) -> Name:
    return Name.of(call, name, arn)


def _described(stream: Stream) -> dict[str, Any]:
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": told_mode(stream),
        "RetentionPeriodHours": stream.retention,
        "StreamCreationTimestamp": stream.created / 1000,
        "EnhancedMonitoring": [{"ShardLevelMetrics": list(stream.metrics)}],
        "EncryptionType": "KMS" if stream.key else "NONE",
        "KeyId": stream.key,
    }
