from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


class Reader:
    """Reads a stream's shards as a client does."""

    def __init__(self, client: Any, stream: str) -> None:
        self._client = client
        self._stream = stream

    def iterator(self, shard: str = "shardId-000000000000", kind: str = "TRIM_HORIZON", **where: Any) -> str:
        answer = self._client.get_shard_iterator(
            StreamName=self._stream, ShardId=shard, ShardIteratorType=kind, **where
        )
        return str(answer["ShardIterator"])

    def data(self, shard: str = "shardId-000000000000", kind: str = "TRIM_HORIZON", **where: Any) -> list[str]:
        answer = self._client.get_records(ShardIterator=self.iterator(shard, kind, **where))
        return [record["Data"].decode() for record in answer["Records"]]


@pytest.fixture
def kinesis(kumoi: Any) -> Any:
    return kumoi.client("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> Callable[..., Reader]:
    """Make a stream with some shards."""

    def make(shards: int = 1, name: str = "events", **options: Any) -> Reader:
        kinesis.create_stream(StreamName=name, ShardCount=shards, **options)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        return Reader(kinesis, name)

    return make
