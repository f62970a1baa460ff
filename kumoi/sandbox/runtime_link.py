"""What connects a sandbox with its runtime, whichever way that speaks: frames on a socket pair, or the Runtime API."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, NamedTuple, Protocol, cast

import msgspec
import orjson

from kumoi.sandbox.interface import Invocation, ResponseSink
from kumoi.sandbox.python import frames

MAX_FRAME = 64 << 20
_FULL, _ROOM = 32, 8
_PLAIN = {"duration", "peak_kb"}
"""What most answers' headers hold: nothing went wrong, or was streamed."""


class RuntimeEnded(Exception):
    """The runtime has ended, or is about to."""


class NotTaken(RuntimeEnded):
    """The runtime has ended before it took the invocation."""


class Initialised(NamedTuple):
    """The end of an initialisation: seconds, and what went wrong (None: nothing)."""

    seconds: float
    error_type: str | None = None
    payload: bytes = b""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A runtime's answer to an invocation; `duration` in seconds, `peak_kb` where the runtime told it.

    `ends`: the runtime said that it will end now.
    """

    payload: bytes
    error_type: str | None
    duration: float
    peak_kb: int = 0
    content_type: str = "application/json"
    streamed: bool = False
    ends: bool = False


class RuntimeLink(Protocol):
    """One runtime, from its start to its end."""

    async def initialised(self) -> Initialised:
        """Wait for the end of its initialisation; raises RuntimeEnded."""

    async def invoke(self, invocation: Invocation, sink: ResponseSink | None) -> Answer:
        """Hand over an invocation and wait for its answer; raises RuntimeEnded."""

    def end(self) -> None:
        """The runtime has ended: nobody waits for it any more."""

    def close(self) -> None:
        """Close our end."""


class Collected:
    """The sink of a response that is wanted whole."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def begin(self, content_type: str) -> None:
        """The response begins."""

    async def write(self, piece: bytes) -> None:
        """Keep a piece."""
        self.pieces.append(piece)


class Channel(asyncio.Protocol):
    """Frames to and from one runtime."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._fd = -1
        self._received = bytearray()
        self._frames: list[tuple[bytes, dict[str, Any], bytes]] = []
        self._waiter: asyncio.Future[None] | None = None
        self._ended = self._expired = False
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The channel is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._fd = transport.get_extra_info("socket").fileno()

    def connection_lost(self, exc: Exception | None) -> None:
        """The runtime's end is closed."""
        self.end()

    def data_received(self, data: bytes) -> None:
        """Bytes of frames; garbage ends the channel, as the runtime's death would."""
        if not self._received and len(data) - 4 == int.from_bytes(data[:4]):  # as nearly always
            self._take(data)
            return
        self._received += data
        while len(self._received) >= 4:
            length = int.from_bytes(self._received[:4])
            if length > MAX_FRAME:
                self.close()
                return
            if len(self._received) < 4 + length:
                return
            content = bytes(self._received[: 4 + length])
            del self._received[: 4 + length]
            if not self._take(content):
                return

    def _take(self, content: bytes) -> bool:
        """Keep a whole frame for whoever waits for it; False for garbage."""
        try:
            self._frames.append(frames.parse(content, orjson.loads))
        except ValueError:
            self.close()
            return False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        elif len(self._frames) > _FULL and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        return True

    def send(self, kind: bytes, header: dict[str, Any], payload: bytes = b"") -> None:
        """Send a frame; at once, where nothing is left to be sent before it."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        frame, sent = frames.assemble(kind, orjson.dumps(header), payload), 0
        if not transport.get_write_buffer_size():
            try:
                sent = os.write(self._fd, frame)
            except OSError:  # the socket is full, or the runtime is gone: the transport sees to both
                sent = 0
        if sent < len(frame):
            transport.write(frame[sent:])

    async def receive(self) -> tuple[bytes, dict[str, Any], bytes]:
        """The next frame; RuntimeEnded when there will be none, TimeoutError when there is none in time."""
        while not self._frames:
            await self._next()
        if self._paused and len(self._frames) <= _ROOM and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return self._frames.pop(0)

    def _next(self) -> asyncio.Future[None]:
        """Done when a frame has come, or will not; raises what `receive` does where that is known."""
        if self._ended:
            raise RuntimeEnded
        if self._expired:
            raise TimeoutError
        self._waiter = self._loop.create_future()
        return self._waiter

    async def initialised(self) -> Initialised:
        """Wait for READY or INIT_ERROR."""
        kind, header, payload = await self.receive()
        error = str(header["type"]) if kind == frames.INIT_ERROR else None
        return Initialised(float(header["init"]), error, payload)

    async def invoke(self, invocation: Invocation, sink: ResponseSink | None) -> Answer:
        """Send INVOKE; the answer, with what was streamed before it when nobody took that.

        TimeoutError once it has expired, also while a sink is slow to take what is streamed.
        """
        began = time.monotonic()
        if self._frames:
            self._forget()
        self.send(frames.INVOKE, _header(invocation), invocation.payload)
        await self._next()
        kind, header, payload = self._frames.pop() if len(self._frames) == 1 else await self.receive()
        content_type = "application/json"
        if kind != frames.RESULT and kind != frames.ERROR:
            collected = Collected()
            while kind != frames.RESULT and kind != frames.ERROR:
                if kind == frames.BEGIN:
                    content_type = str(header["content_type"])
                    (sink or collected).begin(content_type)
                elif kind == frames.CHUNK and sink is None:
                    collected.pieces.append(payload)
                elif kind == frames.CHUNK and sink is not None:
                    async with asyncio.timeout(max(began + invocation.timeout - time.monotonic(), 0.0)):
                        await sink.write(payload)
                kind, header, payload = await self.receive()
            if kind == frames.RESULT and collected.pieces:
                payload = b"".join(collected.pieces)
        try:
            if kind == frames.RESULT and header.keys() == _PLAIN:
                return Answer(payload, None, float(header["duration"]), int(header["peak_kb"]), content_type)
            return Answer(
                payload,
                str(header.get("type", "Error")) if kind == frames.ERROR else None,
                float(header["duration"]) if "duration" in header else time.monotonic() - began,
                int(header.get("peak_kb", 0)),
                content_type,
                bool(header.get("streamed")) and sink is not None,
                bool(header.get("ends")),
            )
        except (TypeError, ValueError):  # a handler wrote it: the descriptor is in its process
            self.close()
            raise RuntimeEnded from None

    def _forget(self) -> None:
        """Drop frames that came before they were asked for: a handler's, who can write to the descriptor, too."""
        self._frames.clear()
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Close our end."""
        if self._transport is not None:
            self._transport.abort()
        self.end()

    def expire(self) -> None:
        """Whoever waits for a frame has waited for long enough."""
        self._expired = True
        self._wake()

    def end(self) -> None:
        """No frame will come any more."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _header(invocation: Invocation) -> dict[str, Any]:
    header: dict[str, Any] = {
        "request_id": invocation.request_id,
        "function_arn": invocation.function_arn,
        "deadline_ms": int((time.time() + invocation.timeout) * 1000),
        "trace": invocation.trace_header,
    }
    if invocation.client_context is not None:
        header["client_context"] = invocation.client_context.decode()
    if invocation.cognito_identity is not None:
        header["cognito_identity"] = invocation.cognito_identity.decode()
    if invocation.tenant_id is not None:
        header["tenant_id"] = invocation.tenant_id
    return header
