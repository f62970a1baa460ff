"""Logs: how fast lines are taken in, and how long Insights queries over three million of them take.

    scripts/bench logs [LINES]

Lines come as a function's: a fifth are Lambda's own, half are JSON, the rest is text; 160 bytes on average. They are
written in batches of 2,500 through PutLogEvents as the doorway has it (no HTTP), and each query runs as StartQuery
runs it, from its text to rendered rows: the best of three, wall and CPU.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from kumoi.clock import Clock
from kumoi.doorway import Doorway, Principal
from kumoi.insights.answering import Inquiry, plan
from kumoi.platform import Platform, Settings
from kumoi.services.logs.query_run import Scope, Span, run

LINES = 3_000_000
BATCH = 2_500
GROUP = "/aws/lambda/shop"
ACCOUNT, REGION = "000000000000", "us-east-1"
SERVICES = ("orders", "pay", "ship", "cart", "mail")

QUERIES = {
    "newest 100": "fields @timestamp, @message | sort @timestamp desc | limit 100",
    "newest 100 with a word": "filter @message like 'KeyError' | limit 100",
    "promoted: errors by service": "filter level = 'ERROR' | stats count(*) by service",
    "promoted: avg, p99 by 5 min and service": "stats avg(latency), pct(latency, 99) by bin(5m), service",
    "promoted: REPORT duration by 5 min": "stats avg(@duration), max(@maxMemoryUsed) by bin(5m)",
    "promoted: one trace": "filter xray_trace_id = '1-00000007-000000000000000000000007'",
    "count by 5 min": "stats count(*) by bin(5m)",
    "count lines with a word": "filter @message like 'KeyError' | stats count(*)",
    "regular expression": "filter @message like /KeyError: .farm_4\\d\\d/ | stats count(*)",
    "alternatives, case-insensitive": "filter @message like /(?i)exception|declined/ | stats count(*) by bin(1h)",
    "glob parse with 3 captures, pct": (
        "parse @message '[*] * * in * ms' as sort, id, what, took | stats pct(took, 90) by sort"
    ),
    "regex parse with 2 captures": (
        "parse @message /order (?<id>\\d+) for (?<farm>\\w+)/ | stats count_distinct(id) by farm"
    ),
    "a key that few lines have": "filter ispresent(coupon) | stats count(*) by coupon",
    "sort by a field, newest 10,000": "fields @timestamp, latency, service | sort latency desc",
    "everything filtered, sorted": "filter latency >= 0 | sort latency desc | limit 100",
    "dedup": "filter level = 'ERROR' | dedup service, user.id",
    "distinct request ids": "stats count_distinct(@requestId)",
    "pattern": "pattern @message | sort @sampleCount desc | limit 20",
    "pattern of errors, diff": "filter level = 'ERROR' | pattern @message | diff",
}


def line(n: int, choose: random.Random) -> str:
    kind = n % 10
    uuid = f"{n:08x}-0000-4000-8000-{n:012x}"
    if kind == 0:
        return f"START RequestId: {uuid} Version: $LATEST"
    if kind == 1:
        took = choose.random() * 1000
        return (
            f"REPORT RequestId: {uuid}\tDuration: {took:.2f} ms\tBilled Duration: {took:.0f} ms\tMemory Size: 128 MB\t"
            f"Max Memory Used: {choose.randrange(40, 100)} MB\t"
        )
    if kind < 7:
        level = choose.choices(("INFO", "WARN", "ERROR"), (75, 20, 5))[0]
        coupon = ',"coupon":"C1"' if n % 50_000 == 2 else ""
        return (
            f'{{"level":"{level}","service":"{choose.choice(SERVICES)}","message":"processed order '
            f'{choose.randrange(100_000)} for farm_{choose.randrange(1000)}","latency":{choose.random() * 500:.3f},'
            f'"xray_trace_id":"1-{n:08x}-{n:024x}","user":{{"id":{choose.randrange(1000)},"plan":"pro"}}{coupon}}}'
        )
    found = choose.random()
    what = (
        f"KeyError: 'farm_{choose.randrange(1000)}'"
        if found < 0.01
        else "payment declined"
        if found < 0.06
        else "request handled"
    )
    return f"[INFO] 2026-01-01T00:00:00.000Z {uuid} {what} in {choose.randrange(300)} ms"


async def fill(doorway: Doorway, count: int, start: int) -> None:
    caller = Principal.root(ACCOUNT)
    for operation, params in (
        ("CreateLogGroup", {"logGroupName": GROUP}),
        ("CreateLogStream", {"logGroupName": GROUP, "logStreamName": "s"}),
    ):
        await doorway.ask("logs", operation, params, caller, REGION)
    choose = random.Random(7)
    wall = cpu = 0.0
    for first in range(0, count, BATCH):
        events = [
            {"timestamp": start + n // 100, "message": line(n, choose)} for n in range(first, min(first + BATCH, count))
        ]
        began, used = time.perf_counter(), time.process_time()
        params = {"logGroupName": GROUP, "logStreamName": "s", "logEvents": events}
        await doorway.ask("logs", "PutLogEvents", params, caller, REGION)
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - used
    began, used = time.perf_counter(), time.process_time()
    puts = cpu
    await doorway.lake.tidy()
    rest, cpu = time.perf_counter() - began, cpu + time.process_time() - used
    print(
        f"{count:,} lines taken in: {count / wall:,.0f} a second wall, {count / puts:,.0f} a second of CPU (all "
        f"threads); {rest:.1f} s more until all are sealed and merged: {count / (wall + rest):,.0f} a second wall, "
        f"{count / cpu:,.0f} a second of CPU"
    )


def processes() -> float:
    """CPU seconds of this process and of those that it started and that run."""
    pids = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    ticks = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return time.process_time() + sum(int(one[11]) + int(one[12]) for one in ticks) / os.sysconf("SC_CLK_TCK")


async def ask(doorway: Doorway, what: str, text: str, span: Span) -> None:
    walls, cpus, rows, statistics = [], [], 0, {}
    for _ in range(3):
        wall, cpu = time.perf_counter(), processes()
        inquiry = Inquiry(text, span.end, None)
        readings = plan(inquiry).views
        scopes = {name: Scope(ACCOUNT, (REGION,), (GROUP,), span) for name in readings}
        answer = await run(doorway.lake, inquiry, readings, scopes)
        walls.append(time.perf_counter() - wall)
        cpus.append(processes() - cpu)
        rows, statistics = answer.total, answer.statistics
    print(
        f"{what:42} {min(walls):7.3f} s wall {min(cpus):7.3f} s CPU {rows:8,} rows of "
        f"{statistics['recordsMatched']:>11,.0f}"
    )


async def main(count: int, folder: Path) -> None:
    async with Platform(Settings(port=0, data=folder)) as platform:
        doorway = platform.parts[Doorway]
        start = int(Clock().now() * 1000) - 3_600_000
        await fill(doorway, count, start)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        files = len(list(folder.rglob("*.parquet")))
        print(f"{files} files, {size / 1e6:.0f} MB")
        for what, text in QUERIES.items():
            await ask(doorway, what, text, Span(start - 1000, start + 3_600_000))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as root:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LINES, Path(root)))
