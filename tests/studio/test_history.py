"""What the map still knows after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kumoi.doorway import Doorway, Principal
from kumoi.lake import View
from kumoi.platform import Platform, Settings
from kumoi.studio import Studio, traces
from kumoi.wire.http import Headers, Request

ACCOUNT = "000000000000"


async def edges(platform: Platform) -> dict[str, Any]:
    board = platform.parts[Studio].board
    await board.seed()
    return {edge["id"]: edge["stats"] for edge in (await board.map(ACCOUNT))["edges"]}


async def told(data: Path) -> list[dict[str, Any]]:
    """The trace of the last message that was sent before this start."""
    async with Platform(Settings(port=0, data=data)) as platform:
        doorway = platform.parts[Doorway]
        found = await doorway.lake.query(
            "SELECT trace FROM hops WHERE operation = 'SendMessage' ORDER BY time DESC LIMIT 1",
            views={"hops": View("hops", ACCOUNT, None)},
        )
        return await traces.one(doorway, ACCOUNT, found.rows[0][0])


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
    [hop] = asyncio.run(told(tmp_path))
    assert (hop["operation"], hop["outcome"], hop["payload"]) == ("SendMessage", "ok", False)
    assert (after["calls"], after["recent"]) == (6, 0)
    assert after["operations"] == {"SendMessage": 3, "ReceiveMessage": 3}


def test_whoever_asks_while_history_is_read_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> tuple[int, list[bool]]:
        async with Platform(Settings(port=0)) as platform:
            studio = platform.parts[Studio]
            read, done, times = asyncio.Event(), False, 0

            async def seed() -> None:
                nonlocal done, times
                times += 1
                await read.wait()
                done = True

            async def ask() -> bool:
                headers = Headers([("x-kumoi-studio", "1"), ("host", "127.0.0.1")])
                answer = await studio(Request("GET", "/_kumoi/studio/api/info", headers=headers))
                assert answer.status == 200
                return done

            monkeypatch.setattr(studio.board, "seed", seed)
            asking = [asyncio.create_task(ask()) for _ in range(3)]
            await asyncio.sleep(0)
            assert not any(one.done() for one in asking)
            read.set()
            answered = await asyncio.gather(*asking)
            return times, answered

    assert asyncio.run(run()) == (1, [True, True, True])
