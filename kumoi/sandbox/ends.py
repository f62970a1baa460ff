"""Ends of invocations that a runtime cannot report itself, in the words that Lambda uses today."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

_SIGNALS = {
    "SIGKILL": "killed",
    "SIGTERM": "terminated",
    "SIGSEGV": "segmentation fault",
    "SIGABRT": "aborted",
    "SIGINT": "interrupt",
    "SIGBUS": "bus error",
    "SIGFPE": "floating point exception",
    "SIGILL": "illegal instruction",
}


def error_payload(request_id: str, error_type: str, reason: str) -> bytes:
    """What is answered in place of the function's own payload."""
    message = f"RequestId: {request_id} Error: {reason}"
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def time_out(seconds: float) -> str:
    """Why an invocation ended that was given `seconds`."""
    return f"Task timed out after {seconds:.2f} seconds"


def exit_reason(end: Mapping[str, Any]) -> str:
    """How the runtime ended, from what its keeper told: `exited` is its wait status, absent where it was killed."""
    status = end.get("exited")
    if status is None:
        return "Runtime exited with error: signal: killed"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return f"Runtime exited with error: signal: {_SIGNALS.get(name, name)}"
    code = os.waitstatus_to_exitcode(status)
    return f"Runtime exited with error: exit status {code}" if code else "Runtime exited without providing a reason"
