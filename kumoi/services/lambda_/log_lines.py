"""The lines that the platform itself writes into a function's log: START, END, REPORT and their JSON forms.

Text forms are tab-separated as the service writes them; JSON forms are the platform events of the Telemetry API
("Lambda Telemetry API event schema reference").
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Trace

_HALF_A_MICROSECOND = 0.0005
"""In milliseconds."""
_NAME = re.compile(r"^(python|nodejs|provided|java|dotnet|ruby)\.?(?=.)")


class Report(msgspec.Struct, frozen=True, gc=False):
    """What an invocation used. Durations in seconds, memory in MB; `status` is success, error, failure or timeout.

    `trace` is given where the invocation was traced; its parent is the segment.
    """

    request_id: str
    duration: float
    init_duration: float | None
    memory_size: int
    max_memory_used: int
    status: str = "success"
    error_type: str | None = None
    trace: Trace | None = None

    @property
    def billed_ms(self) -> int:
        """Milliseconds billed: the duration and, since August 2025, the initialisation, rounded up."""
        return billed_milliseconds(self.duration, self.init_duration)


def billed_milliseconds(duration: float, init_duration: float | None) -> int:
    """Milliseconds billed of an invocation: its seconds and its initialisation's, rounded up from microseconds."""
    return math.ceil((duration + (init_duration or 0.0)) * 1000 - _HALF_A_MICROSECOND)


def start(request_id: str, version: str) -> str:
    """The START line."""
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    """The END line."""
    return f"END RequestId: {request_id}\n"


def report(usage: Report) -> str:
    """The REPORT line, with its trailing tab."""
    line = (
        f"REPORT RequestId: {usage.request_id}\tDuration: {usage.duration * 1000:.2f} ms\t"
        f"Billed Duration: {usage.billed_ms} ms\tMemory Size: {usage.memory_size} MB\t"
        f"Max Memory Used: {usage.max_memory_used} MB\t"
    )
    if usage.init_duration is not None:
        line += f"Init Duration: {usage.init_duration * 1000:.2f} ms\t"
    if usage.status == "timeout":
        line += "Status: timeout"
    elif usage.status in ("error", "failure") and usage.error_type:
        line += f"Status: error\tError Type: {usage.error_type}"
    if usage.trace is not None:
        line += f"\nXRAY TraceId: {usage.trace.root}\tSegmentId: {usage.trace.parent}\tSampled: true\t"
    return line + "\n"


def init_start(runtime: str, runtime_version_arn: str) -> str:
    """The INIT_START line of a new execution environment."""
    version = _NAME.sub(r"\1:", runtime, count=1)
    return f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {runtime_version_arn}\n"


def platform_event(kind: str, when: float, record: dict[str, Any]) -> dict[str, Any]:
    """A platform event, as the Telemetry API has it."""
    time = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": time, "type": f"platform.{kind}", "record": record}


def platform_line(event: dict[str, Any]) -> str:
    """A platform event as a line of a JSON log."""
    return orjson.dumps(event).decode() + "\n"


def report_record(usage: Report) -> dict[str, Any]:
    """The record of a platform.report event."""
    metrics: dict[str, Any] = {
        "durationMs": round(usage.duration * 1000, 3),
        "billedDurationMs": usage.billed_ms,
        "memorySizeMB": usage.memory_size,
        "maxMemoryUsedMB": usage.max_memory_used,
    }
    if usage.init_duration is not None:
        metrics["initDurationMs"] = round(usage.init_duration * 1000, 3)
    record: dict[str, Any] = {"requestId": usage.request_id, "metrics": metrics, "status": usage.status}
    if usage.error_type:
        record["errorType"] = usage.error_type
    if usage.trace is not None:
        span = usage.trace.parent
        record["tracing"] = {
            "spanId": span,
            "type": "X-Amzn-Trace-Id",
            "value": f"Root={usage.trace.root};Parent={span};Sampled=1",
        }
    return record
