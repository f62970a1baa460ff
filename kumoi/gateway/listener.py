"""The one port: accepts connections, tells TLS from plain HTTP by the first byte, sweeps, drains.

The first byte is looked at without taking it (MSG_PEEK), so that the TLS handshake finds its ClientHello; a client
that connects and says nothing waits in a reader callback of its own and holds up nobody. Regular sweeps keep the
time-outs of all connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from kumoi.doorway.client_certificates import Anchors, ClientCertificates
from kumoi.doorway.first_bytes import FirstBytes
from kumoi.gateway import client_hello
from kumoi.gateway.http_connection import HttpConnection
from kumoi.gateway.known_heads import KnownHeads
from kumoi.gateway.limits import Limits
from kumoi.gateway.repeats import Repeats
from kumoi.gateway.response_writer import DateHeader
from kumoi.gateway.server import Connection, Handler, Server, WebSocketHandler
from kumoi.gateway.tls import CertificateAuthority

__all__ = ["Handler", "Limits", "Listener", "WebSocketHandler"]

logger = logging.getLogger(__name__)

_TLS_HANDSHAKE = 0x16
_BACKLOG = 1024
_ABORT_SECONDS = 1.0
_GOODBYE_SECONDS = 1.0
"""How long a closed TLS connection waits for its client to say so too; idle pools of SDKs never do."""


class Listener(FirstBytes, ClientCertificates):
    """One listening port, or (`uds`) one Unix socket. `port` 0 picks a free one; `tls` None serves plain HTTP alone."""

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 4566,
        websocket: WebSocketHandler | None = None,
        tls: CertificateAuthority | None = None,
        limits: Limits | None = None,
        uds: Path | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._uds = uds
        self._tls = tls
        self._limits = limits or Limits()
        self._claimed: dict[int, Callable[[], asyncio.Protocol]] = {}
        self._server = Server(
            handler,
            websocket,
            self._limits,
            DateHeader(),
            self._opened,
            self._closed,
            KnownHeads(self._limits),
            self._claimed,
            repeats or Repeats(),
        )
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._context_lock = asyncio.Lock()
        self._anchors: Anchors | None = None
        self._trusted: Sequence[str] = ()
        self._listening: socket.socket | None = None
        self._accepting = False
        self._stopping = False
        self._silent: dict[socket.socket, float] = {}
        self._connections: set[Connection] = set()
        self._connecting: dict[asyncio.Task[None], socket.socket | None] = {}
        """Those that accepted sockets are handed over in, with the socket of each that begins with a handshake."""
        self._sweeper: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    @property
    def listening(self) -> bool:
        """Whether it was started."""
        return self._listening is not None

    @property
    def requests_in_flight(self) -> int:
        """How many connections have a request (or a WebSocket) under way."""
        return sum(connection.busy for connection in self._connections)

    def claim(self, byte: int, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Have connections that begin with `byte` handled by what `protocol` makes."""
        self._claimed[byte] = protocol

    def trust(self, anchors: Anchors) -> None:
        """Ask clients behind TLS for certificates that `anchors` vouch for."""
        self._anchors = anchors

    async def start(self) -> None:
        """Listen. OSError when the address cannot be had."""
        self._listening = _bind_unix(self._uds) if self._uds is not None else _bind(self.host, self.port)
        if self._uds is None:
            self.port = self._listening.getsockname()[1]
        self._resume_accepting()
        self._sweeper = asyncio.get_running_loop().call_later(self._limits.sweep_interval, self._sweep)

    async def stop(self) -> None:
        """Stop accepting, close what is idle, answer what was asked within the drain time-out, close."""
        self._stopping = True
        self._pause_accepting()
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            if self._uds is not None:
                self._uds.unlink(missing_ok=True)
        for waiting in list(self._silent):
            self._forget(waiting)
            waiting.close()
        opened = {connection.socket for connection in self._connections}
        for task, shaking in self._connecting.items():
            if shaking is not None and shaking not in opened:  # what is open would be closed, and nobody told
                task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for connection in list(self._connections):
            connection.drain()
        await self._wait_until_empty(self._limits.drain_timeout)
        for connection in list(self._connections):
            connection.abort()
        await self._wait_until_empty(_ABORT_SECONDS)
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def _wait_until_empty(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._connections:
                    self._emptied.clear()
                    await self._emptied.wait()

    # ── accepting ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _resume_accepting(self) -> None:
        room = len(self._connections) + len(self._silent) + len(self._connecting) < self._limits.max_connections
        if self._listening is not None and not self._accepting and room:
            self._accepting = True
            asyncio.get_running_loop().add_reader(self._listening.fileno(), self._accept)

    def _pause_accepting(self) -> None:
        """Leave new connections in the kernel's queue; the sweep looks whether there is room again."""
        if self._listening is not None and self._accepting:
            self._accepting = False
            asyncio.get_running_loop().remove_reader(self._listening.fileno())

    def _accept(self) -> None:
        """Accept one: where more wait, the loop says so again, and who looks for none saves an error each time."""
        if self._listening is None:
            return
        if len(self._connections) + len(self._silent) + len(self._connecting) >= self._limits.max_connections:
            self._pause_accepting()
            return
        try:
            accepted, _address = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            logger.warning("no connection can be accepted for now: %s", error)
            self._pause_accepting()
            return
        accepted.setblocking(False)
        if self._uds is None:
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
        secure = first == bytes([_TLS_HANDSHAKE])
        if not first or (secure and self._tls is None):
            accepted.close()
            return
        other = self._claimed.get(first[0])
        connect = self._connect(accepted, secure=secure) if other is None else self._hand_over(accepted, other)
        task = asyncio.get_running_loop().create_task(connect)
        self._connecting[task] = accepted if secure else None
        task.add_done_callback(self._connecting.pop)

    def _forget(self, accepted: socket.socket) -> None:
        if self._silent.pop(accepted, None) is not None:
            asyncio.get_running_loop().remove_reader(accepted.fileno())

    async def _connect(self, accepted: socket.socket, *, secure: bool) -> None:
        """Hand an accepted socket to its connection, behind a TLS handshake where the client began one."""
        try:
            context = await self._secure_context(accepted) if secure else None
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: HttpConnection(self._server, accepted, secure=secure),
                accepted,
                ssl=context,
                ssl_handshake_timeout=self._limits.header_timeout if secure else None,
                ssl_shutdown_timeout=_GOODBYE_SECONDS if secure else None,
            )
        except (OSError, TimeoutError) as error:
            logger.info("a connection failed before its first request: %s", error)
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            raise

    async def _hand_over(self, accepted: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Give an accepted socket to the protocol that has claimed its first byte."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(protocol, accepted)
        except OSError as error:
            logger.info("a connection failed before its first packet: %s", error)
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            raise

    async def _secure_context(self, accepted: socket.socket) -> ssl.SSLContext:
        """The TLS context; each is made in a thread, as that loads a library and may make an authority."""
        assert self._tls is not None
        hello = accepted.recv(client_hello.LONGEST, socket.MSG_PEEK)
        asks, name = not client_hello.is_browsers(hello), client_hello.server_name(hello)
        async with self._context_lock:
            if asks not in self._contexts:
                self._contexts[asks] = await asyncio.to_thread(partial(self._tls.server_context, asks=asks))
            if self._anchors is not None and (anchors := await self._anchors()) is not self._trusted:
                await asyncio.to_thread(self._tls.trust, anchors)
                self._trusted = anchors
        if name is not None and not self._tls.ready(name, asks=asks):
            await asyncio.to_thread(partial(self._tls.make_ready, name, asks=asks))
        return self._contexts[asks]

    # ── the connections' side ─────────────────────────────────────────────────────────────────────────────────────

    def _opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._stopping:
            connection.drain()

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
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
        self._resume_accepting()
        self._sweeper = loop.call_later(self._limits.sweep_interval, self._sweep)


def _bind(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _bind_unix(path: Path) -> socket.socket:
    """Listen at `path`, private to its user; a socket that a dead process left there is replaced."""
    if path.is_socket():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise OSError(errno.EADDRINUSE, "somebody listens there", str(path))
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
