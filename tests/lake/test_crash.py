"""kill -9 while records are appended, sealed, merged and deleted: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kumoi.lake import Lake, Table

ROUNDS = 8

CHILD = """
import asyncio, sys
from pathlib import Path
import duckdb  # loaded before the first record, so that sealing keeps up with a short life
import kumoi.lake.store
from kumoi.lake import Lake, Table

kumoi.lake.store.SEAL_ROWS, kumoi.lake.store.MOST_WAITING = 150, 0
root, number = Path(sys.argv[1]), int(sys.argv[2])
COLUMNS = {"time": "BIGINT", "account": "VARCHAR", "region": "VARCHAR", "group": "VARCHAR", "message": "VARCHAR"}

async def main():
    lake = await Lake.open(root)
    lake.define(Table("lines", COLUMNS, ("account", "region", "group")))
    await lake.delete("lines", account="1", region="r", equals={"group": f"g{number - 2}"})
    print(f"deleted g{number - 2}", flush=True)
    n = 0
    while True:
        records = [
            {"time": n, "account": "1", "region": "r", "group": f"g{number}", "message": f"{number}-{n + i}"}
            for i in range(7)
        ]
        await lake.append("lines", records)
        n += 7
        print(n, flush=True)

asyncio.run(main())
"""


async def read(root: Path, table: Table) -> tuple[Counter[str], list[int]]:
    lake = await Lake.open(root)
    lake.define(table)
    rows = await lake.scan("lines", account="1", region="r", limit=10_000_000)
    await lake.close()
    return Counter(row["message"] for row in rows), [row["seq"] for row in rows]


@pytest.mark.slow
def test_nothing_acknowledged_is_lost(tmp_path: Path, lines: Table) -> None:
    chance = random.Random(20)
    acknowledged: dict[int, int] = {}
    files: set[Path] = set()
    for number in range(ROUNDS):
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == f"deleted g{number - 2}\n"
            acknowledged.pop(number - 2, None)
            for _ in range(chance.randrange(1, 4000)):
                acknowledged[number] = int(child.stdout.readline())
            os.kill(child.pid, signal.SIGKILL)
            for line in child.stdout.read().splitlines(keepends=True):
                if line.endswith("\n"):
                    acknowledged[number] = int(line)

        messages, seqs = asyncio.run(read(tmp_path, lines))
        assert set(messages.values()) == {1}, "a row came back twice"
        assert len(set(seqs)) == len(seqs)
        for group, count in acknowledged.items():
            assert all(f"{group}-{n}" in messages for n in range(count))
        assert not any(message.startswith(f"{number - 2}-") for message in messages), "a deleted row came back"
        files |= set((tmp_path / "lines").rglob("*.parquet"))
    assert files, "nothing was sealed between the crashes: the test would mean nothing"
