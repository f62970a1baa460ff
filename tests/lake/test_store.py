"""What happens in the moments between: torn lines, leftovers of a crash, failed writes, deletions meanwhile."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.lake import Lake, Table, View
from kumoi.lake.parquet import Engine

Line = Callable[..., dict[str, Any]]


def run(root: Path, table: Table, body: Callable[[Lake], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        lake = await Lake.open(root)
        lake.define(table)
        try:
            return await body(lake)
        finally:
            await lake.close()

    return asyncio.run(main())


async def messages(lake: Lake) -> list[str]:
    return [row["message"] for row in await lake.scan("lines", account="1", region="r")]


def tails(root: Path) -> list[Path]:
    return sorted((root / "lines").glob("tail-*"))


@pytest.mark.parametrize("torn", [b'{"time": 3', b"\0\0\0\0\n\0\0", b"\xff\n"])
def test_a_torn_last_line_is_cut(tmp_path: Path, lines: Table, line: Line, torn: bytes) -> None:
    run(tmp_path, lines, lambda lake: lake.append("lines", [line(1, "a"), line(2, "b")]))
    (tail,) = tails(tmp_path)
    whole = tail.read_bytes()
    tail.write_bytes(whole[: whole.index(b"\n") + 1] + torn)

    async def body(lake: Lake) -> None:
        assert await messages(lake) == ["a"]
        await lake.append("lines", [line(3, "c")])

    run(tmp_path, lines, body)
    assert run(tmp_path, lines, messages) == ["a", "c"]


@pytest.mark.usefixtures("small_segments")
def test_a_tail_that_an_older_kumoi_wrote_is_read_and_sealed(tmp_path: Path, lines: Table) -> None:
    """Columns by name, in whatever order; one that the table has no longer, one that it had not yet."""
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "tail-0000000000000001.ndjson").write_bytes(
        b'{"time":7,"account":"1","region":"r","group":"g","message":"caf\xc3\xa9 \\"\\n","seq":1}\n'
        b'{"message":"b","group":"g","gone":[1,{"x":null}],"region":"r","account":"1","time":5,"seq":3}\n'
        b'{"time":6,"account":"1","region":"r","group":"g","seq":4}\n'
    )
    fixed = {"account": "1", "region": "r", "group": "g"}
    stored = [
        {**fixed, "time": 5, "message": "b", "seq": 3},
        {**fixed, "time": 6, "message": None, "seq": 4},
        {**fixed, "time": 7, "message": 'caf\u00e9 "\n', "seq": 1},
    ]

    async def body(lake: Lake) -> None:
        assert await lake.scan("lines", account="1", region="r") == stored
        assert await lake.append("lines", [{**fixed, "time": n, "message": str(n)} for n in range(10, 20)]) == 5
        await lake.tidy()
        assert (await lake.scan("lines", account="1", region="r"))[:3] == stored

    run(tmp_path, lines, body)
    assert not [path for path in tails(tmp_path) if path.stat().st_size]


@pytest.mark.usefixtures("small_segments")
def test_a_segment_left_over_after_sealing_is_not_read_again(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(n, str(n)) for n in range(12)])
        leftover = {path: path.read_bytes() for path in tails(tmp_path)}
        await lake.tidy()
        for path, content in leftover.items():
            if not path.exists():
                path.write_bytes(content)

    run(tmp_path, lines, body)
    assert len(tails(tmp_path)) == 2
    assert run(tmp_path, lines, messages) == [str(n) for n in range(12)]
    assert len(tails(tmp_path)) == 1


@pytest.mark.usefixtures("small_segments")
def test_sql_sees_segments_that_wait_to_be_sealed(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(n, group=str(n % 3)) for n in range(12)])
        lake.write("lines", [line(n, group=str(n % 3)) for n in range(12, 15)])
        view = View("lines", "1", "r", {"group": ["0", "1"]})
        measured, found = await asyncio.gather(
            lake.measure(view), lake.query("SELECT time FROM rows ORDER BY time", views={"rows": view})
        )
        assert measured == (10, 0)
        assert [time for (time,) in found.rows] == [n for n in range(15) if n % 3 < 2]

    run(tmp_path, lines, body)


@pytest.mark.usefixtures("small_segments")
def test_a_torn_change_of_the_catalog_did_not_happen(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(n, str(n)) for n in range(12)])
        await lake.tidy()

    run(tmp_path, lines, body)
    with (tmp_path / "lines" / "catalog.ndjson").open("ab") as journal:
        journal.write(b'{"bury":[{"id":1,"se')
    assert run(tmp_path, lines, messages) == [str(n) for n in range(12)]


@pytest.mark.usefixtures("small_segments")
def test_a_file_that_no_change_names_does_not_exist(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(n, str(n)) for n in range(12)])
        await lake.tidy()

    run(tmp_path, lines, body)
    (sealed,) = (tmp_path / "lines").rglob("*.parquet")
    stray = sealed.with_name("00000099.parquet")
    stray.write_bytes(sealed.read_bytes())
    assert run(tmp_path, lines, messages) == [str(n) for n in range(12)]
    assert not stray.exists()


def test_what_could_not_be_written_is_refused_and_not_kept(
    tmp_path: Path, lines: Table, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(1, "a")])
        write, calls = os.write, [3]

        def full_disk(fd: int, content: bytes) -> int:
            if calls:
                return write(fd, content[: calls.pop()])
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full_disk)
            with pytest.raises(OSError, match="No space"):
                await lake.append("lines", [line(2, "lost")])
        assert await messages(lake) == ["a"]
        await lake.append("lines", [line(3, "b")])
        assert await messages(lake) == ["a", "b"]

    run(tmp_path, lines, body)
    assert run(tmp_path, lines, messages) == ["a", "b"]


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize(("work", "before"), [("seal", 0), ("merge", 70)])
def test_rows_deleted_while_files_are_written_stay_deleted(
    tmp_path: Path, lines: Table, line: Line, monkeypatch: pytest.MonkeyPatch, work: str, before: int
) -> None:
    begun, proceed = threading.Event(), threading.Event()
    original = getattr(Engine, work)
    kept = Counter({"other": before, "ho": 10})

    def slowly(*args: Any) -> Any:
        begun.set()
        proceed.wait()
        return original(*args)

    async def body(lake: Lake) -> None:
        for n in range(before):
            await lake.append("lines", [line(n, "old"), line(n, "other", group="h")])
            await lake.tidy()
        with monkeypatch.context() as patch:
            patch.setattr(Engine, work, slowly)
            await lake.append(
                "lines", [line(n, message, group=message[0]) for n in range(10) for message in ("go", "ho")]
            )
            await asyncio.to_thread(begun.wait)
            await lake.delete("lines", account="1", region="r", equals={"group": "g"})
            proceed.set()
            await lake.tidy()
        assert Counter(await messages(lake)) == kept
        await lake.append("lines", [line(100, "new")])

    run(tmp_path, lines, body)
    assert Counter(run(tmp_path, lines, messages)) == kept + Counter(["new"])


def test_readers_keep_files_that_are_merged_meanwhile(tmp_path: Path, lines: Table, line: Line) -> None:
    """A scan that began before a merge still finds its files."""
    import kumoi.lake.store

    async def body(lake: Lake) -> None:
        for n in range(6 * 10):
            await lake.append("lines", [line(n, str(n))])
        await lake.tidy()
        scans = [asyncio.create_task(messages(lake)) for _ in range(4)]
        for n in range(60, 200):
            await lake.append("lines", [line(n, str(n))])
        await lake.tidy()
        for scan in scans:
            assert (await scan)[:60] == [str(n) for n in range(60)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kumoi.lake.store, "SEAL_ROWS", 10)
        patch.setattr(kumoi.lake.store, "MOST_WAITING", 0)
        run(tmp_path, lines, body)
