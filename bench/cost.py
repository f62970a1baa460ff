"""What the meter costs: CPU of a call through the doorway, of its units, of a budget, and of a report over many hops.

    scripts/bench cost [HOPS]

CPU microseconds (process time), the best of seven runs: the machine is shared.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from kumoi.blobs import MemoryBlobs
from kumoi.clock import Clock
from kumoi.cost.budget import Budgets
from kumoi.cost.gathering import gather
from kumoi.cost.hop_cost import hop_cost
from kumoi.cost.report import Wish, report
from kumoi.doorway import (
    Call,
    ChargeKey,
    Doorway,
    Faults,
    Hop,
    Hops,
    Identity,
    Parts,
    Principal,
    Registry,
    Service,
    Trace,
)
from kumoi.doorway.hop import units_text
from kumoi.lake import Lake
from kumoi.state.sqlite import SqliteState

CALLS, RUNS = 5_000, 7
ACCOUNT, REGION = "000000000000", "us-east-1"


def services() -> list[Service]:
    sqs = Service("sqs", "kumoi.services", modules=(), resource=("QueueUrl",))

    @sqs.operation
    async def send_message(call: Call, QueueUrl: str) -> None:
        pass

    return [sqs]


async def doorway() -> tuple[Doorway, Callable[[], Awaitable[None]]]:
    clock = Clock()
    state = await SqliteState.open(None, clock=clock)
    lake = await Lake.open(None)
    made = Doorway(
        Registry(services()),
        state=state,
        blobs=MemoryBlobs(),
        lake=lake,
        clock=clock,
        identity=await Identity.open(state, clock, "off"),
        faults=Faults(clock),
        hops=Hops(lake, flush_seconds=3600.0),
        parts=Parts(),
        directory=Path,
    )

    async def close() -> None:
        await lake.close()
        await state.close()

    return made, close


def told(name: str, microseconds: float) -> None:
    print(f"{name:58} {microseconds:10.2f} µs")


def measured(work: Callable[[], Any], count: int) -> float:
    best = float("inf")
    for _ in range(RUNS):
        began = time.process_time()
        for _ in range(count):
            work()
        best = min(best, (time.process_time() - began) / count * 1e6)
    return best


async def dispatched(door: Doorway) -> float:
    root, trace, best = Principal.root(ACCOUNT), Trace("1-a-b", "origin"), float("inf")
    for _ in range(RUNS):
        began = time.process_time()
        for _ in range(CALLS):
            await door.dispatch(Call(door, "sqs", "SendMessage", {"QueueUrl": "jobs"}, root, ACCOUNT, trace=trace))
        best = min(best, (time.process_time() - began) / CALLS * 1e6)
        door.hops.clear()
    return best


def hop(number: int) -> Hop:
    """One of five calls of a journey."""
    source, target, operation, units = (
        ("client", "apigatewayv2:api", "execute-api", {"requests": 1.0}),
        (
            "apigatewayv2:api",
            "lambda:api",
            "Invoke",
            {
                "requests": 1.0,
                "lambda:millisecond": 12.3 + number % 7,
                "lambda:invocations": 1.0,
                "lambda:MB-millisecond-x86": 128.0 * (13 + number % 7),
            },
        ),
        ("lambda:api", "dynamodb:orders", "PutItem", {"requests": 1.0, "write_units": 1.0}),
        ("lambda:api", "sqs:jobs", "SendMessage", {"requests": 1.0}),
        ("lambda:api", "logs:/aws/lambda/api", "WriteFunctionLogs", {"requests": 1.0, "ingested_bytes": 400.0}),
    )[number % 5]
    return Hop(
        1_700_000_000_000 + number,
        ACCOUNT,
        REGION,
        f"trace-{number // 5}",
        f"{number}",
        "" if number % 5 == 0 else "parent",
        source,
        target,
        target.partition(":")[0],
        operation,
        "ok",
        500,
        200,
        300,
        "request",
        "",
        units,
    )


async def main() -> None:
    hops = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    door, close = await doorway()
    told("a call through the doorway", await dispatched(door))
    budgets = Budgets(door, door.clock)
    budgets.set(1e9)
    told("the same with a budget", await dispatched(door))
    budgets.clear()
    call = Call(door, "sqs", "SendMessage", {}, Principal.root(ACCOUNT))
    told("one unit", measured(lambda: call.meter("more_requests", 1), CALLS))
    key = ChargeKey(ACCOUNT, REGION, "t", "stepfunctions:m", "stepfunctions", "Execution")
    told("one charge", measured(lambda: door.charges.add(key, transitions=1), CALLS))
    sample = hop(1)
    told("a function's units as text, for the lake", measured(lambda: units_text(sample.units), CALLS))
    told("the price of a function's call", measured(lambda: hop_cost(sample), CALLS))
    for number in range(hops):
        door.hops.record(hop(number))
        if number % 50_000 == 0:
            door.hops.flush()
            await door.lake.tidy()
    door.hops.flush()
    await door.lake.tidy()
    began = time.perf_counter()
    await gather(door, None)
    told(f"{hops:,} hops added up, by hop (wall)", (time.perf_counter() - began) / hops * 1e6)
    began = time.perf_counter()
    await report(door, Wish())
    told(
        f"a report of them, whole (wall, ms: {(time.perf_counter() - began) * 1e3:,.0f}), by hop",
        (time.perf_counter() - began) / hops * 1e6,
    )
    await close()


if __name__ == "__main__":
    asyncio.run(main())
