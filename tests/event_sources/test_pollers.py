"""Pollers read on, whatever keeps them from it for a while, and go on where they were."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from kumoi.clock import Clock
from kumoi.doorway import Doorway, Fault, Principal, Trace
from kumoi.event_sources import LostBatch, Outcome, Pollers, Source, checkpoints
from kumoi.event_sources.source import Checkpoint
from kumoi.platform import Platform, Settings
from kumoi.state import Transaction, transactional

ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = Principal.root(ACCOUNT)


@dataclass(eq=False)
class Taking:
    """A sink that notes the events it takes."""

    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    name = "taking"

    async def reader(self) -> Principal:
        return ROOT

    async def take(self, event: dict[str, Any], identifiers: Sequence[str], trace: Trace | None = None) -> Outcome:
        self.events.put_nowait(event)
        return Outcome(frozenset(), payload=orjson.dumps({"state": {"n": len(identifiers)}}))

    async def lost(self, batch: LostBatch) -> None:
        raise AssertionError("nothing is lost")


def on_platforms(data: Path, *scenarios: Callable[[Platform], Awaitable[None]]) -> None:
    """Run scenarios, each on a platform of its own over the same data."""

    async def run() -> None:
        for scenario in scenarios:
            async with Platform(Settings(port=0, data=data)) as platform:
                await scenario(platform)

    asyncio.run(asyncio.wait_for(run(), 60))


async def ask(platform: Platform, service: str, operation: str, **params: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await platform.parts[Doorway].ask(service, operation, params, ROOT, REGION)
    return answer


async def queue(platform: Platform) -> tuple[Source, Callable[[], Awaitable[Any]]]:
    """A queue, and what sends it a message."""
    url = (await ask(platform, "sqs", "CreateQueue", QueueName="q"))["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
    source = Source(id="one", account=ACCOUNT, region=REGION, arn=arn, kind="sqs", batch_size=1)
    return source, lambda: ask(platform, "sqs", "SendMessage", QueueUrl=url, MessageBody="hello")


async def stream(platform: Platform, **how: Any) -> tuple[Source, Callable[[], Awaitable[Any]]]:
    """A table's stream, and what writes to it."""
    made = await ask(
        platform,
        "dynamodb",
        "CreateTable",
        TableName="tab",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    arn = made["TableDescription"]["LatestStreamArn"]
    source = Source(id="one", account=ACCOUNT, region=REGION, arn=arn, kind="dynamodb", batch_size=1, **how)
    return source, lambda: ask(platform, "dynamodb", "PutItem", TableName="tab", Item={"id": {"S": "a"}})


@transactional
async def stored(tx: Transaction) -> list[Checkpoint]:
    return await checkpoints.list(tx, "one")


async def window_is(platform: Platform, *, open_: bool) -> None:
    """Return once the shard's place is stored with a window, or without one."""
    while [one.window is not None for one in await stored(platform.parts[Doorway].state.at("", ""))] != [open_]:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("source_of", "operation"),
    [
        (queue, "ReceiveMessages"),
        (stream, "DescribeStream"),
        (stream, "GetShardIterator"),
        (stream, "AwaitRecords"),
    ],
)
def test_a_call_without_an_answer_does_not_end_the_reading(
    tmp_path: Path, source_of: Callable[[Platform], Awaitable[Any]], operation: str
) -> None:
    async def scenario(platform: Platform) -> None:
        platform.parts[Clock].scale(100.0)
        source, write = await source_of(platform)
        platform.parts[Doorway].faults.add(Fault(action="drop", operation=operation, times=1))
        pollers, sink = Pollers(platform.parts[Doorway]), Taking()
        await pollers.follow(source, sink)
        await write()
        assert len((await asyncio.wait_for(sink.events.get(), 60))["Records"]) == 1
        await pollers.stop()

    on_platforms(tmp_path, scenario)


def test_a_tumbling_window_that_is_over_does_not_end_again_after_a_restart(tmp_path: Path) -> None:
    sources: list[Source] = []

    async def window(platform: Platform) -> None:
        clock = platform.parts[Clock]
        clock.hold()
        source, write = await stream(platform, tumbling_window=60)
        sources.append(source)
        pollers, sink = Pollers(platform.parts[Doorway]), Taking()
        await pollers.follow(source, sink)
        await write()
        assert not (await sink.events.get())["isFinalInvokeForWindow"]
        await window_is(platform, open_=True)
        clock.advance(61)
        assert (await sink.events.get())["isFinalInvokeForWindow"]
        await window_is(platform, open_=False)
        await pollers.stop()

    async def restart(platform: Platform) -> None:
        platform.parts[Clock].advance(120)
        pollers, sink = Pollers(platform.parts[Doorway]), Taking()
        await pollers.follow(sources[0], sink)
        await ask(platform, "dynamodb", "PutItem", TableName="tab", Item={"id": {"S": "b"}})
        assert not (await sink.events.get())["isFinalInvokeForWindow"]
        await pollers.stop()

    on_platforms(tmp_path, window, restart)
