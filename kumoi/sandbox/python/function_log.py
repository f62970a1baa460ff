"""What a function writes: standard output as lines, log records as whole events, in the order they were written.

Both go down one pipe. A record may have several lines, so it travels framed: the sandbox's marker, u32 length, text.
Formats: "Log and monitor Python Lambda functions" (text and JSON).
"""

from __future__ import annotations

import io
import json
import logging
import os
import struct
import sys
import time
import traceback
from typing import Any

_TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "aws_request_id"}
_LEVELS = {"TRACE": "DEBUG", "DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARNING", "ERROR": "ERROR", "FATAL": "CRITICAL"}


class FunctionLog:
    """The pipe's writing end. `marker` begins framed records."""

    def __init__(self, fd: int, marker: bytes, path_in_traces: tuple[str, str] | None) -> None:
        self._fd = fd
        self._marker = marker
        self._rewrite = path_in_traces
        self.request_id = ""
        sys.stdout = io.TextIOWrapper(
            io.FileIO(1, "w", closefd=False), "utf-8", "backslashreplace", line_buffering=True
        )
        sys.stderr = io.TextIOWrapper(
            io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", line_buffering=True
        )

    def record(self, text: str) -> None:
        """Write one event, whole."""
        self.flush()
        raw = self.shown(text).encode("utf-8", "backslashreplace")
        view = memoryview(self._marker + struct.pack(">I", len(raw)) + raw)
        while view:
            view = view[os.write(self._fd, view) :]

    def flush(self) -> None:
        """Have what was printed in the pipe; a stream that user code has closed is passed over."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (ValueError, OSError, AttributeError):
                continue

    def shown(self, text: str) -> str:
        """A text as AWS would have it: the code's place as /var/task."""
        return text.replace(*self._rewrite) if self._rewrite else text

    def install(self, log_format: str, level: str) -> None:
        """Make the root logger write here, as AWS's runtime does before the function is imported."""
        logging.Formatter.converter = time.gmtime
        handler = _Handler(self)
        if log_format == "JSON":
            handler.setFormatter(_JsonFormatter(self))
            logging.getLogger().setLevel(_LEVELS.get(level, "INFO"))
        else:
            handler.setFormatter(logging.Formatter(_TEXT_FORMAT, "%Y-%m-%dT%H:%M:%S"))
        handler.addFilter(_RequestId(self))
        root = logging.getLogger()
        root.handlers[:] = [handler]

    def error(self, error: dict[str, Any], log_format: str) -> None:
        """Write an error that ended an invocation or the initialisation."""
        if log_format == "JSON":
            event = {
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "log_level": "ERROR",
                **error,
            }
            self.record(json.dumps(event, ensure_ascii=False) + "\n")
            return
        lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}"]
        if error["stackTrace"]:
            lines.append("Traceback (most recent call last):")
            for entry in error["stackTrace"]:
                lines += [_indented(line) for line in str(entry).splitlines()]
        self.record("\n".join(lines) + "\n")


def _indented(line: str) -> str:
    """A line with its indentation as no-break spaces: log viewers keep those."""
    bare = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(bare)) + bare


class _Handler(logging.Handler):
    def __init__(self, log: FunctionLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.record(self.format(record))


class _RequestId(logging.Filter):
    def __init__(self, log: FunctionLog) -> None:
        super().__init__()
        self._log = log

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self._log.request_id
        return True


class _JsonFormatter(logging.Formatter):
    def __init__(self, log: FunctionLog) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")
        self._log = log

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            kind, value, trace = record.exc_info
            event["stackTrace"] = [self._log.shown(line) for line in traceback.format_tb(trace)]
            event["errorType"] = kind.__name__ if kind else None
            event["errorMessage"] = str(value)
            event["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        event["requestId"] = self._log.request_id
        event.update((name, value) for name, value in vars(record).items() if name not in _STANDARD)
        return json.dumps(event, default=str, ensure_ascii=False) + "\n"
