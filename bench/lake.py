"""The lake: CPU time of an append against bare orjson and os.write, and how long reads take.

    scripts/bench lake

Appends are hops (17 columns) in batches of 1, 10 and 100, each batch acknowledged before the next, on uvloop. Reads:
the last 1,000 of 20,000 rows in the tail, a page of sealed rows, and SQL over a million sealed rows.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import uvloop

from kumoi.doorway.hop import TABLE as HOPS
from kumoi.lake import Lake, Table, View
from kumoi.lake import store as lake_store

LINES = Table(
    "lines",
    {"time": "BIGINT", "account": "VARCHAR", "region": "VARCHAR", "group": "VARCHAR", "message": "VARCHAR"},
    ("account", "region", "group"),
)


def hop(n: int) -> dict[str, Any]:
    return {
        "time": 1_700_000_000_000 + n,
        "account": "000000000000",
        "region": "us-east-1",
        "trace": f"1-65536f00-{n:024x}",
        "span": f"{n:016x}",
        "parent": f"{n + 1:016x}",
        "source": "lambda:thumbnail",
        "target": "s3:pictures",
        "service": "s3",
        "operation": "PutObject",
        "outcome": "ok",
        "duration_us": n % 5000,
        "request_bytes": 1024,
        "response_bytes": 512,
        "request_id": f"00000000-0000-4000-8000-{n:012x}",
        "fault": "",
        "units": "requests=1",
    }


def line(n: int) -> dict[str, Any]:
    level = "ERROR" if n % 100 == 0 else "INFO"
    return {
        "time": 1_700_000_000_000 + n,
        "account": "000000000000",
        "region": "us-east-1",
        "group": f"/aws/lambda/f{n % 4}",
        "message": f"2026-01-01T00:00:00Z\t{n:032x}\t{level}\tprocessed order {n} in {n % 97} ms",
    }


def bare(batch: int, records: list[dict[str, Any]], path: Path) -> float:
    """CPU µs a record: each batch encoded and written with one call, nothing else."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.process_time()
    for first in range(0, len(records), batch):
        chunk = records[first : first + batch]
        os.write(fd, b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in chunk))
    spent = time.process_time() - began
    os.close(fd)
    return spent / len(records) * 1e6


async def appends(root: Path) -> None:
    records = [hop(n) for n in range(20_000)]
    for batch in (1, 10, 100):
        floor = min(bare(batch, records, root / f"bare-{batch}-{n}") for n in range(3))
        ours = []
        for n in range(3):
            lake = await Lake.open(root / f"lake-{batch}-{n}")
            lake.define(HOPS)
            began = time.process_time()
            for first in range(0, len(records), batch):
                await lake.append("hops", records[first : first + batch])
            ours.append((time.process_time() - began) / len(records) * 1e6)
            await lake.close()
        print(
            f"append, batches of {batch:3}:  {min(ours):5.2f} µs CPU a record, bare {floor:5.2f}, "
            f"{min(ours) - floor:5.2f} on top"
        )
    lake = await Lake.open(None)
    lake.define(HOPS)
    began = time.process_time()
    for number, record in enumerate(records, 1):
        lake.write("hops", [record])
        if number % 20 == 0:
            await asyncio.sleep(0)
    spent = (time.process_time() - began) / len(records) * 1e6
    print(f"write, 20 single ones a turn of the loop: {spent:.2f} µs CPU a record")
    await lake.close()


async def timed(what: str, action: Callable[[], Awaitable[Any]]) -> None:
    walls, cpus = [], []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        await action()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(f"{what:52} {min(walls) * 1000:8.2f} ms wall {min(cpus) * 1000:8.2f} ms CPU")


async def reads(root: Path) -> None:
    here = {"account": "000000000000", "region": "us-east-1"}
    group = {"group": "/aws/lambda/f1"}
    lake = await Lake.open(root)
    lake.define(LINES)
    await lake.append("lines", [line(n) for n in range(20_000)])
    await timed(
        "scan: newest 1,000 of 20,000 in the tail", lambda: lake.scan("lines", **here, reverse=True, limit=1000)
    )
    await timed(
        "scan: newest 1,000 of a group in the tail",
        lambda: lake.scan("lines", **here, equals=group, reverse=True, limit=1000),
    )
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(20_000, 1_000_000, 10_000):
        await lake.append("lines", [line(n) for n in range(first, first + 10_000)])
    lake_store.SEAL_ROWS = 1
    await lake.append("lines", [line(1_000_000)])
    await lake.tidy()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    size = sum(path.stat().st_size for path in root.rglob("*.parquet")) / 1e6
    files = len(list(root.rglob("*.parquet")))
    print(
        f"1,000,000 lines appended, sealed and merged: {wall:.1f} s wall, {cpu:.1f} s CPU, {files} files, {size:.1f} MB"
    )
    await timed("scan: newest 1,000 sealed", lambda: lake.scan("lines", **here, reverse=True, limit=1000))
    await timed(
        "scan: first 1,000 with ERROR", lambda: lake.scan("lines", **here, contains={"message": ["ERROR"]}, limit=1000)
    )
    views = {"logs": View("lines", **here)}
    for what, sql in {
        "query: count": "SELECT count(*) FROM logs",
        "query: count lines with a word": "SELECT count(*) FROM logs WHERE contains(message, 'ERROR')",
        "query: by group and minute": 'SELECT "group", "time" // 60000, count(*) FROM logs GROUP BY ALL',
        "query: regular expression": "SELECT count(*) FROM logs WHERE regexp_matches(message, 'in 9[0-6] ms')",
    }.items():
        await timed(what, lambda sql=sql: lake.query(sql, views=views))
    await lake.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(appends(Path(folder)))
        uvloop.run(reads(Path(folder) / "reads"))


if __name__ == "__main__":
    main()
