"""A bucket's configurations: what is made of one is made once, until it is another."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.clock import Clock
from kumoi.services.s3.records import Bucket
from kumoi.services.s3.settings import configure, read_setting
from kumoi.state.sqlite import SqliteState

BUCKET = Bucket(name="b", id=1, account="1", region="r", created=0.0, secret=b"s" * 16)


def test_rules_are_read_once_as_long_as_they_stand() -> None:
    read: list[str] = []

    def reader(content: dict[str, Any]) -> list[str]:
        read.append(content["Rule"])
        return [content["Rule"]]

    async def main() -> None:
        state = await SqliteState.open(None, clock=Clock())
        place = state.at("1", "r")
        assert await place.run(read_setting, BUCKET, "Replication", reader) is None
        for rule in ("first", "second"):
            await place.run(configure, BUCKET, "Replication", {"Rule": rule})
            for _ in range(3):
                assert await place.run(read_setting, BUCKET, "Replication", reader) == [rule]
        await state.close()

    asyncio.run(main())
    assert read == ["first", "second"]
