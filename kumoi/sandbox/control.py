"""Our end of a keeper's socket: orders out, news in (JSON lines; see kumoi/sandbox/python/keeper.py)."""

from __future__ import annotations

import array
import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any, cast

END_SECONDS = 10.0


class SandboxGone(Exception):
    """The keeper, and with it the sandbox, is gone."""


class Control(asyncio.Protocol):
    """One keeper. `on_end` is called when the runtime or the keeper has ended, `on_extension_end` with the name and the
    wait status of an extension that has.

    `failure` says why a program could not be started, `peak_kb` the most memory that was measured (KiB).
    """

    def __init__(self, control: socket.socket) -> None:
        self._socket = control
        self._received = b""
        self._ends: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._furnished: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.failure = ""
        self.peak_kb = 0
        self.closed = False
        self.on_end: Callable[[], None] = lambda: None
        self.on_extension_end: Callable[[str, int], None] = lambda _name, _status: None

    @classmethod
    async def open(cls, control: socket.socket) -> Control:
        """Take over the socket to a keeper."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: cls(control.dup()), sock=control)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The keeper can be heard."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The keeper, and with it the sandbox, is gone."""
        self.closed = True
        self._socket.close()
        self._ends.put_nowait({})
        if self._furnished is not None and not self._furnished.done():
            self._furnished.set_exception(SandboxGone(self.failure))
        self.on_end()

    def data_received(self, data: bytes) -> None:
        """JSON lines."""
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def order(self, what: bytes) -> bool:
        """Send an order; False when the keeper is gone."""
        if self.closed:
            return False
        try:
            self._socket.send(what)
        except OSError:
            return False
        return True

    def start_runtime(self, channel: socket.socket) -> None:
        """Have the runtime started with its end of a channel; raises OSError when the keeper is gone."""
        if self.closed:
            raise SandboxGone(self.failure)
        fds = array.array("i", [channel.fileno()])
        self._socket.sendmsg([b"S"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])

    async def furnish(self, spec: dict[str, Any]) -> None:
        """Make a sandbox that was started in advance a function's; raises SandboxGone when that fails."""
        self._furnished = asyncio.get_running_loop().create_future()
        content = json.dumps(spec).encode()
        if not self.order(b"F" + len(content).to_bytes(4) + content):
            raise SandboxGone(self.failure)
        await self._furnished

    async def end(self) -> dict[str, Any]:
        """How the runtime ended; empty when the keeper cannot tell any more."""
        try:
            async with asyncio.timeout(END_SECONDS):
                return await self._ends.get()
        except TimeoutError:
            return {}

    def close(self) -> None:
        """Let go: the keeper ends, and with it every process of the sandbox."""
        if self._transport is not None:
            self._transport.abort()

    def _hear(self, news: dict[str, Any]) -> None:
        self.peak_kb = max(self.peak_kb, news.get("peak_kb", 0))
        if "furnished" in news and self._furnished is not None:
            self._furnished.set_result(None)
        elif "failed" in news:
            self.failure = news["failed"]
        elif "extension" in news:
            if "exited" in news:
                self.on_extension_end(news["extension"], news["exited"])
        elif "exec_failed" in news:
            self.failure = news["exec_failed"]
        elif "exited" in news:
            self._ends.put_nowait(news)
            self.on_end()
