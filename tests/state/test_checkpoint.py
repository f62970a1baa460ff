from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import apsw
import pytest

from kumoi.clock import Clock
from kumoi.state import Transaction, checkpoint, transactional
from kumoi.state.checkpoint import Checkpoints
from kumoi.state.sqlite import SqliteState


@transactional
async def put(tx: Transaction, number: int) -> None:
    await tx.put(("row", number), b"x" * 1000)


@transactional
async def count(tx: Transaction) -> int:
    return len(await tx.range(("row",)))


def folded(path: Path) -> int:
    """Rows in the database file itself, its log left aside."""
    connection = apsw.Connection(f"file:{path}?immutable=1", apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        return int(connection.execute("SELECT count(*) FROM rows").get)
    except apsw.Error:  # no table yet, or it is being written right now
        return 0
    finally:
        connection.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_what_is_committed_reaches_the_file_while_the_state_is_open(
    tmp_path: Path, durability: Literal["normal", "full"], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, fold = threading.Event(), Checkpoints._fold

    def fold_later(checkpoints: Checkpoints) -> int:
        assert looked.wait(60)
        return fold(checkpoints)

    monkeypatch.setattr(Checkpoints, "_fold", fold_later)

    async def scenario() -> None:
        path = tmp_path / "kumoi.db"
        state = await SqliteState.open(path, clock=Clock(), durability=durability)
        await asyncio.gather(*(put(state, number) for number in range(100)))
        assert folded(path) == 0
        looked.set()
        await until(lambda: folded(path) == 100)
        await state.close()

    asyncio.run(scenario())


def test_writers_without_a_pause_wait_for_a_log_that_grew_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.01)
    monkeypatch.setattr(checkpoint, "MAX_PAGES", 200)

    async def scenario() -> None:
        path = tmp_path / "kumoi.db"
        log = path.with_name("kumoi.db-wal")
        state = await SqliteState.open(path, clock=Clock())
        beginnings: set[bytes] = set()  # the log's salts change each time that it begins anew
        written = 0
        async with asyncio.timeout(60):
            while len(beginnings) < 4:
                await asyncio.gather(*(put(state, written + one) for one in range(20)))
                written += 20
                beginnings.add(log.read_bytes()[16:24])
        assert await count(state) == written
        await state.close()
        assert folded(path) == written

    asyncio.run(scenario())


def test_reading_that_never_pauses_does_not_keep_the_log_from_beginning_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.01)

    async def scenario() -> None:
        path = tmp_path / "kumoi.db"
        log = path.with_name("kumoi.db-wal")
        state = await SqliteState.open(path, clock=Clock())
        beginnings: set[bytes] = set()
        written = 0
        async with asyncio.timeout(60):
            while len(beginnings) < 3:
                await put(state, written)
                written += 1
                beginnings.add(log.read_bytes()[16:24])
                while folded(path) < written:
                    assert await count(state) == written
                    await asyncio.sleep(0.001)
        await state.close()

    asyncio.run(scenario())


def test_a_log_that_cannot_be_folded_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL", 0.01)
    monkeypatch.setattr(checkpoint, "RECOVERY", 0.01)

    async def scenario() -> None:
        path = tmp_path / "kumoi.db"
        state = await SqliteState.open(path, clock=Clock())

        def fail(_self: object) -> int:
            raise apsw.IOError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint.Checkpoints, "_fold", fail)
            await put(state, 1)
            await until(lambda: "disk I/O error" in caplog.text)
        await until(lambda: folded(path) == 1)
        await state.close()

    asyncio.run(scenario())
