"""What the platform itself writes into the log of an execution environment, and tells its extensions.

There is one model, the platform events of the Telemetry API; the lines of a text log are another rendering of some.
Sources: "Lambda Telemetry API event schema reference"; "Log-level filtering" for what a JSON log holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kumoi.doorway import Trace
from kumoi.sandbox import Outcome, Sandbox
from kumoi.services.lambda_ import log_lines
from kumoi.services.lambda_.execution_log import ExecutionLog
from kumoi.services.lambda_.log_lines import Report
from kumoi.services.lambda_.records import Function

_LEVELS = {"DEBUG": 0, "INFO": 1, "WARN": 2}


class PlatformLog:
    """The platform's voice in one execution environment. `now` answers platform time."""

    def __init__(self, log: ExecutionLog, function: Function, version_arn: str, now: Callable[[], float]) -> None:
        self._log = log
        self._function = function
        self._version_arn = version_arn
        self._now = now
        self._json = function.logging.format == "JSON"
        self._least = _LEVELS[function.logging.system_level or "INFO"] if self._json else 0
        self._early: list[dict[str, Any]] = []
        self._kind = "on-demand"
        self.sandbox: Sandbox | None = None

    def init_start(self, kind: str) -> None:
        """The environment is being made; `kind` is on-demand or provisioned-concurrency."""
        self._kind = kind
        function = self._function
        if not self._json:
            self._log.platform(log_lines.init_start(function.runtime, self._version_arn))
        record = {
            "initializationType": kind,
            "phase": "init",
            "runtimeVersion": function.runtime,
            "runtimeVersionArn": self._version_arn,
            "functionName": function.name,
            "functionVersion": function.version,
        }
        self._early = [self._event("initStart", record, "INFO")]

    def start(self, request_id: str, trace: Trace) -> None:
        """An invocation begins."""
        if not self._json:
            self._log.platform(log_lines.start(request_id, self._function.version))
            if self.sandbox is None or not self.sandbox.observed:
                return
        record: dict[str, Any] = {"requestId": request_id, "version": self._function.version}
        if trace.parent:
            record["tracing"] = {"spanId": trace.parent, "type": "X-Amzn-Trace-Id", "value": trace.header(trace.parent)}
        self._tell(self._event("start", record, "INFO"))

    def done(self, request_id: str, outcome: Outcome, trace: Trace | None = None) -> None:
        """An invocation has ended; `trace` is given where it was traced."""
        usage = Report(
            request_id,
            outcome.duration,
            outcome.init_duration,
            self._function.memory_size,
            outcome.max_memory_mb,
            outcome.status,
            outcome.error_type,
            trace,
        )
        if not self._json:
            self._log.platform(log_lines.end(request_id), log_lines.report(usage))
            if self.sandbox is None or not self.sandbox.observed:
                return
        level = "INFO" if outcome.status == "success" else "WARN"
        if outcome.init_duration is not None:
            self._tell_init(outcome)
        done: dict[str, Any] = {
            "requestId": request_id,
            "status": outcome.status,
            "metrics": {
                "durationMs": round(outcome.duration * 1000, 3),
                "producedBytes": 0 if outcome.streamed else len(outcome.payload),
            },
        }
        if outcome.error_type is not None:
            done["errorType"] = outcome.error_type
        self._tell(self._event("runtimeDone", done, "DEBUG" if level == "INFO" else level))
        self._tell(self._event("report", log_lines.report_record(usage), level))

    def _tell_init(self, outcome: Outcome) -> None:
        """The initialisation's own events; an extension subscribes while it lasts, so they are told after it."""
        record: dict[str, Any] = {"initializationType": self._kind, "phase": "init", "status": "success"}
        metrics = {"durationMs": round((outcome.init_duration or 0.0) * 1000, 3)}
        for event in self._early:
            self._pass_on(event)
        self._early = []
        self._tell(self._event("initRuntimeDone", record, "DEBUG"))
        self._tell(self._event("initReport", {**record, "metrics": metrics}, "DEBUG"))

    def _event(self, kind: str, record: dict[str, Any], level: str) -> dict[str, Any]:
        """An event, written to a JSON log that is detailed enough for it."""
        event = log_lines.platform_event(kind, self._now(), record)
        if self._json and _LEVELS[level] >= self._least:
            self._log.platform(log_lines.platform_line(event))
        return event

    def _tell(self, event: dict[str, Any]) -> None:
        if self.sandbox is not None and self.sandbox.observed:
            self._pass_on(event)

    def _pass_on(self, event: dict[str, Any]) -> None:
        if self.sandbox is not None:
            self.sandbox.tell(event)
