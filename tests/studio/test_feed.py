"""What the live feed says to somebody who reads the map whenever it says so."""

from __future__ import annotations

import asyncio

import pytest

from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings
from kumoi.studio import Studio, board

ACCOUNT = "000000000000"


async def nodes(studio: Studio) -> set[str]:
    return {node["id"] for node in (await studio.board.map(ACCOUNT))["nodes"]}


def test_what_is_set_up_soon_after_a_reading_comes_with_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with Platform(Settings(port=0)) as platform, asyncio.timeout(60):
            studio, caller = platform.parts[Studio], Principal.root(ACCOUNT)
            monkeypatch.setattr(board, "RESTED", 1000.0)
            await nodes(studio)
            feed = studio.feed.events(ACCOUNT)
            assert (await anext(feed)).startswith(b"event: hello")
            await platform.parts[Doorway].ask("sqs", "CreateQueue", {"QueueName": "late"}, caller, "us-east-1")
            assert (await anext(feed)).startswith(b"event: structure")
            assert "sqs:late" not in await nodes(studio), "declarations are not read again at once"
            monkeypatch.setattr(board, "RESTED", 0.0)
            assert (await anext(feed)).startswith(b"event: structure")
            assert "sqs:late" in await nodes(studio)

    asyncio.run(run())
