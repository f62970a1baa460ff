"""Columns worked out of others: written when rows are sealed, read where they are, worked out where they are not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kumoi.lake import Derived, Lake, Table, View

Line = Callable[..., dict[str, Any]]

LENGTH = Derived("@length", "DOUBLE", "length(message)::DOUBLE")
DOCUMENT = "CASE WHEN message[1] = '{' THEN try_cast(message AS JSON) END"


@pytest.fixture
def documents(lines: Table) -> Table:
    return replace(lines, document=DOCUMENT, derived=(LENGTH,), promoted=3, measured="message", compression="lz4_raw")


def run(root: Path, table: Table, body: Callable[[Lake], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        lake = await Lake.open(root)
        lake.define(table)
        try:
            return await body(lake)
        finally:
            await lake.close()

    return asyncio.run(main())


def view(table: Table, **more: Any) -> View:
    derived = {"len": LENGTH, "a": table.promote("/a"), "big": table.promote("/A"), "x": table.promote("/o/x'\"")}
    return View("lines", "1", "r", derived=derived, **more)


async def rows(lake: Lake, table: Table) -> list[tuple[Any, ...]]:
    found = await lake.query('SELECT len, a, "x" FROM v ORDER BY "time"', views={"v": view(table)})
    return found.rows


MESSAGES = [
    '{"a":1,"o":{"x\'\\"":"y"}}',
    '{"a":"two","rare":1}',
    "{broken",
    "plain",
    '{"a":null}',
    '{"a":{"b":1},"o":[]}',
    '{"A":3,"a":4}',
    '{"a":5}',
    '{"a":6}',
    '{"a":true}',
]
EXPECTED = [
    (float(len(message)), a, x)
    for message, a, x in zip(
        MESSAGES,
        ["1", "two", None, None, None, '{"b":1}', "4", "5", "6", "true"],
        ["y", *[None] * 9],
        strict=True,
    )
]


@pytest.mark.usefixtures("small_segments")
def test_sealed_and_fresh_rows_have_the_same_columns(tmp_path: Path, documents: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(n, message) for n, message in enumerate(MESSAGES[:9])])
        assert await rows(lake, documents) == EXPECTED[:9]
        await lake.append("lines", [line(9, MESSAGES[9])])
        await lake.tidy()
        (file,) = lake._stores["lines"].catalog.files.values()
        assert file.derived[:2] == ("@length", "/a")
        assert "/A" not in file.derived
        assert file.size == sum(map(len, MESSAGES))
        assert await rows(lake, documents) == EXPECTED

    run(tmp_path, documents, body)


@pytest.mark.usefixtures("small_segments")
def test_files_of_before_are_read_and_gain_the_columns_when_merged(
    tmp_path: Path, lines: Table, documents: Table, line: Line
) -> None:
    async def old(lake: Lake) -> None:
        for part in range(7):
            await lake.append("lines", [line(100 * part + n, message) for n, message in enumerate(MESSAGES)])
        await lake.tidy()

    async def new(lake: Lake) -> None:
        assert await rows(lake, documents) == EXPECTED * 7
        await lake.append("lines", [line(700 + n, message) for n, message in enumerate(MESSAGES)])
        await lake.tidy()
        (file,) = lake._stores["lines"].catalog.files.values()
        assert {"@length", "/a"} <= set(file.derived)
        assert await rows(lake, documents) == EXPECTED * 8

    run(tmp_path, lines, old)
    run(tmp_path, documents, new)


@pytest.mark.usefixtures("small_segments")
def test_a_column_is_worked_out_of_one_that_files_of_before_lack(tmp_path: Path, lines: Table, line: Line) -> None:
    whole = Derived("whole", "VARCHAR", "coalesce(was, message)")

    async def old(lake: Lake) -> None:
        await lake.append("lines", [line(n, str(n)) for n in range(10)])
        await lake.tidy()

    async def new(lake: Lake) -> list[tuple[Any, ...]]:
        shown = View("lines", "1", "r", derived={"whole": whole})
        return (await lake.query('SELECT whole FROM v ORDER BY "time"', views={"v": shown})).rows

    run(tmp_path, lines, old)
    later = replace(lines, columns={**lines.columns, "was": "VARCHAR"})
    assert run(tmp_path, later, new) == [(str(n),) for n in range(10)]


@pytest.mark.usefixtures("small_segments")
def test_views_are_measured(tmp_path: Path, documents: Table, line: Line) -> None:
    async def body(lake: Lake) -> None:
        await lake.append("lines", [line(n, "é" * n) for n in range(10)])
        await lake.tidy()
        await lake.append("lines", [line(10, "xyz"), line(11, "q", group="h")])
        assert await lake.measure(view(documents)) == (12, 2 * 45 + 4)
        assert await lake.measure(view(documents, start=8, end=11)) == (3, 2 * 17 + 3)
        assert await lake.measure(view(documents, equals={"group": "h"})) == (1, 1)
        await lake.delete("lines", account="1", region="r", equals={"group": "g", "message": ["é", "xyz"]})
        assert await lake.measure(view(documents)) == (10, 2 * 44 + 1)
        assert {partition["group"] for partition in lake.partitions("lines")} == {"g", "h"}

    run(tmp_path, documents, body)


@pytest.mark.usefixtures("small_segments")
def test_only_the_edge_is_read_where_no_more_is_needed(tmp_path: Path, documents: Table, line: Line) -> None:
    async def times(lake: Lake, **more: Any) -> list[int]:
        found = await lake.query('SELECT "time" FROM v ORDER BY "time"', views={"v": view(documents, **more)})
        return [time for (time,) in found.rows]

    async def body(lake: Lake) -> None:
        for part in (0, 2, 1):
            await lake.append("lines", [line(100 * part + n, "x") for n in range(10)])
        await lake.tidy()
        assert await times(lake, newest=3) == list(range(200, 210))
        assert await times(lake, newest=11) == [*range(100, 110), *range(200, 210)]
        assert await times(lake, oldest=10) == list(range(10))
        assert await times(lake, newest=3, end=205) == [*range(100, 110), *range(200, 205)]

    run(tmp_path, documents, body)
