"""What the map still knows after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings
from kumoi.studio import Studio

ACCOUNT = "000000000000"


async def edges(platform: Platform) -> dict[str, Any]:
    board = platform.parts[Studio].board
    await board.seed()
    return {edge["id"]: edge["stats"] for edge in (await board.map(ACCOUNT))["edges"]}


def test_edges_are_known_after_a_restart_and_counted_once(tmp_path: Path) -> None:
    async def use(times: int) -> dict[str, Any]:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask, caller = platform.parts[Doorway].ask, Principal.root(ACCOUNT)
            queue = (await ask("sqs", "CreateQueue", {"QueueName": "jobs"}, caller, "us-east-1"))["QueueUrl"]
            for number in range(times):
                message = {"QueueUrl": queue, "MessageBody": str(number)}
                await ask("sqs", "SendMessage", message, caller, "us-east-1")
                await ask("sqs", "ReceiveMessage", {"QueueUrl": queue}, caller, "us-east-1")
            return await edges(platform)

    before = asyncio.run(use(3))["client→sqs:jobs"]
    assert (before["calls"], before["recent"]) == (6, 6)
    after = asyncio.run(use(0))["client→sqs:jobs"]
    assert (after["calls"], after["recent"]) == (6, 0)
    assert after["operations"] == {"SendMessage": 3, "ReceiveMessage": 3}
