from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kumoi.lake import Cursor, Lake, QueryFailed, Table, View

Line = Callable[..., dict[str, Any]]
HERE = {"account": "1", "region": "r"}


def run(root: Path | None, table: Table, body: Callable[[Lake], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        lake = await Lake.open(root, **options)
        lake.define(table)
        try:
            await body(lake)
        finally:
            await lake.close()

    asyncio.run(main())


async def messages(lake: Lake, **selection: Any) -> list[str]:
    return [row["message"] for row in await lake.scan("lines", **{**HERE, **selection})]


def sealed(root: Path) -> list[Path]:
    return sorted((root / "lines").rglob("*.parquet"))


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_what_was_appended_is_there_after_a_restart(tmp_path: Path, lines: Table, line: Line, durability: str) -> None:
    async def write(lake: Lake) -> None:
        await lake.append("lines", [line(1, "a"), line(2, "b")])

    async def read(lake: Lake) -> None:
        assert await messages(lake) == ["a", "b"]
        await lake.append("lines", [line(3, "c")])
        assert [row["seq"] for row in await lake.scan("lines", **HERE)] == [1, 2, 3]

    run(tmp_path, lines, write, durability=durability)
    run(tmp_path, lines, read, durability=durability)


def test_appends_of_one_turn_of_the_loop_share_one_write(
    tmp_path: Path, lines: Table, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, content: writes.append(len(content)) or write(fd, content))

    async def body(lake: Lake) -> None:
        writes.clear()
        await asyncio.gather(*(lake.append("lines", [line(n)]) for n in range(50)))
        assert len(writes) == 1

    run(tmp_path, lines, body)


def test_rows_come_in_order_of_time_then_arrival(lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(5, "late"), line(1, "first"), line(5, "later")])
        await lake.append("lines", [line(1, "second")])
        assert await messages(lake) == ["first", "second", "late", "later"]
        assert await messages(lake, reverse=True) == ["later", "late", "second", "first"]

    run(None, lines, body)


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_reads_tail_and_sealed_files_as_one(tmp_path: Path, lines: Table, line: Line, reverse: bool) -> None:
    async def body(lake: Lake) -> None:
        written = []
        for n in range(95):
            record = line(n * 37 % 50, f"m{n}", group="even" if n % 2 == 0 else "odd")
            written.append(record)
            await lake.append("lines", [record])
        await lake.tidy()
        assert sealed(tmp_path)
        expected = [row["message"] for row in sorted(written, key=lambda row: row["time"])]
        expected = expected[::-1] if reverse else expected
        assert await messages(lake, reverse=reverse) == expected

        paged, cursor = [], None
        while page := await lake.scan("lines", **HERE, limit=7, after=cursor, reverse=reverse):
            paged += [row["message"] for row in page]
            cursor = Cursor(page[-1]["time"], page[-1]["seq"])
        assert paged == expected

        evens = [row["message"] for row in sorted(written[::2], key=lambda row: row["time"]) if 10 <= row["time"] < 20]
        found = await messages(lake, equals={"group": "even"}, start=10, end=20, reverse=reverse)
        assert found == (evens[::-1] if reverse else evens)

    run(tmp_path, lines, body)


@pytest.mark.usefixtures("small_segments")
def test_accounts_regions_and_text_select(lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        for n in range(12):
            await lake.append("lines", [line(n, f"yes {n}"), line(n, "no", account="2"), line(n, "no", region="s")])
        await lake.tidy()
        assert await messages(lake) == [f"yes {n}" for n in range(12)]
        assert await messages(lake, contains={"message": ["es 1"]}) == ["yes 1", "yes 10", "yes 11"]
        assert await messages(lake, equals={"group": []}) == []
        assert len(await lake.scan("lines", account=None, region=None)) == 36

    run(None, lines, body)


def test_an_ephemeral_lake_leaves_nothing(
    lines: Table, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(1)])
        assert list(tmp_path.iterdir())

    run(None, lines, body)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("record", [{"time": 1}, {"time": 1, "account": "1", "region": "r", "group": "g", "text": ""}])
def test_a_record_with_other_columns_is_refused(lines: Table, record: dict[str, Any]) -> None:
    async def body(lake: Lake) -> None:
        with pytest.raises(ValueError, match="other columns"):
            lake.write("lines", [record])
        assert await messages(lake) == []

    run(None, lines, body)


class Token(str):
    """A text of a type of its own, as parsers give them."""


def test_a_record_may_be_a_tuple_in_the_tables_order(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        with pytest.raises(ValueError, match="has 4 columns, the table 5"):
            await lake.append("lines", [(1, "1", "r", "g")])
        with pytest.raises(TypeError, match="a record holds a object"):
            await lake.append("lines", [(1, "1", "r", "g", object())])
        await lake.append("lines", [(2, "1", "r", "g", Token("b")), line(1, "a"), dict(reversed(line(3, "c").items()))])

    async def read(lake: Lake) -> None:
        assert await lake.scan("lines", **HERE) == [
            {**line(1, "a"), "seq": 2},
            {**line(2, "b"), "seq": 1},
            {**line(3, "c"), "seq": 3},
        ]

    run(tmp_path, lines, body)
    run(tmp_path, lines, read)


@pytest.mark.usefixtures("small_segments")
def test_deleted_rows_are_gone_at_once_and_stay_gone(tmp_path: Path, lines: Table, line: Line) -> None:
    async def write(lake: Lake) -> None:
        for n in range(25):
            await lake.append("lines", [line(n, f"a{n}", group="a"), line(n, f"b{n}", group="b")])
        await lake.tidy()
        await lake.delete("lines", **HERE, equals={"group": "a"})
        await lake.append("lines", [line(99, "new", group="a")])
        assert await messages(lake, equals={"group": "a"}) == ["new"]
        assert len(await messages(lake, equals={"group": "b"})) == 25

    async def read(lake: Lake) -> None:
        assert await messages(lake, equals={"group": "a"}) == ["new"]
        assert len(await messages(lake, equals={"group": "b"})) == 25

    run(tmp_path, lines, write)
    run(tmp_path, lines, read)


@pytest.mark.usefixtures("small_segments")
def test_rows_deleted_by_another_column_leave_the_files_when_tombstones_are_many(
    tmp_path: Path, lines: Table, line: Line
) -> None:
    async def body(lake: Lake) -> None:
        for n in range(40):
            await lake.append("lines", [line(n, f"m{n}"), line(n, "keep")])
        await lake.tidy()
        for n in range(40):
            await lake.delete("lines", **HERE, equals={"message": f"m{n}"})
        assert await messages(lake) == ["keep"] * 40
        await lake.tidy()
        assert await messages(lake) == ["keep"] * 40

    run(tmp_path, lines, body)
    remaining = b"".join(path.read_bytes() for path in (tmp_path / "lines").rglob("*.parquet"))
    assert b"keep" in remaining


@pytest.mark.usefixtures("small_segments")
def test_retention_drops_what_is_older(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        for n in range(35):
            await lake.append("lines", [line(n, str(n)), line(n, str(n), group="other")])
        await lake.tidy()
        files = len(sealed(tmp_path))
        await lake.retain("lines", **HERE, equals={"group": "g"}, before=20)
        assert await messages(lake, equals={"group": "g"}) == [str(n) for n in range(20, 35)]
        assert len(await messages(lake, equals={"group": "other"})) == 35
        await lake.tidy()
        assert len(sealed(tmp_path)) < files

    run(tmp_path, lines, body)


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("account", [None, "1"])
def test_reset_forgets_an_account_or_all(tmp_path: Path, lines: Table, line: Line, account: str | None) -> None:
    async def body(lake: Lake) -> None:
        for n in range(25):
            await lake.append("lines", [line(n), line(n, account="2")])
        await lake.reset(account)
        await lake.tidy()
        assert await messages(lake) == []
        assert len(await messages(lake, account="2")) == (0 if account is None else 25)

    run(tmp_path, lines, body)
    if account is None:
        assert not sealed(tmp_path)


@pytest.mark.usefixtures("small_segments")
def test_many_small_files_become_one(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        for n in range(100):
            await lake.append("lines", [line(n, str(n))])
            await lake.tidy()
        assert await messages(lake) == [str(n) for n in range(100)]

    run(tmp_path, lines, body)
    assert 1 <= len(sealed(tmp_path)) < 8


@pytest.mark.usefixtures("small_segments")
def test_a_query_sees_sealed_rows_and_the_tail(tmp_path: Path, lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        for n in range(25):
            await lake.append("lines", [line(n, f"m{n}"), line(n, "secret", account="2")])
        await lake.tidy()
        view = View("lines", "1", "r", start=5)
        answer = await lake.query(
            'SELECT count(*) AS n, max("time") AS last FROM logs WHERE message <> ?', ["m7"], views={"logs": view}
        )
        assert answer == (["n", "last"], [(19, 24)])

    run(tmp_path, lines, body)


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM 'https://example.com/x.parquet'",
        "COPY (SELECT 1) TO '/tmp/kumoi-should-not-exist.csv'",
        "ATTACH '/tmp/kumoi-should-not-exist.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "DROP VIEW logs",
        "SELECT 1; SELECT 2",
        "SELECT getenv('HOME')",
        "SELECT * FROM lines_in_python",
        "not sql",
        "",
    ],
)
def test_a_query_reaches_nothing_but_its_rows(lines: Table, line: Line, sql: str) -> None:
    lines_in_python = [1]

    async def body(lake: Lake) -> None:
        for n in range(12):
            await lake.append("lines", [line(n)])
        await lake.tidy()
        with pytest.raises(QueryFailed):
            await lake.query(sql, views={"logs": View("lines", "1", "r")})

    run(None, lines, body)
    assert lines_in_python


def test_a_query_ends_when_it_is_cancelled(lines: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(1)])
        endless = lake.query(
            "SELECT count(*) FROM range(1000000000) a, range(1000) b", views={"logs": View("lines", "1", "r")}
        )
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(endless, 0.2)

    run(None, lines, body)


@pytest.mark.usefixtures("small_segments")
def test_a_table_may_gain_and_lose_columns(tmp_path: Path, lines: Table, line: Line) -> None:
    changed = Table(
        "lines", {**{k: v for k, v in lines.columns.items() if k != "message"}, "level": "VARCHAR"}, lines.partition
    )

    async def write(lake: Lake) -> None:
        for n in range(15):
            await lake.append("lines", [line(n)])
        await lake.tidy()

    async def read(lake: Lake) -> None:
        rows = await lake.scan("lines", **HERE)
        assert [(row["time"], row["level"]) for row in rows] == [(n, None) for n in range(15)]
        assert all("message" not in row for row in rows)
        answer = await lake.query("SELECT count(level), count(*) FROM l", views={"l": View("lines", "1", "r")})
        assert answer.rows == [(0, 15)]

    run(tmp_path, lines, write)
    run(tmp_path, changed, read)


@pytest.mark.usefixtures("small_segments")
def test_a_partition_may_have_any_name(tmp_path: Path, lines: Table, line: Line) -> None:
    names = ["/aws/lambda/f", "..", "a" * 512, "b" * 511 + "c", "ü/'\"%", ""]

    async def body(lake: Lake) -> None:
        for n in range(20):
            await lake.append("lines", [line(n, group=name) for name in names])
        await lake.tidy()
        for name in names:
            assert len(await messages(lake, equals={"group": name})) == 20

    run(tmp_path, lines, body)
    assert all(path.is_relative_to(tmp_path / "lines") for path in tmp_path.rglob("*.parquet"))


@pytest.mark.usefixtures("small_segments")
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=12, max_size=12))
def test_text_survives_sealing(lines: Table, line: Line, texts: list[str]) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(n, text) for n, text in enumerate(texts)])
        await lake.tidy()
        assert await messages(lake) == texts

    run(None, lines, body)


def test_duckdb_is_not_loaded_before_it_is_needed(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import asyncio, sys\n"
        "from kumoi.lake import Lake, Table\n"
        "table = Table('t', {'time': 'BIGINT', 'account': 'VARCHAR', 'region': 'VARCHAR'})\n"
        "async def main():\n"
        "    lake = await Lake.open(None)\n"
        "    lake.define(table)\n"
        "    await lake.append('t', [{'time': 1, 'account': 'a', 'region': 'r'}])\n"
        "    await lake.scan('t', account='a', region='r')\n"
        "    await lake.reset()\n"
        "    await lake.close()\n"
        "asyncio.run(main())\n"
        "sys.exit('duckdb' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
