"""The logs of a function's environments reach CloudWatch Logs in few calls, whole and in order."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from kumoi.clock import Clock
from kumoi.doorway import NO_TRACE, CallDropped, Doorway, Principal
from kumoi.services.lambda_.execution_log import ExecutionLog
from kumoi.services.lambda_.log_writer import LogWriter
from kumoi.wire.errors import aws_error


class SlowLogs:
    """Stands in for the doorway: what is written is kept, each time once `go` is set; the first `lost` calls fail.

    Calls with lines of a stream in `denied` are refused.
    """

    def __init__(self, lost: int = 0, denied: str = "") -> None:
        self.lost = lost
        self.denied = denied
        self.clock = Clock()
        self.batches: list[dict[str, list[str]]] = []
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def ask(self, service: str, operation: str, params: dict[str, Any], *_: Any) -> None:
        self.asked.set()
        await self.go.wait()
        if self.lost:
            self.lost -= 1
            raise CallDropped
        if self.denied in params["logStreams"]:
            raise aws_error("AccessDeniedException", "no")
        self.batches.append(
            {stream: [event["message"] for event in events] for stream, events in params["logStreams"].items()}
        )

    def writer(self) -> LogWriter:
        writer = Principal.of_service("0", "lambda.amazonaws.com", "lambda:f")
        return LogWriter(cast(Doorway, self), writer, "us-east-1", "g")


def test_what_is_logged_while_a_batch_is_stored_goes_together_into_the_next() -> None:
    assert asyncio.run(_batches(SlowLogs())) == [{"s": ["one"]}, {"s": ["two", "three"]}]


def test_a_batch_that_is_lost_takes_none_with_it() -> None:
    assert asyncio.run(_batches(SlowLogs(lost=1))) == [{"s": ["two", "three"]}]


def test_environments_of_a_function_share_a_call() -> None:
    assert asyncio.run(_two(SlowLogs())) == [{"a": ["a1", "a2"], "b": ["b1", "b2"]}]


def test_a_stream_that_policies_refuse_keeps_none_of_the_others() -> None:
    assert asyncio.run(_two(SlowLogs(denied="a"))) == [{"b": ["b1", "b2"]}]


async def _batches(logs: SlowLogs) -> list[dict[str, list[str]]]:
    """What is stored of three invocations, of which two come while the first one's lines are being stored."""
    log = ExecutionLog(logs.writer(), "s")
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


async def _two(logs: SlowLogs) -> list[dict[str, list[str]]]:
    """What is stored of two environments' invocations that end together; one of the environments ends then."""
    writer = logs.writer()
    one, other = ExecutionLog(writer, "a"), ExecutionLog(writer, "b")
    for log in (one, other):
        log.begin(NO_TRACE)
        log.platform(f"{log.stream}1", f"{log.stream}2")
        log.settle()
    logs.go.set()
    await other.close()
    return logs.batches
