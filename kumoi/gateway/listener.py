"""The one port: accepts connections, tells TLS from plain HTTP by the first byte, sweeps, drains.

The first byte is looked at without taking it (MSG_PEEK), so that the TLS handshake finds its ClientHello; a client
that connects and says nothing waits in a reader callback of its own and holds up nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from kumoi.gateway.http_connection import Handler, HttpConnection, WebSocketHandler
from kumoi.gateway.limits import Limits
from kumoi.gateway.response_writer import DateHeader
from kumoi.gateway.tls import CertificateAuthority

logger = logging.getLogger(__name__)

_TLS_HANDSHAKE = 0x16
_BACKLOG = 1024
_SWEEP_SECONDS = 1.0


class Listener:
    """One listening port. `port` 0 picks a free one; `tls` None serves plain HTTP alone."""

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 4566,
        websocket: WebSocketHandler | None = None,
        tls: CertificateAuthority | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._handler = handler
        self._websocket = websocket
        self._tls = tls
        self._limits = limits or Limits()
        self._context: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._silent: dict[socket.socket, float] = {}
        self._connections: set[HttpConnection] = set()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Event | None = None
        self._date = DateHeader()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    @property
    def requests_in_flight(self) -> int:
        """How many connections have a request under way."""
        return sum(connection.busy for connection in self._connections)

    async def start(self) -> None:
        """Listen. OSError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setblocking(False)
            listening.bind((self.host, self.port))
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        self._socket = listening
        self.port = listening.getsockname()[1]
        loop = asyncio.get_running_loop()
        loop.add_reader(listening.fileno(), self._accept)
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

    async def stop(self) -> None:
        """Stop accepting, answer what was asked within the drain time-out, close."""
        loop = asyncio.get_running_loop()
        if self._socket is not None:
            loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if self._sweeper is not None:
            self._sweeper.cancel()
        for waiting in list(self._silent):
            self._forget(waiting)
            waiting.close()
        for connection in list(self._connections):
            connection.drain()
        if self._connections:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.drain_timeout):
                    await self._emptied.wait()
        for connection in list(self._connections):
            connection.abort()
        for task in list(self._handshakes):
            task.cancel()

    def _accept(self) -> None:
        listening = self._socket
        for _ in range(64):
            if listening is None:
                return
            try:
                accepted, _address = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                logger.warning("a connection could not be accepted: %s", error)
                return
            accepted.setblocking(False)
            with contextlib.suppress(OSError):
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peek(accepted)

    def _peek(self, accepted: socket.socket) -> None:
        """Look at the first byte; without one, wait for it."""
        try:
            first = accepted.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            if accepted not in self._silent:
                loop = asyncio.get_running_loop()
                self._silent[accepted] = loop.time()
                loop.add_reader(accepted.fileno(), self._peek, accepted)
            return
        except OSError:
            first = b""
        self._forget(accepted)
        if not first:
            accepted.close()
            return
        task = asyncio.get_running_loop().create_task(self._connect(accepted, secure=first[0] == _TLS_HANDSHAKE))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    def _forget(self, accepted: socket.socket) -> None:
        if self._silent.pop(accepted, None) is not None:
            asyncio.get_running_loop().remove_reader(accepted.fileno())

    async def _connect(self, accepted: socket.socket, *, secure: bool) -> None:
        context = self._secure_context() if secure else None
        if secure and context is None:
            accepted.close()
            return
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._factory(secure), accepted, ssl=context)
        except (OSError, ssl.SSLError, TimeoutError) as error:
            logger.info("a connection failed before its first request: %s", error)
            accepted.close()

    def _factory(self, secure: bool) -> Callable[[], HttpConnection]:
        return lambda: HttpConnection(
            self._handler,
            self._limits,
            self._date,
            secure=secure,
            websocket=self._websocket,
            opened=self._connections.add,
            closed=self._lost,
        )

    def _secure_context(self) -> ssl.SSLContext | None:
        if self._context is None and self._tls is not None:
            self._context = self._tls.server_context()
        return self._context

    def _lost(self, connection: HttpConnection) -> None:
        self._connections.discard(connection)
        if self._emptied is not None and not self._connections:
            self._emptied.set()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._connections):
            connection.expire(now)
        for waiting, since in list(self._silent.items()):
            if now - since > self._limits.idle_timeout:
                self._forget(waiting)
                waiting.close()
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)
