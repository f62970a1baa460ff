"""An environment's log reaches CloudWatch Logs in few calls, whole and in order."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from kumoi.clock import Clock
from kumoi.doorway import NO_TRACE, CallDropped, Doorway, Principal
from kumoi.services.lambda_.execution_log import ExecutionLog


class SlowLogs:
    """Stands in for the doorway: what is written is kept, each time once `go` is set; the first `lost` calls fail."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost
        self.clock = Clock()
        self.batches: list[list[str]] = []
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def ask(self, service: str, operation: str, params: dict[str, Any], *_: Any) -> None:
        self.asked.set()
        await self.go.wait()
        if self.lost:
            self.lost -= 1
            raise CallDropped
        self.batches.append([event["message"] for event in params["logEvents"]])


def test_what_is_logged_while_a_batch_is_stored_goes_together_into_the_next() -> None:
    assert asyncio.run(_batches(SlowLogs())) == [["one"], ["two", "three"]]


def test_a_batch_that_is_lost_takes_none_with_it() -> None:
    assert asyncio.run(_batches(SlowLogs(lost=1))) == [["two", "three"]]


async def _batches(logs: SlowLogs) -> list[list[str]]:
    """What is stored of three invocations, of which two come while the first one's lines are being stored."""
    log = ExecutionLog(
        cast(Doorway, logs), Principal.of_service("0", "lambda.amazonaws.com", "lambda:f"), "us-east-1", "g", "s"
    )
    for line in ("one", "two", "three"):
        log.begin(NO_TRACE)
        log.platform(line)
        log.settle()
        if line == "one":
            await logs.asked.wait()
    closing = asyncio.create_task(log.close())
    logs.go.set()
    await closing
    return logs.batches
