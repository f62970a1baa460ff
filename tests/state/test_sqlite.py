"""What is the SQLite engine's own: crashes, full disks, one process at a time."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kumoi.clock import Clock
from kumoi.state import Transaction, transactional
from kumoi.state.group_commit import CommitFailed
from kumoi.state.schema import NewerData, open_connection
from kumoi.state.sqlite import DataInUse, SqliteState

WRITER = """
import asyncio, sys
from pathlib import Path
from kumoi.clock import Clock
from kumoi.state import transactional
from kumoi.state.sqlite import SqliteState

@transactional
async def write(tx, name):
    await tx.put(("row", name), name.encode())
    return await tx.append(("stream",), name.encode())

async def one(state, prefix, lane):
    for number in range(100_000):
        name = f"{prefix}-{lane}-{number}"
        await write(state, name)
        print(name, flush=True)

async def main():
    state = await SqliteState.open(Path(sys.argv[1]), clock=Clock(), durability=sys.argv[3])
    await asyncio.gather(*(one(state, sys.argv[2], lane) for lane in range(4)))

asyncio.run(main())
"""


@transactional
async def put(tx: Transaction, key: str, value: bytes = b"") -> None:
    await tx.put((key,), value)


@transactional
async def get(tx: Transaction, key: str) -> bytes | None:
    return await tx.get((key,))


@pytest.mark.slow
def test_nothing_acknowledged_is_missing_after_50_crashes(tmp_path: Path) -> None:
    path = tmp_path / "kumoi.db"
    rng = random.Random(50)
    acknowledged: set[str] = set()
    for crash in range(50):
        durability = "full" if crash % 5 == 0 else "normal"
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(crash), durability], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged.add(writer.stdout.readline().strip())
        time.sleep(rng.uniform(0, 0.08))  # the moment of the crash is the point of this test
        os.kill(writer.pid, signal.SIGKILL)
        lines = writer.stdout.read().split("\n")
        writer.wait()
        writer.stdout.close()
        acknowledged.update(line for line in lines[:-1] if line)

    @transactional
    async def everything(tx: Transaction) -> tuple[set[str], list[int]]:
        rows = {row.value.decode() for row in await tx.range(("row",))}
        return rows, [seq for seq, _, _ in await tx.read_stream(("stream",), limit=10_000_000)]

    async def check() -> None:
        state = await SqliteState.open(path, clock=Clock())
        rows, sequence = await everything(state)
        await state.close()
        assert acknowledged <= rows
        assert sequence == list(range(1, len(sequence) + 1))

    assert len(acknowledged) > 200
    asyncio.run(check())


def test_a_failed_commit_fails_its_whole_group_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=Clock())
        await put(state, "before")
        connection = state.engine.connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        results = await asyncio.gather(
            *(put(state, f"big{number}", os.urandom(200_000)) for number in range(3)), return_exceptions=True
        )
        assert all(isinstance(result, Exception) for result in results)
        connection.execute("PRAGMA max_page_count = 1000000")
        assert await get(state, "before") == b""
        assert await get(state, "big0") is None
        await put(state, "after")
        assert await get(state, "after") == b""
        await state.close()

    asyncio.run(scenario())


def test_members_learn_that_their_commit_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        import sqlite3

        import kumoi.state.group_commit as module

        state = await SqliteState.open(None, clock=Clock())

        def fail(connection: sqlite3.Connection) -> sqlite3.Error:
            connection.execute("ROLLBACK")
            return sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(module, "_attempt", fail)
            results = await asyncio.gather(put(state, "a"), put(state, "b"), return_exceptions=True)
        assert [type(result) for result in results] == [CommitFailed, CommitFailed]
        assert await get(state, "a") is None
        await put(state, "c")
        await state.close()

    asyncio.run(scenario())


def test_a_second_process_is_told_who_has_the_data(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "kumoi.db"
        state = await SqliteState.open(path, clock=Clock())
        with pytest.raises(DataInUse, match=f"in use by another Kumoi \\(pid {os.getpid()}\\)"):
            await SqliteState.open(path, clock=Clock())
        await state.close()
        again = await SqliteState.open(path, clock=Clock())
        await again.close()

    asyncio.run(scenario())


def test_newer_data_is_not_touched(tmp_path: Path) -> None:
    connection = open_connection(tmp_path / "kumoi.db", "normal")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(NewerData, match="written by a newer Kumoi"):
        open_connection(tmp_path / "kumoi.db", "normal")
