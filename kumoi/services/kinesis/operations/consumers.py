"""Consumers (enhanced fan-out): register, describe, list, deregister."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.lookup import consumer_of
from kumoi.services.kinesis.operations.tags import check_tags
from kumoi.services.kinesis.records import Consumer, Stream, consumers, policies
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_CONSUMERS = 20


@kinesis.operation
async def register_stream_consumer(
    call: Call, StreamARN: str, ConsumerName: str, Tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Register a consumer, twenty a stream at most."""
    name = Name.of_arn(StreamARN)
    stream, consumer = await _register(name.state(call), name, ConsumerName, Tags or {})
    return {"Consumer": _told(stream, consumer)}


@transactional
async def _register(tx: Transaction, name: Name, consumer: str, tags: dict[str, str]) -> tuple[Stream, Consumer]:
    stream = await name.get(tx)
    check_tags(stream.name, stream.account, {}, tags)
    registered = await consumers.list(tx, stream.id)
    if any(one.name == consumer for one in registered):
        raise aws_error("ResourceInUseException", f"Consumer {consumer} under stream {stream.arn} already exists.")
    if len(registered) >= MOST_CONSUMERS:
        raise aws_error(
            "LimitExceededException",
            f"Stream {stream.name} under account {stream.account} has the most consumers there can be: "
            f"{MOST_CONSUMERS}.",
        )
    fresh = Consumer(stream=stream.id, name=consumer, created=int(tx.now * 1000), tags=tags)
    await consumers.put(tx, fresh)
    return stream, fresh


@kinesis.operation
async def describe_stream_consumer(
    call: Call, StreamARN: str | None = None, ConsumerName: str | None = None, ConsumerARN: str | None = None
) -> dict[str, Any]:
    """A consumer, by its ARN or by its stream and name."""
    state = Name.of_arn(ConsumerARN or StreamARN or "").state(call)
    stream, consumer = await _find(state, StreamARN, ConsumerName, ConsumerARN)
    return {"ConsumerDescription": {**_told(stream, consumer), "StreamARN": stream.arn}}


@transactional
async def _find(tx: Transaction, arn: str | None, name: str | None, consumer: str | None) -> tuple[Stream, Consumer]:
    return await consumer_of(tx, arn, name, consumer)


@kinesis.operation
async def list_stream_consumers(
    call: Call,
    StreamARN: str,
    NextToken: str | None = None,
    MaxResults: int = 100,
    StreamCreationTimestamp: datetime | None = None,
) -> dict[str, Any]:
    """The consumers of a stream by name; the token is the last name of a page."""
    name = Name.of_arn(StreamARN)
    stream, found = await _list(name.state(call), name, NextToken, MaxResults + 1)
    page = found[:MaxResults]
    answer: dict[str, Any] = {"Consumers": [_told(stream, one) for one in page]}
    if len(found) > MaxResults:
        answer["NextToken"] = page[-1].name
    return answer


@transactional
async def _list(tx: Transaction, name: Name, after: str | None, limit: int) -> tuple[Stream, list[Consumer]]:
    stream = await name.get(tx)
    bound = None if after is None else (stream.id, after)
    return stream, await consumers.list(tx, stream.id, after=bound, limit=limit)


@kinesis.operation
async def deregister_stream_consumer(
    call: Call, StreamARN: str | None = None, ConsumerName: str | None = None, ConsumerARN: str | None = None
) -> None:
    """Forget a consumer; its subscriptions end."""
    state = Name.of_arn(ConsumerARN or StreamARN or "").state(call)
    await _deregister(state, StreamARN, ConsumerName, ConsumerARN)


@transactional
async def _deregister(tx: Transaction, arn: str | None, name: str | None, consumer: str | None) -> None:
    stream, found = await consumer_of(tx, arn, name, consumer)
    await consumers.delete(tx, stream.id, found.name)
    await policies.delete(tx, found.arn(stream))


def _told(stream: Stream, consumer: Consumer) -> dict[str, Any]:
    return {
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer.arn(stream),
        "ConsumerStatus": "ACTIVE",
        "ConsumerCreationTimestamp": consumer.created / 1000,
    }
