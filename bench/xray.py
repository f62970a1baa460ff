"""X-Ray: segments taken in a second, a service graph of 100,000 segments, and what calls pay that are not traced.

    .venv/bin/python bench/xray.py

One process, on files. Lag is how late the event loop woke up at worst while the graph was made.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kumoi.doorway import Call, Doorway, Hop, Principal, Trace, Traced
from kumoi.lake import View
from kumoi.platform import Platform, Settings
from kumoi.services.xray.daemon import Daemon
from kumoi.services.xray.platform_segments.emitter import Emitter

TRACES = 25_000
ACCOUNT = "000000000000"
CALLER = Principal.root(ACCOUNT)


def trace(number: int, now: float) -> list[str]:
    """A request to a stage, its function's two segments, and a table."""
    root = f"1-{int(now) - number % 3_000:08x}-{number:024x}"
    ids = [os.urandom(8).hex() for _ in range(6)]
    begun = now - number % 3_000
    http = {"request": {"url": f"https://shop/orders/{number}", "method": "GET"}, "response": {"status": 200}}
    aws = {"account_id": ACCOUNT, "function_arn": "arn:aws:lambda:us-east-1:000000000000:function:order"}
    times = {"trace_id": root, "start_time": begun, "end_time": begun + 0.05 + number % 7 / 100}
    call = {"id": ids[1], "name": "Lambda", "namespace": "aws", "start_time": begun, "end_time": begun + 0.04}
    table = {"id": ids[4], "name": "DynamoDB", "namespace": "aws", "aws": {"table_name": "orders"}}
    documents = [
        {"id": ids[0], "name": "shop/prod", "http": http, "subsegments": [call], **times},
        {"id": ids[2], "name": "order", "origin": "AWS::Lambda", "parent_id": ids[1], "aws": aws, **times},
        {"id": ids[3], "name": "order", "origin": "AWS::Lambda::Function", "parent_id": ids[2], "aws": aws, **times},
        {"type": "subsegment", "parent_id": ids[3], "annotations": {"n": number % 10}, **table, **times},
    ]
    return [json.dumps(document) for document in documents]


@asynccontextmanager
async def lag() -> AsyncIterator[list[float]]:
    worst = [0.0]

    async def watch() -> None:
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(0.001)
            worst[0] = max(worst[0], time.perf_counter() - asked - 0.001)

    task = asyncio.create_task(watch())
    try:
        yield worst
    finally:
        task.cancel()


async def timed(doorway: Doorway, operation: str, **params: Any) -> Any:
    async with lag() as worst:
        began, used = time.perf_counter(), time.process_time()
        answer = await doorway.ask("xray", operation, params, CALLER, "us-east-1")
        took, used = time.perf_counter() - began, time.process_time() - used
    print(f"{operation:34} {took * 1000:9.1f} ms   CPU {used * 1000:7.1f} ms   lag {worst[0] * 1000:5.1f} ms")
    return answer


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with Platform(Settings(port=0, data=Path(directory), xray_port=0)) as platform:
            doorway = platform.parts[Doorway]
            now = time.time()
            documents = [text for number in range(TRACES) for text in trace(number, now)]
            began, used = time.perf_counter(), time.process_time()
            for at in range(0, len(documents), 50):
                given = {"TraceSegmentDocuments": documents[at : at + 50]}
                await doorway.ask("xray", "PutTraceSegments", given, CALLER, "us-east-1")
            took, used = time.perf_counter() - began, (time.process_time() - used) / len(documents)
            rate = len(documents) / took
            print(f"PutTraceSegments, 50 at once       {rate:9,.0f}/s   CPU {used * 1e6:5.1f} µs a segment")
            await doorway.lake.tidy()
            window = {
                "StartTime": datetime.fromtimestamp(now - 3_600, UTC),
                "EndTime": datetime.fromtimestamp(now + 60, UTC),
            }
            for _ in range(2):
                graph = await timed(doorway, "GetServiceGraph", **window)
            counts = [one["SummaryStatistics"]["TotalCount"] for one in graph["Services"] if "SummaryStatistics" in one]
            assert sum(counts) == len(documents), counts
            await timed(
                doorway, "GetTraceSummaries", **window, FilterExpression='service("orders") AND annotation.n = 3'
            )
            await timed(doorway, "BatchGetTraces", TraceIds=[json.loads(documents[4_000])["trace_id"]])
            await datagrams(platform, documents[:20_000])
            overhead(platform)


async def datagrams(platform: Platform, documents: list[str]) -> None:
    """Send in bursts of 100, from another thread."""
    doorway = platform.parts[Doorway]
    host, _, port = doorway.tracing.daemon.rpartition(":")
    head = '{"format": "json", "version": 1}\n'
    before = await count(doorway)
    received = platform.parts[Daemon]

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number, text in enumerate(documents):
                sender.sendto((head + text).encode(), (host, int(port)))
                if number % 100 == 99:
                    time.sleep(0.001)

    began, used = time.perf_counter(), time.process_time()
    await asyncio.to_thread(send)
    assert not received.refused
    took = time.perf_counter() - began
    kept = await count(doorway) - before
    used = (time.process_time() - used) / max(kept, 1)
    print(
        f"datagrams, sender included         {kept / took:9,.0f}/s   CPU {used * 1e6:5.1f} µs a segment, {kept:,} kept"
    )


async def count(doorway: Doorway) -> int:
    views = {"segments": View("xray_segments", ACCOUNT, "us-east-1")}
    return int((await doorway.lake.query("SELECT count(*) FROM segments", views=views)).rows[0][0])


def overhead(platform: Platform) -> None:
    """What a call pays that is not traced: its onward trace, and a hop that X-Ray looks at."""
    doorway, emitter = platform.parts[Doorway], platform.parts[Emitter]
    call = Call(doorway, "sqs", "SendMessage", {}, CALLER, trace=Trace.new(0.0))
    hop = Hop(0, ACCOUNT, "us-east-1", "r", call.span, "", "a", "b", "sqs", "SendMessage", "ok", 1, 0, 0, "id", "", {})
    facts = {"name": "f", "arn": "arn:f", "arrived": 0.0, "began": 0.0, "ended": 0.1, "init": None, "duration": 0.1}
    facts |= {"error_type": None, "error": b""}
    root = f"1-{int(time.time()):08x}-{1:024x}"
    invoked = hop._replace(trace=root, service="lambda", time=1, traced=Traced("lambda", "", facts))
    for name, step, rounds in (
        ("not traced: onward trace", lambda: call.onward, 200_000),
        ("not traced: a hop", lambda: emitter.see(hop), 200_000),
        ("traced: an invocation's segments", lambda: emitter.see(invoked), 5_000),
    ):
        used = time.process_time()
        for _ in range(rounds):
            step()
        print(f"{name:34} {(time.process_time() - used) / rounds * 1e6:9.2f} µs of CPU")


if __name__ == "__main__":
    asyncio.run(main())
