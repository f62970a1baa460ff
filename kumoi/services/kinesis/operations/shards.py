"""Shards: list, split, merge, bring to a number."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.errors import invalid
from kumoi.services.kinesis.limits import check_shards
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.lookup import find_stream, named_shard
from kumoi.services.kinesis.records import Shard, Stream, shard_id, streams
from kumoi.services.kinesis.resharding import Reshard, scaled
from kumoi.services.kinesis.sequence import ending_number, starting_number
from kumoi.services.kinesis.store import latest, wake
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

TOKEN_SECONDS = 300.0
USUAL_PAGE = 1000


class _Token(msgspec.Struct, frozen=True, array_like=True):
    """Where ListShards goes on: of which stream, behind which shard, with which filter; `issued` in epoch seconds."""

    account: str
    region: str
    stream: str
    after: int
    kind: str | None
    shard: str | None
    when: float | None
    issued: float


@kinesis.operation
async def list_shards(
    call: Call,
    StreamName: str | None = None,
    NextToken: str | None = None,
    ExclusiveStartShardId: str | None = None,
    MaxResults: int = USUAL_PAGE,
    StreamCreationTimestamp: datetime | None = None,
    ShardFilter: dict[str, Any] | None = None,
    StreamARN: str | None = None,
) -> dict[str, Any]:
    """The shards of a stream, or those a filter leaves, a page at a time."""
    if NextToken is None:
        if StreamName is None and StreamARN is None:
            raise invalid("Either NextToken or StreamName should be provided.")
        name = Name.of(call, StreamName, StreamARN)
        kind, shard, when = _filter(ShardFilter or {})
        token = _Token(name.account, name.region, name.name, -1, kind, shard, when, call.now)
    else:
        if StreamName is not None:
            raise invalid("NextToken and StreamName cannot be provided together.")
        token = _read_token(call, NextToken)
    name = Name(token.account, token.region, token.stream)
    stream = await find_stream(name.state(call), name)
    if StreamCreationTimestamp is not None and int(StreamCreationTimestamp.timestamp()) != stream.created // 1000:
        raise aws_error("ResourceNotFoundException", f"Stream {name.name} under account {name.account} not found.")
    after = token.after
    if ExclusiveStartShardId is not None and NextToken is None:
        after = named_shard(stream, ExclusiveStartShardId).number
    found = [one for one in _filtered(stream, token, call.now) if one.number > after]
    page = found[:MaxResults]
    answer: dict[str, Any] = {"Shards": [told_shard(one) for one in page]}
    if len(found) > len(page):
        following = msgspec.structs.replace(token, after=page[-1].number, issued=call.now)
        answer["NextToken"] = base64.b64encode(msgspec.msgpack.encode(following)).decode()
    return answer


def _filter(given: dict[str, Any]) -> tuple[str | None, str | None, float | None]:
    kind, shard, when = given.get("Type"), given.get("ShardId"), given.get("Timestamp")
    if (kind == "AFTER_SHARD_ID") != (shard is not None):
        raise invalid("ShardFilter must contain ShardId if, and only if, its Type is AFTER_SHARD_ID.")
    if (kind in ("AT_TIMESTAMP", "FROM_TIMESTAMP")) != (when is not None):
        raise invalid("ShardFilter must contain Timestamp if, and only if, its Type is AT_TIMESTAMP or FROM_TIMESTAMP.")
    return kind, shard, when.timestamp() if isinstance(when, datetime) else when


def _read_token(call: Call, text: str) -> _Token:
    try:
        token = msgspec.msgpack.decode(base64.b64decode(text, validate=True), type=_Token)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise invalid("The NextToken is invalid.") from None
    if token.account != call.account:
        raise invalid("The NextToken is invalid.")
    if call.now - token.issued > TOKEN_SECONDS:
        raise aws_error("ExpiredNextTokenException", "The NextToken has expired: it is valid for 300 seconds.")
    return token


def _filtered(stream: Stream, token: _Token, now: float) -> list[Shard]:
    horizon = int(now * 1000) - stream.retention * 3_600_000
    kept = [one for one in stream.shards if one.ended is None or one.ended >= horizon]
    if token.kind == "AT_LATEST":
        return list(filter(lambda one: one.ended is None, kept))
    if token.kind == "AFTER_SHARD_ID":
        behind = named_shard(stream, token.shard or "").number
        return [one for one in kept if one.number > behind]
    moment = horizon if token.kind == "AT_TRIM_HORIZON" else None
    if token.when is not None:
        moment = max(int(token.when * 1000), horizon)
    if moment is None:
        return kept
    first = min((one.created for one in kept), default=0)
    ended_later = [one for one in kept if one.ended is None or one.ended > moment]
    if token.kind == "FROM_TIMESTAMP":
        return ended_later
    return [one for one in ended_later if one.created <= max(moment, first)]


@kinesis.operation
async def split_shard(
    call: Call,
    ShardToSplit: str,
    NewStartingHashKey: str,
    StreamName: str | None = None,
    StreamARN: str | None = None,
) -> None:
    """Close a shard and open two that share its range."""
    name = Name.of(call, StreamName, StreamARN)
    await _split(name.state(call), name, ShardToSplit, int(NewStartingHashKey))


@transactional
async def _split(tx: Transaction, name: Name, shard_name: str, at: int) -> None:
    stream = await name.get(tx)
    _check_provisioned(stream)
    shard = _open_shard(stream, shard_name)
    if not int(shard.start) + 1 < at < int(shard.end):
        raise invalid(
            f"NewStartingHashKey {at} used in SplitShard() on shard {shard.id} in stream {stream.name} under account "
            f"{stream.account} is not both greater than one plus the shard's StartingHashKey {shard.start} and "
            f"less than the shard's EndingHashKey {shard.end}."
        )
    await check_shards(tx, 1)
    change = Reshard(stream, int(tx.now * 1000))
    change.split(shard.number, at)
    await _apply(tx, stream, change)


@kinesis.operation
async def merge_shards(
    call: Call,
    ShardToMerge: str,
    AdjacentShardToMerge: str,
    StreamName: str | None = None,
    StreamARN: str | None = None,
) -> None:
    """Close two adjacent shards and open one of both ranges."""
    name = Name.of(call, StreamName, StreamARN)
    await _merge(name.state(call), name, ShardToMerge, AdjacentShardToMerge)


@transactional
async def _merge(tx: Transaction, name: Name, one: str, other: str) -> None:
    stream = await name.get(tx)
    _check_provisioned(stream)
    first, second = _open_shard(stream, one), _open_shard(stream, other)
    low, high = sorted((first, second), key=lambda shard: int(shard.start))
    if int(low.end) + 1 != int(high.start):
        raise invalid(
            f"Shards {first.id} and {second.id} in stream {stream.name} under account {stream.account} "
            "are not an adjacent pair of shards eligible for merging"
        )
    change = Reshard(stream, int(tx.now * 1000))
    change.merge(low.number, high.number)
    await _apply(tx, stream, change)


@kinesis.operation
async def update_shard_count(
    call: Call,
    TargetShardCount: int,
    ScalingType: str,
    StreamName: str | None = None,
    StreamARN: str | None = None,
) -> dict[str, Any]:
    """Split and merge shards until so many are left, of the same size: half of those there are to double."""
    name = Name.of(call, StreamName, StreamARN)
    stream = await _scale(name.state(call), name, TargetShardCount)
    return {
        "StreamName": stream.name,
        "CurrentShardCount": len(stream.open),
        "TargetShardCount": TargetShardCount,
        "StreamARN": stream.arn,
    }


@transactional
async def _scale(tx: Transaction, name: Name, target: int) -> Stream:
    stream = await name.get(tx)
    _check_provisioned(stream)
    has = len(stream.open)
    bound = f"Current open shard count: {has} Target shard count: {target}"
    if target > 2 * has:
        raise invalid(f"UpdateShardCount cannot scale up over double your current open shard count. {bound}")
    if 2 * target < has:
        raise invalid(f"UpdateShardCount cannot scale down below half your current open shard count. {bound}")
    if target > has:
        await check_shards(tx, target - has)
    await _apply(tx, stream, scaled(stream, target, int(tx.now * 1000)))
    return stream


async def _apply(tx: Transaction, stream: Stream, change: Reshard) -> None:
    before = {shard.number for shard in stream.shards}
    lasts = {}
    for number in change.closed:
        shard = stream.shard(number)
        lasts[number] = 0 if shard is None else await latest(tx, stream, shard)
    await streams.put(tx, change.result(lasts))
    for number in before.intersection(change.closed):
        wake(tx, stream, number)


def _open_shard(stream: Stream, name: str) -> Shard:
    shard = named_shard(stream, name)
    if shard.ended is not None:
        raise invalid(
            f"Shard {shard.id} in stream {stream.name} under account {stream.account} "
            "has already been merged or split, and thus is not eligible for merging or splitting."
        )
    return shard


def _check_provisioned(stream: Stream) -> None:
    if stream.on_demand:
        raise aws_error(
            "ValidationException",
            f"Request is invalid. Stream {stream.name} under account {stream.account} is in On-Demand mode.",
        )


def told_shard(shard: Shard) -> dict[str, Any]:
    """A shard as the API has it."""
    numbers = {"StartingSequenceNumber": starting_number(shard)}
    if shard.ended is not None:
        numbers["EndingSequenceNumber"] = ending_number(shard)
    told: dict[str, Any] = {
        "ShardId": shard.id,
        "HashKeyRange": {"StartingHashKey": shard.start, "EndingHashKey": shard.end},
        "SequenceNumberRange": numbers,
    }
    if shard.parent is not None:
        told["ParentShardId"] = shard_id(shard.parent)
    if shard.adjacent is not None:
        told["AdjacentParentShardId"] = shard_id(shard.adjacent)
    return told
