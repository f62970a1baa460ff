"""AwaitRecords: what event source mappings call, answered as soon as there is a record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kumoi.clock import Clock
from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings

Ask = Callable[..., Awaitable[Any]]
KEY = {"pk": {"S": "a"}}


def on_a_platform(scenario: Callable[[Ask, Platform], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Platform(Settings(port=0)) as platform:
            me = Principal.root("000000000000")

            async def ask(service: str, operation: str, **params: Any) -> Any:
                return await platform.parts[Doorway].ask(service, operation, params, me, "us-east-1")

            await scenario(ask, platform)

    asyncio.run(run())


async def begin(ask: Ask) -> str:
    """A table with a stream; an iterator at its end."""
    table = await ask(
        "dynamodb",
        "CreateTable",
        TableName="table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    arn = table["TableDescription"]["LatestStreamArn"]
    described = await ask("dynamodbstreams", "DescribeStream", StreamArn=arn)
    shard = described["StreamDescription"]["Shards"][0]["ShardId"]
    answer = await ask("dynamodbstreams", "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")
    return str(answer["ShardIterator"])


def test_a_write_wakes_who_waits() -> None:
    async def scenario(ask: Ask, _platform: Platform) -> None:
        iterator = await begin(ask)
        waiting = asyncio.create_task(ask("dynamodbstreams", "AwaitRecords", ShardIterator=iterator))
        await asyncio.sleep(0)
        assert not waiting.done()
        await ask("dynamodb", "PutItem", TableName="table", Item=KEY)
        answer = await asyncio.wait_for(waiting, 60)
        assert [record["dynamodb"]["NewImage"] for record in answer["Records"]] == [KEY]
        again = await ask("dynamodbstreams", "AwaitRecords", ShardIterator=answer["NextShardIterator"], WaitUntil=0.0)
        assert again["Records"] == []

    on_a_platform(scenario)


def test_what_is_there_is_told_at_once_however_old_the_iterator() -> None:
    async def scenario(ask: Ask, platform: Platform) -> None:
        iterator = await begin(ask)
        await ask("dynamodb", "PutItem", TableName="table", Item=KEY)
        platform.parts[Clock].advance(3600)
        answer = await ask("dynamodbstreams", "AwaitRecords", ShardIterator=iterator)
        assert len(answer["Records"]) == 1

    on_a_platform(scenario)


def test_the_end_of_a_stream_wakes_who_waits() -> None:
    async def scenario(ask: Ask, _platform: Platform) -> None:
        iterator = await begin(ask)
        waiting = asyncio.create_task(ask("dynamodbstreams", "AwaitRecords", ShardIterator=iterator))
        await asyncio.sleep(0)
        await ask("dynamodb", "DeleteTable", TableName="table")
        answer = await asyncio.wait_for(waiting, 60)
        assert answer == {"Records": []}

    on_a_platform(scenario)


def test_a_wait_ends_when_the_clock_is_advanced() -> None:
    async def scenario(ask: Ask, platform: Platform) -> None:
        iterator = await begin(ask)
        clock = platform.parts[Clock]
        due = clock.now() + 3600
        waiting = asyncio.create_task(ask("dynamodbstreams", "AwaitRecords", ShardIterator=iterator, WaitUntil=due))
        await asyncio.sleep(0)
        clock.advance(3600)
        answer = await asyncio.wait_for(waiting, 60)
        assert answer["Records"] == []

    on_a_platform(scenario)
