"""Processes for what others have written: limits, failures, and their end."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest

from kumoi.lake import Lake, QueryFailed, Table, View

TASKS = """
import os, time

def count(ask, at_least):
    (found,), = ask("SELECT count(*) FROM r WHERE n >= $n", {"n": at_least}, ("r",)).rows
    return str(found).encode()

def process(ask):
    return str(os.getpid()).encode()

def forever(ask, path):
    with open(path, "w") as out:
        out.write(str(os.getpid()))
    while True:
        pass

def large(ask):
    from kumoi.lake import parquet
    parquet._MEMORY = "60MB"
    ask("SELECT count(*) FROM (SELECT md5(x::VARCHAR) AS s FROM range(50000000) t(x) ORDER BY s)", {})

def gone(ask):
    os._exit(3)

def much(ask):
    return bytes(3 << 30)

def nothing(ask):
    ask("SELECT nosuch FROM r", {}, ("r",))

def broken(ask):
    raise ValueError("so it is")
"""
PLATFORM = """
import asyncio, sys
from pathlib import Path
import kumoi_worker_tasks
from kumoi.lake import Lake

async def work():
    lake = await Lake.open(Path(sys.argv[1]))
    await lake.work(kumoi_worker_tasks.forever, sys.argv[2], views={})

asyncio.run(work())
"""
VIEWS = {"r": View("r", "1", "r")}


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "kumoi_worker_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return importlib.import_module("kumoi_worker_tasks")


@asynccontextmanager
async def a_lake(root: Path | None = None) -> AsyncIterator[Lake]:
    lake = await Lake.open(root)
    lake.define(Table("r", {"time": "BIGINT", "account": "VARCHAR", "region": "VARCHAR", "n": "BIGINT"}))
    await lake.append("r", [{"time": n, "account": "1", "region": "r", "n": n} for n in range(10)])
    try:
        yield lake
    finally:
        await lake.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_tasks_in_a_process_of_their_own(tasks: ModuleType) -> None:
    async def story() -> None:
        async with a_lake() as lake:
            assert await lake.work(tasks.count, 7, views=VIEWS) == b"3"
            one = int(await lake.work(tasks.process, views={}))
            assert one != os.getpid()
            assert int(await lake.work(tasks.process, views={})) == one
            for task, failure, told in (
                (tasks.nothing, QueryFailed, "nosuch"),
                (tasks.much, QueryFailed, "memory"),
                (tasks.broken, RuntimeError, "ValueError: so it is"),
                (tasks.gone, QueryFailed, "memory"),
            ):
                with pytest.raises(failure, match=told):
                    await lake.work(task, views=VIEWS)
            assert await lake.work(tasks.count, 0, views=VIEWS) == b"10"
            another = int(await lake.work(tasks.process, views={}))
            assert another != one
        assert not alive(one)
        assert not alive(another)

    asyncio.run(story())


def test_a_task_that_goes_on_for_ever_is_cancelled(tasks: ModuleType, tmp_path: Path) -> None:
    async def story() -> None:
        told = tmp_path / "pid"
        async with a_lake() as lake:
            running = asyncio.create_task(lake.work(tasks.forever, str(told), views={}))
            while not (told.exists() and told.read_text()):
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.wait([running])
            assert running.cancelled()
            assert not alive(int(told.read_text()))

    asyncio.run(story())


def test_a_task_ends_with_a_platform_that_is_killed(tasks: ModuleType, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    command = [sys.executable, "-c", PLATFORM, str(tmp_path / "lake"), str(told)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as platform:
        try:
            while not (told.exists() and told.read_text()):
                assert platform.poll() is None
                time.sleep(0.01)
        finally:
            platform.kill()
        platform.communicate(timeout=60)  # the process of the task has the same stderr: both have ended


def test_what_a_cancelled_task_has_put_aside_goes_with_it(tasks: ModuleType, tmp_path: Path) -> None:
    async def story() -> None:
        scratch = tmp_path / "lake" / "scratch"
        async with a_lake(tmp_path / "lake") as lake:
            running = asyncio.create_task(lake.work(tasks.large, views=VIEWS))
            while not any(scratch.rglob("duckdb_temp_*storage*")):
                assert not running.done(), running.exception()
                await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.wait([running])
            assert not list(scratch.iterdir())

    asyncio.run(story())


def test_one_that_was_killed_while_idle_is_not_asked_again(tasks: ModuleType) -> None:
    async def story() -> None:
        async with a_lake() as lake:
            first = int(await lake.work(tasks.process, views={}))
            os.kill(first, signal.SIGKILL)
            while alive(first):
                await asyncio.sleep(0.01)
            assert int(await lake.work(tasks.process, views={})) != first

    asyncio.run(story())
