"""The runtime of Python functions: import the handler once, then answer invocations, one after the other.

Behaves as AWS's Python runtime does: context, JSON in and out, error payloads and their stack traces, log formats.
Sources: the developer guide ("Building Lambda functions with Python") and the runtime client's observable behaviour.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import resource
import signal
import socket
import sys
import time
import traceback
from typing import Any, Callable

from . import fork_handlers, frames, isolation, program, skewed
from .context import LambdaContext, Place
from .event_json import ResultWriter, read_event
from .function_log import FunctionLog
from .trace_variable import TraceVariable

_HERE = os.path.dirname(os.path.abspath(__file__))


def main(spec: dict[str, Any], level: str, channel: int, log: int) -> None:
    """Become the function: take on its limits, descriptors and environment, then serve until the channel closes."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program.descriptors(log, channel)
    isolation.confine(level, spec["uid"], spec["memory_mb"])
    os.environ.clear()
    os.environ.update(spec["environment"])
    time.tzset()
    os.chdir(spec["task"])
    random.seed()
    fork_handlers.register()
    serve(spec)


def serve(spec: dict[str, Any]) -> None:
    """Serve the channel on descriptor 3.

    `spec` holds handler, task (where the code is), opt (where layers are), marker, log_format, log_level and
    runtime_directory; clock_skew where the clock is off.
    """
    if spec.get("clock_skew"):
        skewed.skew(spec["clock_skew"])
    task, opt = spec["task"], spec["opt_seen"]
    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    layers = [f"{opt}/python/lib/{minor}/site-packages", f"{opt}/python"] if opt else []
    sys.path[:] = [task, *layers, *sys.path, spec["runtime_directory"]]
    sys.argv[:] = [f"{spec['runtime_directory']}/bootstrap.py"]
    log_pipe = FunctionLog(1, bytes.fromhex(spec["marker"]), None if task == "/var/task" else (task, "/var/task"))
    log_pipe.install(spec["log_format"], spec["log_level"])
    Runtime(socket.socket(fileno=3), log_pipe, spec).serve()


class Fault(Exception):
    """An error of the runtime's own, by AWS's name for it."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.trace = trace or []


class Runtime:
    """Answers the frames of one channel."""

    def __init__(self, channel: socket.socket, log: FunctionLog, spec: dict[str, Any]) -> None:
        self._channel = channel
        self._log = log
        self._handler_name: str = spec["handler"]
        self._format: str = spec["log_format"]
        environment = os.environ.get("AWS_EXECUTION_ENV", "")
        ascii_only = environment in {f"AWS_Lambda_python3.{minor}" for minor in range(6, 12)}
        self._results = ResultWriter(ensure_ascii=ascii_only)
        self._trace = TraceVariable()
        self._place = Place()

    def serve(self) -> None:
        """Import the handler, then answer invocations until the channel closes."""
        began = time.perf_counter()
        try:
            handler = self._load()
        except Exception as error:  # noqa: BLE001  (whatever user code raises is reported as AWS does)
            payload = self._failure(error, "")
            self._send(frames.INIT_ERROR, {"init": time.perf_counter() - began, "type": payload["errorType"]}, payload)
            os._exit(1)
        self._send(frames.READY, {"init": time.perf_counter() - began})
        incoming = frames.FrameReader(self._channel)
        while self._serve_one(handler, incoming):
            pass
        os._exit(0)

    def rehearse(self) -> None:
        """Load the handler and answer the one invocation that is in the channel."""
        self._serve_one(self._load(), frames.FrameReader(self._channel))

    def _serve_one(self, handler: Callable[[Any, Any], Any], incoming: frames.FrameReader) -> bool:
        received = incoming.read()
        if received is None:
            return False
        self._invoke(handler, received[1], received[2])
        return True

    def _load(self) -> Callable[[Any, Any], Any]:
        name = self._handler_name
        module_name, dot, function_name = name.rpartition(".")
        if not dot:
            raise Fault(
                "Runtime.MalformedHandlerName",
                f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)",
            )
        if module_name.split(".")[0] in sys.builtin_module_names:
            raise Fault(
                "Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module"
            )
        try:
            module = importlib.import_module(module_name.replace("/", "."))
        except ImportError as error:
            raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
        except SyntaxError as error:
            where = f'  File "{error.filename}" Line {error.lineno}\n    {(error.text or "").strip()}'
            message = f"Syntax error in module '{module_name}': {error}"
            raise Fault("Runtime.UserCodeSyntaxError", message, [self._log.shown(where)]) from None
        if not hasattr(module, function_name):
            raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
        handler: Callable[[Any, Any], Any] = getattr(module, function_name)
        return handler

    def _invoke(self, handler: Callable[[Any, Any], Any], invocation: dict[str, Any], payload: bytes) -> None:
        self._log.request_id = invocation["request_id"]
        self._trace.set(invocation["trace"])
        began = time.perf_counter_ns()
        try:
            try:
                event = read_event(payload)
            except ValueError as error:
                raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None
            result = handler(event, LambdaContext(invocation, self._place))
            try:
                answer = self._results.write(result)
            except (TypeError, ValueError, RecursionError) as error:
                raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None
        except Exception as error:  # noqa: BLE001  (whatever user code raises is reported as AWS does)
            failure = self._failure(error, invocation["request_id"])
            duration = (time.perf_counter_ns() - began) / 1e9
            self._log.flush()
            usage = {"duration": duration, "peak_kb": _peak_kb(), "type": failure["errorType"]}
            self._send(frames.ERROR, usage, failure)
            return
        self._log.flush()
        header = b'{"duration":%de-9,"peak_kb":%d}' % (time.perf_counter_ns() - began, _peak_kb())
        self._channel.sendall(frames.assemble(frames.RESULT, header, answer))

    def _failure(self, error: Exception, request_id: str) -> dict[str, Any]:
        """The error payload, as it was written to the log."""
        if isinstance(error, Fault):
            kind, message, trace = error.kind, error.message, error.trace
        else:
            kind, message = type(error).__name__, str(error)
            rows = traceback.extract_tb(error.__traceback__)
            while rows and (rows[0].filename.startswith(_HERE) or rows[0].filename.startswith("<frozen importlib")):
                rows = rows[1:]  # type: ignore[assignment]
            if not rows or rows[0].filename.endswith("importlib/__init__.py"):
                rows = [row for row in rows if "importlib" not in row.filename]  # type: ignore[assignment]
            plain = [(row.filename, row.lineno, row.name, row.line) for row in rows]
            trace = [self._log.shown(line) for line in traceback.format_list(plain)]  # type: ignore[arg-type]
        payload = {
            "errorMessage": self._log.shown(message),
            "errorType": kind,
            "requestId": request_id,
            "stackTrace": trace,
        }
        self._log.error(payload, self._format)
        return payload

    def _send(self, kind: bytes, header: dict[str, Any], payload: dict[str, Any] | None = None) -> None:
        body = b"" if payload is None else json.dumps(payload, ensure_ascii=False).encode("utf-8", "backslashreplace")
        self._channel.sendall(frames.frame(kind, header, body))


def _peak_kb() -> int:
    """The most memory ever held (KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
