"""What is the SQLite engine's own: crashes, full disks, one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import apsw
import pytest

from kumoi.clock import Clock
from kumoi.state import Entry, Transaction, group_commit, transactional
from kumoi.state.group_commit import CommitFailed
from kumoi.state.schema import OLDEST, VERSION, NewerData, open_connection, version_of
from kumoi.state.sqlite import Closed, DataInUse, SqliteState

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
        acknowledged.update(writer.stdout.readline().strip() for _ in range(5))
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


def test_a_full_disk_fails_its_group_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=Clock())
        await put(state, "before")
        connection = state.engine.connection
        pages = connection.execute("PRAGMA page_count").get
        connection.execute(f"PRAGMA max_page_count = {pages}")
        earlier, too_big, later = await asyncio.gather(
            put(state, "earlier"), put(state, "big", os.urandom(200_000)), put(state, "later"), return_exceptions=True
        )
        assert isinstance(earlier, CommitFailed)  # SQLite rolls back everything, the group's other members too
        assert isinstance(too_big, apsw.FullError)
        assert "full" in str(earlier)
        assert "full" in str(too_big)
        assert later is None  # it found the group gone and opened another
        connection.execute("PRAGMA max_page_count = 1000000")
        assert [await get(state, key) for key in ("before", "earlier", "big", "later")] == [b"", None, None, b""]
        await state.close()

    asyncio.run(scenario())


def test_writing_on_after_a_statement_failed_is_refused(tmp_path: Path) -> None:
    @transactional
    async def stubborn(tx: Transaction) -> None:
        await tx.put(("first",), b"")
        with contextlib.suppress(apsw.FullError):
            await tx.put(("big",), os.urandom(200_000))
        await tx.put(("small",), b"")

    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=Clock())
        connection = state.engine.connection
        pages = connection.execute("PRAGMA page_count").get
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(CommitFailed):
            await stubborn(state)
        assert await get(state, "small") is None
        await state.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_what_was_read_of_a_lost_group_is_not_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, durability: Literal["normal", "full"]
) -> None:
    @transactional
    async def remembered(tx: Transaction, key: str) -> bytes | None:
        return await tx.remember((key,), bytes)

    def fail(connection: apsw.Connection) -> apsw.Error:
        connection.execute("ROLLBACK")
        return apsw.FullError("database or disk is full")

    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=Clock(), durability=durability)
        with monkeypatch.context() as patch:
            patch.setattr(group_commit, "_attempt", fail)
            await asyncio.gather(put(state, "a"), remembered(state, "a"), return_exceptions=True)
        assert await remembered(state, "a") is None
        await put(state, "a")
        assert await remembered(state, "a") == b""
        await state.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_members_learn_that_their_commit_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, durability: Literal["normal", "full"]
) -> None:
    def fail(connection: apsw.Connection) -> apsw.Error:
        connection.execute("ROLLBACK")
        return apsw.FullError("database or disk is full")

    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=Clock(), durability=durability)
        with monkeypatch.context() as patch:
            patch.setattr(group_commit, "_attempt", fail)
            results = await asyncio.gather(put(state, "a"), put(state, "b"), get(state, "a"), return_exceptions=True)
        assert [type(result) for result in results] == [CommitFailed] * 3  # the reader saw what was never stored
        assert await get(state, "a") is None
        await put(state, "c")
        await state.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_who_reads_a_row_learns_that_it_is_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, durability: Literal["normal", "full"]
) -> None:
    def fail(connection: apsw.Connection) -> apsw.Error:
        connection.execute("ROLLBACK")
        return apsw.FullError("database or disk is full")

    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=Clock(), durability=durability)
        with monkeypatch.context() as patch:
            patch.setattr(group_commit, "_attempt", fail)
            results = await asyncio.gather(put(state, "a"), state.read(("a",)), return_exceptions=True)
        assert [type(result) for result in results] == [CommitFailed] * 2
        assert await state.read(("a",)) is None
        first = await committing(state, "b") if durability == "full" else asyncio.ensure_future(put(state, "b"))
        await asyncio.sleep(0)
        assert await state.read(("b",)) == b""
        await first
        await state.close()
        with pytest.raises(Closed):
            await state.read(("b",))

    asyncio.run(scenario())


def test_a_row_is_not_read_past_the_transaction_that_is_running() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())

        @transactional
        async def outer(_tx: Transaction) -> bytes | None:
            return await state.read(("a",))

        with pytest.raises(RuntimeError, match="inside another"):
            await outer(state)
        await state.close()

    asyncio.run(scenario())


async def committing(state: SqliteState, key: str) -> asyncio.Task[None]:
    """A write under durability full whose COMMIT is under way in its thread."""
    task = asyncio.ensure_future(put(state, key))
    while not state.engine.group.busy:
        await asyncio.sleep(0)
    return task  # type: ignore[return-value]


def test_who_gives_up_waiting_takes_nobody_along(tmp_path: Path) -> None:
    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "kumoi.db", clock=Clock(), durability="full")
        first = await committing(state, "first")
        impatient, patient = (
            asyncio.ensure_future(put(state, "impatient")),
            asyncio.ensure_future(put(state, "patient")),
        )
        await asyncio.sleep(0)
        impatient.cancel()
        results = await asyncio.gather(first, impatient, patient, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]
        assert await get(state, "impatient") is None
        await state.close()

    asyncio.run(scenario())


def test_closing_commits_what_is_open_and_what_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "kumoi.db"
        state = await SqliteState.open(path, clock=Clock(), durability="full")
        writes = [await committing(state, "first"), asyncio.ensure_future(put(state, "second"))]
        await asyncio.sleep(0)
        await state.close()
        await asyncio.gather(*writes)
        with pytest.raises(Closed):
            await put(state, "third")
        again = await SqliteState.open(path, clock=Clock())
        assert [await get(again, key) for key in ("first", "second", "third")] == [b"", b"", None]
        await again.close()

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

    async def scenario() -> None:
        for _ in range(2):  # the refusal holds no lock
            with pytest.raises(NewerData, match=f"newer Kumoi.*version 99.*knows {VERSION}"):
                await SqliteState.open(tmp_path / "kumoi.db", clock=Clock())

    asyncio.run(scenario())


@pytest.mark.parametrize("as_contents", [False, True])
def test_older_data_become_its_own_when_they_are_opened(tmp_path: Path, as_contents: bool) -> None:
    """So that an older Kumoi, which would misread what is written from now on, refuses them."""
    path = tmp_path / "kumoi.db"
    with contextlib.closing(open_connection(path, "normal")) as connection:
        connection.execute(f"PRAGMA user_version = {OLDEST}")

    async def scenario() -> None:
        opened = (None, path) if as_contents else (path, None)
        state = await SqliteState.open(opened[0], clock=Clock(), contents=opened[1])
        assert version_of(state.engine.connection) == VERSION
        await state.close()

    asyncio.run(scenario())


@transactional
async def every_operation(tx: Transaction) -> None:
    key = ("q", 1)
    await tx.put(key, b"")
    await tx.get(key)
    await tx.delete(key)
    for reverse in (False, True):
        for bounds in ({}, {"after": key}, {"before": key}, {"after": key, "before": ("q", 5)}):
            await tx.range(("q",), reverse=reverse, limit=10, **bounds)
    await tx.delete_range(("q",))
    await tx.add(key)
    await tx.append(key, b"")
    await tx.read_stream(key)
    await tx.trim_stream(key, before=tx.now)
    await tx.enqueue(key, b"")
    for item in await tx.claim(key, 2, tx.now):
        await tx.release(key, item, tx.now)
        await tx.finish(key, item)
    await tx.count(key)
    tx.timer(tx.now, "topic", key="k")
    tx.cancel_timer("topic", "k")


def test_no_operation_reads_a_whole_table() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        await get(state, "any")  # from now on the lock of reading is held
        connection = state.engine.connection
        asked: dict[str, Any] = {}  # with the parameters apart: constants would change the plan

        def record(_cursor: apsw.Cursor, statement: str, parameters: Any) -> bool:
            asked[statement] = parameters
            return True

        connection.exec_trace = record
        await every_operation(state)
        await state.due_timers(10)
        await state.next_timer()
        await state.lease("name", "owner", 60)
        connection.exec_trace = None
        plans = {
            statement: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in asked.items()
        }
        assert len(plans) > 20
        assert not [statement for statement, plan in plans.items() if any(step.startswith("SCAN") for step in plan)]
        await state.close()

    asyncio.run(scenario())


def test_a_page_of_a_range_reads_that_page_alone() -> None:
    @transactional
    async def fill(tx: Transaction) -> None:
        for number in range(5000):
            await tx.put(("q", number), b"")

    @transactional
    async def page(tx: Transaction, **options: Any) -> list[Entry]:
        return await tx.range(("q",), limit=3, **options)

    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        await fill(state)
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        state.engine.connection.set_progress_handler(step, 100)  # counts hundreds of SQLite's instructions
        assert [row.key for row in await page(state, after=("q", 4900))] == [("q", 4901), ("q", 4902), ("q", 4903)]
        assert [row.key for row in await page(state, before=("q", 5), reverse=True)] == [("q", 4), ("q", 3), ("q", 2)]
        assert steps < 5
        await state.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [4096, 8192])
def test_a_database_in_memory_is_filled_from_a_file_of_any_page_size(size: int, tmp_path: Path) -> None:
    with contextlib.closing(open_connection(tmp_path / "file.db", "normal", page_size=size)) as connection:
        assert connection.execute("PRAGMA page_size").get == size
        connection.execute("INSERT INTO rows VALUES (x'00', x'01')")

    async def filled() -> list[Any]:
        state = await SqliteState.open(None, clock=Clock(), contents=tmp_path / "file.db")
        try:
            return state.engine.connection.execute("SELECT v FROM rows").fetchall()
        finally:
            await state.close()

    assert asyncio.run(filled()) == [(b"\x01",)]
