"""What being watched costs a call: CPU through the doorway with hops, map and lake, against the same call unrecorded.

    scripts/bench hops [CALLS]

CPU microseconds a call, of the loop's thread and of all threads (the lake seals in its own), the best of five rounds,
one kind after the other in each: the machine is shared. Recorded is what a platform does: the hop itself, the ring,
Studio's map with its prices, X-Ray's look at it, metrics, and the lake's batches, in files and sealed into Parquet.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kumoi.doorway import Call, Doorway, Hop, Principal, Trace
from kumoi.doorway.hop import TABLE
from kumoi.doorway.hops import Hops
from kumoi.lake.store import SEAL_ROWS
from kumoi.platform import Platform, Settings

ROUNDS = 5
CALLS = SEAL_ROWS
"""So many that each round seals what it wrote."""
ACCOUNT, REGION = "000000000000", "us-east-1"
CALLER = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "lambda:checkout")
MESSAGE = {"id": "order-0001", "customer": "c1", "lines": [{"sku": f"sku-{n}", "count": n} for n in range(8)]}


class Unrecorded:
    """In the place of the recorder: takes hops and keeps nothing."""

    def record(self, hop: Hop) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""


async def answered(_call: Call, **_params: Any) -> dict[str, Any]:
    """A handler that does nothing, so that what is around it is all there is."""
    return {"MessageId": "00000000-0000-0000-0000-000000000000", "MD5OfMessageBody": "0" * 32}


async def measured(doorway: Doorway, calls: int) -> tuple[float, float]:
    """CPU microseconds of a call: of the loop's thread, and of all threads once the lake has nothing left to do."""
    url = f"http://127.0.0.1/{ACCOUNT}/orders"
    body = str(MESSAGE)
    traces = [Trace.new(time.time()) for _ in range(50)]
    began, loop_began = time.process_time(), time.thread_time()
    for number in range(calls):
        params = {"QueueUrl": url, "MessageBody": body}
        call = Call(
            doorway, "sqs", "SendMessage", params, CALLER, ACCOUNT, REGION, traces[number % 50], "lambda:checkout"
        )
        call.request_bytes, call.response_bytes = 600, 120
        await doorway.dispatch(call)
        if number % 100 == 99:
            await asyncio.sleep(0)
    doorway.hops.flush()
    await doorway.lake.append(TABLE.name, [])
    await doorway.lake.tidy()
    used, on_loop = time.process_time() - began, time.thread_time() - loop_began
    return on_loop / calls * 1e6, used / calls * 1e6


async def main(calls: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with Platform(Settings(port=0, data=Path(directory), xray_port=0)) as platform:
            doorway = platform.parts[Doorway]
            service = doorway.registry["sqs"]
            await service.load()
            operation = service.find("SendMessage")
            real: Hops = doorway.hops
            kinds: dict[str, Callable[[], None]] = {}

            def be(hops: Any, payloads: bool) -> Callable[[], None]:
                def switch() -> None:
                    doorway.hops = hops
                    doorway.payloads.switch(payloads)

                return switch

            kinds["unrecorded"] = be(Unrecorded(), False)
            kinds["hops"] = be(real, False)
            kinds["hops and payloads"] = be(real, True)
            service._operations["SendMessage"] = replace(operation, handler=answered)
            best: dict[str, tuple[float, float]] = {}
            for _ in range(ROUNDS):
                for name, switch in kinds.items():
                    switch()
                    found = await measured(doorway, calls)
                    held = best.get(name, found)
                    best[name] = min(held[0], found[0]), min(held[1], found[1])
            doorway.hops = real
            bare = best["unrecorded"]
            for name, (on_loop, used) in best.items():
                over = f"   + {on_loop - bare[0]:5.1f} µs, + {used - bare[1]:5.1f} µs" if name != "unrecorded" else ""
                print(f"{name:20} {on_loop:7.1f} µs on the loop, {used:7.1f} µs in all{over}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
