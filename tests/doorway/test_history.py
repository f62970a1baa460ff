"""History: what is too old is forgotten at the start and once a day, on disk too; a platform's own calls are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from kumoi.clock import Clock
from kumoi.doorway import Doorway, History
from kumoi.doorway.history import DAY
from kumoi.lake import Lake, Table
from kumoi.platform import Platform, Settings

COLUMNS = {"time": "BIGINT", "account": "VARCHAR", "region": "VARCHAR"}
ACCOUNT = "111111111111"


async def until(holds: Callable[[], Any], wanted: Any) -> None:
    """Let others go on until what `holds` answers is `wanted`."""
    async with asyncio.timeout(60):
        while await holds() != wanted:
            await asyncio.sleep(0)


def test_what_is_too_old_is_forgotten_once_a_day() -> None:
    async def scenario() -> None:
        lake, clock = await Lake.open(None), Clock(begins=1_700_000_000.0)
        clock.hold()
        history = History(lake, clock, kept=30 * DAY)
        for name in ("calls", "segments", "events"):
            lake.define(Table(name, COLUMNS))
        history.keep("calls")
        history.keep("segments", 2 * DAY)

        async def ages(table: str) -> list[float]:
            rows = await lake.scan(table, account=None, region=None, limit=100)
            return sorted(round((clock.now() * 1000 - row["time"]) / DAY / 1000, 3) for row in rows)

        for name in ("calls", "segments", "events"):
            for age in (1, 29.5, 31):
                await lake.append(
                    name, [{"time": int((clock.now() - age * DAY) * 1000), "account": ACCOUNT, "region": ""}]
                )
        running = asyncio.create_task(history.run())
        await until(lambda: ages("calls"), [1, 29.5])
        await until(lambda: ages("segments"), [1])
        clock.advance(DAY + 1)
        await until(lambda: ages("calls"), [2])
        clock.advance(DAY + 1)
        await until(lambda: ages("segments"), [])
        assert await ages("events") == [3, 31.5, 33]
        running.cancel()
        await lake.close()

    asyncio.run(scenario())


def test_history_may_be_kept_for_good() -> None:
    async def scenario() -> None:
        lake, clock = await Lake.open(None), Clock()
        lake.define(Table("calls", COLUMNS))
        history = History(lake, clock, kept=None)
        history.keep("calls")
        await lake.append("calls", [{"time": 1, "account": ACCOUNT, "region": ""}])
        await history.forget()
        assert len(await lake.scan("calls", account=None, region=None, limit=10)) == 1
        await lake.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("kept", "left"), [(DAY, 1), (None, 4)])
def test_a_platform_forgets_its_calls(tmp_path: Path, kept: float | None, left: int) -> None:
    async def scenario() -> None:
        settings = Settings(port=0, data=tmp_path, xray_port=0, history=kept)
        async with Platform(settings) as platform:
            doorway = platform.parts[Doorway]
            client = boto3.client(
                "sqs",
                endpoint_url=platform.url,
                region_name="us-east-1",
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="test",
            )

            async def calls() -> int:
                doorway.hops.flush()
                return len(await doorway.lake.scan("hops", account=None, region=None, limit=100))

            for _ in range(3):
                await asyncio.to_thread(client.list_queues)
            assert await calls() == 3
            doorway.clock.advance(2 * DAY)
            await asyncio.to_thread(client.list_queues)
            await until(calls, left)
            client.close()

    asyncio.run(scenario())
