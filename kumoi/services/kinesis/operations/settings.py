"""What of a stream can be changed: retention, mode, encryption, monitoring, the largest record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.errors import invalid
from kumoi.services.kinesis.limits import check_shards, check_streams
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.records import Stream, streams
from kumoi.state import Transaction, transactional

SHORTEST_RETENTION, LONGEST_RETENTION = 24, 8760
_METRICS = (
    *("IncomingBytes", "IncomingRecords", "IteratorAgeMilliseconds", "OutgoingBytes", "OutgoingRecords"),
    *("ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded"),
)
Change = Callable[[Stream], dict[str, Any]]


@kinesis.operation
async def increase_stream_retention_period(
    call: Call, RetentionPeriodHours: int, StreamName: str | None = None, StreamARN: str | None = None
) -> None:
    """Keep records longer; those dropped already stay so."""

    def change(stream: Stream) -> dict[str, Any]:
        if stream.retention > RetentionPeriodHours:
            raise _not_so(stream, RetentionPeriodHours, "shorter", "DecreaseRetentionPeriod")
        return {"retention": RetentionPeriodHours}

    _check_retention(RetentionPeriodHours)
    await _apply(call, Name.of(call, StreamName, StreamARN), change)


@kinesis.operation
async def decrease_stream_retention_period(
    call: Call, RetentionPeriodHours: int, StreamName: str | None = None, StreamARN: str | None = None
) -> None:
    """Keep records for a shorter time; older ones are not told any more at once."""

    def change(stream: Stream) -> dict[str, Any]:
        if stream.retention < RetentionPeriodHours:
            raise _not_so(stream, RetentionPeriodHours, "longer", "IncreaseRetentionPeriod")
        return {"retention": RetentionPeriodHours}

    _check_retention(RetentionPeriodHours)
    await _apply(call, Name.of(call, StreamName, StreamARN), change)


def _check_retention(hours: int) -> None:
    if hours < SHORTEST_RETENTION:
        raise invalid(
            f"Minimum allowed retention period is {SHORTEST_RETENTION} hours. "
            f"Requested retention period ({hours} hours) is too short."
        )
    if hours > LONGEST_RETENTION:
        raise invalid(
            f"Maximum allowed retention period is {LONGEST_RETENTION} hours. "
            f"Requested retention period ({hours} hours) is too long."
        )


def _not_so(stream: Stream, hours: int, word: str, operation: str) -> Exception:
    return invalid(
        f"Requested retention period ({hours} hours) for stream {stream.name} can not be {word} than existing "
        f"retention period ({stream.retention} hours). Use {operation} API."
    )


@kinesis.operation
async def update_stream_mode(
    call: Call, StreamARN: str, StreamModeDetails: dict[str, str], WarmThroughputMiBps: int | None = None
) -> None:
    """Make a stream provisioned, or on demand; its shards stay."""
    name = Name.of_arn(StreamARN)
    on_demand = StreamModeDetails["StreamMode"] == "ON_DEMAND"
    if WarmThroughputMiBps is not None and not on_demand:
        raise invalid("WarmThroughputMiBps can only be specified for a stream in On-Demand mode.")
    await _update_mode(name.state(call), name, on_demand, WarmThroughputMiBps)


@transactional
async def _update_mode(tx: Transaction, name: Name, on_demand: bool, warm: int | None) -> None:
    stream = await name.get(tx)
    if on_demand != stream.on_demand:
        await (check_streams(tx) if on_demand else check_shards(tx, len(stream.open)))
    await streams.put(tx, msgspec.structs.replace(stream, on_demand=on_demand, warm_mibps=warm))


@kinesis.operation
async def start_stream_encryption(
    call: Call, EncryptionType: str, KeyId: str, StreamName: str | None = None, StreamARN: str | None = None
) -> None:
    """Have a stream and its records say that they are encrypted with a key; nothing is."""
    _check_kms(EncryptionType)
    await _apply(call, Name.of(call, StreamName, StreamARN), lambda _: {"key": KeyId})


@kinesis.operation
async def stop_stream_encryption(
    call: Call, EncryptionType: str, KeyId: str, StreamName: str | None = None, StreamARN: str | None = None
) -> None:
    """The reverse, for the records to come."""
    _check_kms(EncryptionType)
    await _apply(call, Name.of(call, StreamName, StreamARN), lambda _: {"key": None})


def _check_kms(kind: str) -> None:
    if kind != "KMS":
        raise invalid(f"The only valid value for EncryptionType is KMS, not {kind}.")


@kinesis.operation
async def enable_enhanced_monitoring(
    call: Call, ShardLevelMetrics: list[str], StreamName: str | None = None, StreamARN: str | None = None
) -> dict[str, Any]:
    """Note shard-level metrics as wanted."""
    name = Name.of(call, StreamName, StreamARN)
    wanted = _metrics(ShardLevelMetrics)
    return await _monitor(call, name, lambda current: current | wanted)


@kinesis.operation
async def disable_enhanced_monitoring(
    call: Call, ShardLevelMetrics: list[str], StreamName: str | None = None, StreamARN: str | None = None
) -> dict[str, Any]:
    """Note shard-level metrics as not wanted."""
    name = Name.of(call, StreamName, StreamARN)
    unwanted = _metrics(ShardLevelMetrics)
    return await _monitor(call, name, lambda current: current - unwanted)


def _metrics(named: list[str]) -> set[str]:
    return set(_METRICS) if "ALL" in named else set(named)


async def _monitor(call: Call, name: Name, change: Callable[[set[str]], set[str]]) -> dict[str, Any]:
    before, after = await _apply(call, name, lambda stream: {"metrics": tuple(sorted(change(set(stream.metrics))))})
    return {
        "StreamName": after.name,
        "CurrentShardLevelMetrics": list(before.metrics),
        "DesiredShardLevelMetrics": list(after.metrics),
        "StreamARN": after.arn,
    }


@kinesis.operation
async def update_max_record_size(call: Call, StreamARN: str, MaxRecordSizeInKiB: int) -> None:
    """Take records of up to so many KiB."""
    await _apply(call, Name.of_arn(StreamARN), lambda _: {"largest_kib": MaxRecordSizeInKiB})


async def _apply(call: Call, name: Name, change: Change) -> tuple[Stream, Stream]:
    return await _changed(name.state(call), name, change)


@transactional
async def _changed(tx: Transaction, name: Name, change: Change) -> tuple[Stream, Stream]:
    """(the stream before a change, the stream with it)."""
    before = await name.get(tx)
    after = msgspec.structs.replace(before, **change(before))
    await streams.put(tx, after)
    return before, after
