"""The link to a runtime that speaks the Runtime API.

Holds the runtime's `next` until there is an invocation, and takes its answer: whole, streamed, or an error.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from typing import Any

from kumoi.sandbox.extensions import Extensions
from kumoi.sandbox.interface import Invocation, ResponseSink
from kumoi.sandbox.runtime_api import ApiConnection, ApiRequest, PieceStream
from kumoi.sandbox.runtime_link import Answer, Collected, Initialised, NotTaken, RuntimeEnded

_RUNTIME = "/2018-06-01/runtime/"
_TOO_LARGE = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."


class _Exchange:
    """One invocation: `answered` is done at its answer, or at the beginning of a streamed one."""

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self.answered: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self.began = time.monotonic()
        self.stream: PieceStream | None = None
        self.request: ApiRequest | None = None


class ApiLink:
    """The Runtime API's state for one runtime process after the other; routes extensions' requests to `extensions`."""

    def __init__(self, extensions: Extensions) -> None:
        self._extensions = extensions
        self._began = time.monotonic()
        self._initialised: asyncio.Future[Initialised] | None = None
        self._waiting: ApiConnection | None = None
        self._offered: _Exchange | None = None
        self._current: _Exchange | None = None

    def restart(self) -> None:
        """A new runtime process is about to start."""
        self._began = time.monotonic()
        self._initialised = asyncio.get_running_loop().create_future()
        self._waiting = self._offered = self._current = None

    async def initialised(self) -> Initialised:
        """Wait for the first `next`, or for an init error."""
        if self._initialised is None:
            raise RuntimeEnded
        return await asyncio.shield(self._initialised)

    async def invoke(self, invocation: Invocation, sink: ResponseSink | None) -> Answer:
        """Hand over an invocation at the next `next` and wait for its answer."""
        if self._initialised is None:
            raise NotTaken
        exchange = _Exchange(invocation)
        self._offered = exchange
        self._hand_over()
        answer = await exchange.answered
        if answer is not None:
            return answer
        return await self._streamed(exchange, sink)

    def end(self) -> None:
        """The runtime has ended."""
        initialised, self._initialised = self._initialised, None
        if initialised is not None and not initialised.done():
            initialised.set_exception(RuntimeEnded())
            initialised.exception()
        if self._offered is not None and not self._offered.answered.done():
            self._offered.answered.set_exception(NotTaken())
        current = self._current
        if current is not None and not current.answered.done():
            current.answered.set_exception(RuntimeEnded())
        if current is not None and current.stream is not None:
            current.stream.end()

    def close(self) -> None:
        """Nobody is waited for any more."""
        self.end()

    def lost(self, connection: ApiConnection) -> None:
        """A connection has closed."""
        if connection is self._waiting:
            self._waiting = None
        self._extensions.lost(connection)

    def begin(self, connection: ApiConnection, request: ApiRequest) -> None:
        """Take a streamed response as it comes."""
        exchange = self._current
        if (
            exchange is None
            or request.method != "POST"
            or request.headers.get("lambda-runtime-function-response-mode", "").lower() != "streaming"
            or request.path != f"{_RUNTIME}invocation/{exchange.invocation.request_id}/response"
            or exchange.answered.done()
        ):
            return
        exchange.stream = PieceStream(connection)
        exchange.request = request
        request.on_piece = exchange.stream.put

        def ended() -> None:
            if exchange.stream is not None:
                exchange.stream.end()
            if self._current is exchange:
                self._current = None
            connection.accept()

        request.on_end = ended
        exchange.answered.set_result(None)

    def handle(self, connection: ApiConnection, request: ApiRequest) -> None:
        """Answer a request of the Runtime API; extensions' go to `Extensions`."""
        if not request.path.startswith(_RUNTIME):
            self._extensions.handle(connection, request)
            return
        what = (request.method, *request.path[len(_RUNTIME) :].split("/"))
        match what:
            case ("GET", "invocation", "next"):
                self._next(connection)
            case ("POST", "invocation", request_id, "response" | "error" as kind):
                self._answer(connection, request, request_id, kind)
            case ("POST", "init", "error"):
                self._init_error(connection, request)
            case ("GET", "restore", "next"):
                connection.answer(200, b"")
            case ("POST", "restore", "error"):
                connection.accept()
            case _:
                connection.refuse(404, "NotFound", f"The Runtime API has no {request.method} {request.path}.")

    def _next(self, connection: ApiConnection) -> None:
        if self._current is not None:
            connection.refuse(403, "InvalidStateTransition", "The invocation before has not been answered.")
            return
        self._waiting = connection
        if self._initialised is not None and not self._initialised.done():
            self._initialised.set_result(Initialised(time.monotonic() - self._began))
        self._hand_over()

    def _hand_over(self) -> None:
        exchange, connection = self._offered, self._waiting
        if exchange is None or connection is None:
            return
        self._offered, self._waiting, self._current = None, None, exchange
        invocation = exchange.invocation
        exchange.began = time.monotonic()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_header,
        }
        if invocation.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = _one_line(invocation.client_context)
        if invocation.cognito_identity is not None:
            headers["Lambda-Runtime-Cognito-Identity"] = _one_line(invocation.cognito_identity)
        if invocation.tenant_id is not None:
            headers["Lambda-Runtime-Aws-Tenant-Id"] = invocation.tenant_id
        connection.answer(200, invocation.payload, headers)

    def _answer(self, connection: ApiConnection, request: ApiRequest, request_id: str, kind: str) -> None:
        exchange = self._current
        if exchange is None or exchange.answered.done():
            connection.refuse(403, "InvalidStateTransition", "There is no invocation to answer.")
            return
        if exchange.invocation.request_id != request_id:
            connection.refuse(400, "InvalidRequestID", "Invalid request ID")
            return
        duration = time.monotonic() - exchange.began
        self._current = None
        if request.too_large:
            payload = json.dumps({"errorMessage": _TOO_LARGE, "errorType": "Function.ResponseSizeTooLarge"}).encode()
            exchange.answered.set_result(Answer(payload, "Function.ResponseSizeTooLarge", duration))
            connection.refuse(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")
            return
        error = _error_type(request) if kind == "error" else None
        content_type = request.headers.get("content-type", "application/json")
        connection.accept()  # first: the runtime goes on beside us
        exchange.answered.set_result(Answer(bytes(request.body), error, duration, content_type=content_type))

    def _init_error(self, connection: ApiConnection, request: ApiRequest) -> None:
        if self._initialised is None or self._initialised.done():
            connection.refuse(403, "InvalidStateTransition", "The initialisation is over.")
            return
        took = time.monotonic() - self._began
        self._initialised.set_result(Initialised(took, _error_type(request), bytes(request.body)))
        connection.accept()

    async def _streamed(self, exchange: _Exchange, sink: ResponseSink | None) -> Answer:
        """Pass a streamed response on; an error may follow it in trailers."""
        stream, request = exchange.stream, exchange.request
        if stream is None or request is None:
            raise RuntimeEnded
        collected = Collected()
        content_type = request.headers.get("content-type", "application/octet-stream")
        (sink or collected).begin(content_type)
        while (piece := await stream.get()) is not None:
            await (sink or collected).write(piece)
        if self._initialised is None and self._current is exchange:
            raise RuntimeEnded
        duration = time.monotonic() - exchange.began
        error = request.headers.get("lambda-runtime-function-error-type")
        if error is not None:
            payload = _decoded(request.headers.get("lambda-runtime-function-error-body", ""), error)
            return Answer(payload, error, duration, content_type=content_type, streamed=sink is not None)
        return Answer(b"".join(collected.pieces), None, duration, 0, content_type, sink is not None)


def _error_type(request: ApiRequest) -> str:
    """An error's name: from the header, else from the body, else what Lambda calls one without a name."""
    named = request.headers.get("lambda-runtime-function-error-type")
    if named:
        return named
    try:
        body: Any = json.loads(bytes(request.body))
    except ValueError:
        return "Runtime.Unknown"
    return str(body.get("errorType", "Runtime.Unknown")) if isinstance(body, dict) else "Runtime.Unknown"


def _decoded(encoded: str, kind: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True) or json.dumps({"errorType": kind}).encode()
    except binascii.Error:
        return json.dumps({"errorType": kind}).encode()


def _one_line(value: bytes) -> str:
    """JSON as a header value: on one line, in ASCII."""
    return json.dumps(json.loads(value))
