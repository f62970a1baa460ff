"""Full segments are sealed in a quiet moment, or when many of them wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.lake import Lake, Table, View
from kumoi.lake import quiet as quiet_module
from kumoi.lake import store as store_module
from kumoi.lake.quiet import ROWS, Quiet

Line = Callable[..., dict[str, Any]]

ROUNDS = 35
"""Three full segments of ten rows, and a half."""


def sealed(root: Path) -> list[Path]:
    return list((root / "lines").rglob("*.parquet"))


@pytest.mark.parametrize(("busy", "looks"), [(0, 2), (3, 5)])
def test_a_moment_is_quiet_in_which_little_was_written(monkeypatch: pytest.MonkeyPatch, busy: int, looks: int) -> None:
    monkeypatch.setattr(quiet_module, "SECONDS", 0.001)
    asked: list[int] = []

    def written() -> int:
        asked.append(min(len(asked), 2 * busy) * ROWS)  # it is asked before each moment and behind it
        return asked[-1]

    async def body() -> None:
        found = asyncio.Event()
        quiet = Quiet(written, found.set)
        quiet.wait()
        quiet.wait()
        await found.wait()

    asyncio.run(body())
    assert len(asked) >= looks


@pytest.fixture
def segments_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SEAL_ROWS", 10)


@pytest.mark.usefixtures("segments_of_ten")
def test_what_waits_is_read_and_sealed_later(
    tmp_path: Path, lines: Table, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write_and_end() -> None:
        monkeypatch.setattr(quiet_module, "SECONDS", 3600.0)
        lake = await Lake.open(tmp_path)
        lake.define(lines)
        for n in range(ROUNDS):
            await lake.append("lines", [line(n, str(n))])
        assert len(await lake.scan("lines", account="1", region="r")) == ROUNDS
        counted = await lake.query("SELECT count(*) FROM t", views={"t": View("lines", "1", "r")})
        assert counted.rows == [(ROUNDS,)]
        await lake.close()

    async def begin_again() -> list[str]:
        monkeypatch.setattr(quiet_module, "SECONDS", 0.001)
        lake = await Lake.open(tmp_path)
        lake.define(lines)
        while len(list((tmp_path / "lines").glob("tail-*"))) > 1:
            await asyncio.sleep(0.005)
        rows = await lake.scan("lines", account="1", region="r")
        await lake.close()
        return [row["message"] for row in rows]

    asyncio.run(write_and_end())
    assert not sealed(tmp_path)
    assert asyncio.run(begin_again()) == [str(n) for n in range(ROUNDS)]
    assert sealed(tmp_path)


@pytest.mark.usefixtures("segments_of_ten")
def test_no_more_waits_than_may(tmp_path: Path, lines: Table, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet_module, "SECONDS", 3600.0)

    async def body() -> None:
        lake = await Lake.open(tmp_path)
        lake.define(lines)

        async def fill() -> None:
            for n in range(10):
                await lake.append("lines", [line(n)])

        await fill()
        (full, _) = sorted((tmp_path / "lines").glob("tail-*"))
        monkeypatch.setattr(store_module, "MOST_WAITING", full.stat().st_size * 5 // 2)
        await fill()
        assert full.exists()
        await fill()
        while full.exists():
            await asyncio.sleep(0.005)
        assert sealed(tmp_path)
        await lake.close()

    asyncio.run(body())
