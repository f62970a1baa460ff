"""A sandbox of the Python fork-server: a keeper, the runtime it forks, the channel between the runtime and us.

The runtime is started when the sandbox is, imports the handler at once, and is started again for the invocation after
one that ended it (a time-out, an exit, a kill): /tmp and the log stream stay. Error payloads of ends that the runtime
cannot report itself are made here, in the words that Lambda uses today.
"""

from __future__ import annotations

import array
import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, cast

from kumoi.sandbox.interface import Invocation, LogSink, Outcome, SandboxSpec
from kumoi.sandbox.log_pipe import LogPipe
from kumoi.sandbox.python import frames

MEASURE_SECONDS = 0.05
MAX_FRAME = 64 << 20
END_SECONDS = 10.0


class RuntimeEnded(Exception):
    """The runtime's end of the channel has closed."""


class Channel(asyncio.Protocol):
    """Frames to and from one runtime."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._frames: list[tuple[bytes, dict[str, Any], bytes]] = []
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The channel is open."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The runtime's end is closed."""
        self._end()

    def data_received(self, data: bytes) -> None:
        """Bytes of frames; garbage ends the channel, as the runtime's death would."""
        self._received += data
        while len(self._received) >= 4:
            length = int.from_bytes(self._received[:4])
            if length > MAX_FRAME:
                self.close()
                return
            if len(self._received) < 4 + length:
                return
            content = bytes(self._received[4 : 4 + length])
            del self._received[: 4 + length]
            try:
                self._frames.append(frames.parse(content))
            except ValueError:
                self.close()
                return
            self._wake()

    def send(self, kind: bytes, header: dict[str, Any], payload: bytes) -> None:
        """Send a frame."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames.frame(kind, header, payload))

    async def receive(self) -> tuple[bytes, dict[str, Any], bytes]:
        """The next frame; RuntimeEnded when there will be none."""
        while not self._frames:
            if self._ended:
                raise RuntimeEnded
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._frames.pop(0)

    def close(self) -> None:
        """Close our end."""
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Control(asyncio.Protocol):
    """What a keeper tells: that the runtime has ended, and how."""

    def __init__(self) -> None:
        self._received = b""
        self._ends: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.closed = False

    def connection_lost(self, exc: Exception | None) -> None:
        """The keeper, and with it the sandbox, is gone."""
        self.closed = True
        self._ends.put_nowait({})

    def data_received(self, data: bytes) -> None:
        """JSON lines."""
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._ends.put_nowait(json.loads(line))

    async def end(self) -> dict[str, Any]:
        """How the runtime ended; empty when the keeper cannot tell any more."""
        try:
            async with asyncio.timeout(END_SECONDS):
                return await self._ends.get()
        except TimeoutError:
            return {}


class PythonSandbox:
    """One execution environment. Made by the host; `closed` is told once, when it has ended."""

    def __init__(self, spec: SandboxSpec, control: socket.socket, log: LogPipe, closed: Callable[[], None]) -> None:
        self._spec = spec
        self._socket = control
        self._log = log
        self._closed = closed
        self._control: Control | None = None
        self._transport: asyncio.BaseTransport | None = None
        self._channel: Channel | None = None
        self._stopped = False

    @classmethod
    async def create(
        cls,
        spec: SandboxSpec,
        control: socket.socket,
        log_fd: int,
        marker: bytes,
        sink: LogSink,
        now: Callable[[], float],
        closed: Callable[[], None],
    ) -> PythonSandbox:
        """Take over the sockets of a keeper that was just asked for, and have it start the runtime."""
        sandbox = cls(spec, control.dup(), LogPipe(log_fd, marker, sink, now), closed)
        loop = asyncio.get_running_loop()
        sandbox._transport, sandbox._control = await loop.create_connection(Control, sock=control)
        await sandbox._start()
        return sandbox

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""
        return not self._stopped and self._control is not None and not self._control.closed

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end."""
        measuring = asyncio.get_running_loop().call_later(MEASURE_SECONDS, self._measure)
        self._measuring = measuring
        try:
            return await self._invoke(invocation)
        finally:
            self._measuring.cancel()
            self._log.drain()

    async def stop(self) -> None:
        """End every process of it."""
        if self._stopped:
            return
        self._stopped = True
        if self._channel is not None:
            self._channel.close()
        if self._transport is not None:
            self._transport.close()
        self._socket.close()
        self._log.close()
        self._closed()

    async def _start(self) -> None:
        """Have the keeper fork a runtime with a new channel."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            fds = array.array("i", [theirs.fileno()])
            self._socket.sendmsg([b"S"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        finally:
            theirs.close()
        _, self._channel = await asyncio.get_running_loop().create_connection(Channel, sock=ours)
        self._ready: float | None = None

    async def _invoke(self, invocation: Invocation) -> Outcome:
        began = time.monotonic()
        init: float | None = None
        try:
            if self._channel is None:
                await self._start()
            channel = cast(Channel, self._channel)
            if self._ready is None:
                kind, header, payload = await self._initialised(invocation)
                init = float(header["init"])
                if kind == frames.INIT_ERROR:
                    await self._ended()
                    return Outcome(payload, str(header["type"]), init, None, _mb(header), "error")
                self._ready = init
            began = time.monotonic()
            channel = cast(Channel, self._channel)
            channel.send(frames.INVOKE, _header(invocation), invocation.payload)
            async with asyncio.timeout(invocation.timeout):
                kind, header, payload = await channel.receive()
        except TimeoutError:
            return await self._timed_out(invocation, init)
        except (RuntimeEnded, OSError):
            return await self._exited(invocation, time.monotonic() - began, init)
        error = str(header.get("type", "Error")) if kind == frames.ERROR else None
        duration = float(header.get("duration", time.monotonic() - began))
        return Outcome(payload, error, duration, init, _mb(header), "error" if error else "success")

    async def _initialised(self, invocation: Invocation) -> tuple[bytes, dict[str, Any], bytes]:
        """The runtime's word that it is ready, or why not. An init past its limit is run once more, on the clock."""
        try:
            async with asyncio.timeout(self._spec.init_timeout):
                return await cast(Channel, self._channel).receive()
        except TimeoutError:
            await self._kill()
            await self._start()
        async with asyncio.timeout(invocation.timeout):
            return await cast(Channel, self._channel).receive()

    async def _timed_out(self, invocation: Invocation, init: float | None) -> Outcome:
        end = await self._kill()
        message = f"RequestId: {invocation.request_id} Error: Task timed out after {invocation.timeout:.2f} seconds"
        payload = json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode()
        return Outcome(payload, "Sandbox.Timedout", invocation.timeout, init, _mb(end), "timeout")

    async def _exited(self, invocation: Invocation, duration: float, init: float | None) -> Outcome:
        end = await self._kill()  # it may only have closed, or spoilt, its channel
        kind = "Runtime.ExitError"
        message = f"RequestId: {invocation.request_id} Error: {_reason(end)}"
        payload = json.dumps({"errorType": kind, "errorMessage": message}).encode()
        shown = "Runtime.OutOfMemory" if end.get("over") else kind
        return Outcome(payload, shown, duration, init, _mb(end), "failure")

    async def _kill(self) -> dict[str, Any]:
        """Kill every process; how the runtime ended."""
        if self._socket.fileno() >= 0:
            try:
                self._socket.send(b"K")
            except OSError:
                await self.stop()
                return {}
        return await self._ended()

    async def _ended(self) -> dict[str, Any]:
        """The runtime has ended, or is about to: wait for the keeper's word and forget its channel."""
        end = await cast(Control, self._control).end()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if "exited" not in end:
            await self.stop()
        return end

    def _measure(self) -> None:
        """Have the keeper look at the memory while an invocation runs."""
        if self._socket.fileno() < 0:
            return
        try:
            self._socket.send(b"M")
        except OSError:
            return
        self._measuring = asyncio.get_running_loop().call_later(MEASURE_SECONDS, self._measure)


def _header(invocation: Invocation) -> dict[str, Any]:
    return {
        "request_id": invocation.request_id,
        "function_arn": invocation.function_arn,
        "deadline_ms": int((time.time() + invocation.timeout) * 1000),
        "trace": invocation.trace_header,
        "client_context": None if invocation.client_context is None else invocation.client_context.decode(),
        "cognito_identity": None if invocation.cognito_identity is None else invocation.cognito_identity.decode(),
        "tenant_id": invocation.tenant_id,
    }


def _mb(header: dict[str, Any]) -> int:
    """The most memory held, in whole MB, at least 1."""
    return max(int(header.get("peak_kb", 0)) // 1024, 1)


def _reason(end: dict[str, Any]) -> str:
    """How the runtime ended, as Lambda says it."""
    status = end.get("exited")
    if status is None:
        return "Runtime exited with error: signal: killed"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return f"Runtime exited with error: signal: {_SIGNALS.get(name, name)}"
    code = os.waitstatus_to_exitcode(status)
    return f"Runtime exited with error: exit status {code}" if code else "Runtime exited without providing a reason"


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
