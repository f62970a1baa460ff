"""The client: connections by endpoint, kept for a moment, and the limits of each request.

Why our own, above httptools' parser: a target and its fields must leave byte-exact (signed URLs, what an origin is
asked), where clients that know URLs normalise them and add fields; and clients that block need a thread for each
request, so that slow endpoints keep others waiting.

Redirects are not followed and nothing is tried again: the caller decides. (But where a connection that had waited ends
before a byte of an answer, what is idempotent is asked anew, as RFC 9110, 9.2.2 allows.) The addresses of a name are
tried one beside the other (RFC 8305). No more of an answer is read than the caller wants, and no request takes longer.
An endpoint that is slow holds up its own requests alone. HTTPS trusts what the system trusts, and the platform's own
authority. Addresses where clouds hand out a machine's credentials are not asked. Times are real seconds: sockets do not
run on the platform's clock.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from kumoi.http_client import address
from kumoi.http_client.address import Address, address_of
from kumoi.http_client.connection import Broken, Connection, HttpAnswer, Unreachable

MAX_ANSWER = 1_048_576
AT_ONCE = 64
"""Requests to one endpoint at once."""
KEPT_SECONDS = 4.0
"""How long a connection is kept for the next request: Node, Apache and uvicorn end theirs after five."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(("content-length", "transfer-encoding", "connection"))
_STATES_LENGTH = frozenset(("POST", "PUT", "PATCH"))
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))
ATTEMPT_SECONDS = 0.25
"""How long one address is tried alone, before the next one is tried beside it."""

Endpoint = tuple[str, str, int]


class HttpClient:
    """Sends requests. `authority` is the file of the platform's own authority; it may come later."""

    def __init__(self, authority: Path) -> None:
        self._authority = authority
        self._context: ssl.SSLContext | None = None
        self._trusted = False
        self._idle: dict[Endpoint, list[Connection]] = {}
        self._turns: WeakValueDictionary[Endpoint, asyncio.Semaphore] = WeakValueDictionary()
        self._sweep: asyncio.TimerHandle | None = None

    async def send(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        seconds: float,
        most: int = MAX_ANSWER,
    ) -> HttpAnswer:
        """Send a request and read up to `most` bytes of its answer; raises Unreachable.

        Only the header fields given are sent, and Host and Content-Length. Another Host than the URL's may be given.
        """
        try:
            where = address_of(url)
            head = _head(method, where, headers, len(body))
        except ValueError as error:
            raise Unreachable(f"{url}: {error}") from None
        try:
            async with asyncio.timeout(seconds), self._turn(where):
                return await self._asked(where, method, head, body, most)
        except TimeoutError:
            raise Unreachable(f"{url} did not answer within {seconds:g} s", timeout=True) from None
        except (Broken, OSError, ValueError) as error:
            raise Unreachable(f"{url}: {error or type(error).__name__}") from None

    def close(self) -> None:
        """Close the connections that wait; requests under way end by themselves within their time."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connections in list(self._idle.values()):
            for connection in list(connections):
                with suppress(RuntimeError):  # its loop has ended, and the connection with it
                    connection.close()
        self._idle.clear()

    async def _asked(self, where: Address, method: str, head: bytes, body: bytes, most: int) -> HttpAnswer:
        """Ask over a connection that waits, or a new one.

        One that waited may be closed as it is asked: what may be asked twice is asked anew then. Nobody can tell
        whether the endpoint has done anything else.
        """
        waiting = self._waiting(where)
        without_body = method == "HEAD"
        if waiting is not None:
            try:
                answer = await waiting.exchange(head, body, without_body=without_body, most=most)
            except Broken as broken:
                if not broken.untouched or method not in _IDEMPOTENT:
                    raise
            else:
                self._keep(where, waiting)
                return answer
        connection = await self._connect(where)
        answer = await connection.exchange(head, body, without_body=without_body, most=most)
        self._keep(where, connection)
        return answer

    def _turn(self, where: Address) -> asyncio.Semaphore:
        """Waits while too many ask an endpoint. It lives while anybody asks: endpoints come out of what users send."""
        found = self._turns.get(where[:3])
        if found is None:
            found = self._turns[where[:3]] = asyncio.Semaphore(AT_ONCE)
        return found

    def _waiting(self, where: Address) -> Connection | None:
        connections = self._idle.get(where[:3], [])
        begun = asyncio.get_running_loop().time() - KEPT_SECONDS
        while connections:
            connection = connections.pop()
            if connection.since > begun and connection.silent:
                return connection
            connection.close()
        return None

    def _keep(self, where: Address, connection: Connection) -> None:
        """Have a connection wait for the next request, for a moment."""
        if not connection.usable:
            return
        loop = asyncio.get_running_loop()
        connection.since = loop.time()
        self._idle.setdefault(where[:3], []).append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(KEPT_SECONDS, self._give_up, loop)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has waited long enough."""
        now = loop.time()
        for connections in list(self._idle.values()):
            for connection in list(connections):
                if now - connection.since >= KEPT_SECONDS:
                    connections.remove(connection)
                    connection.close()
        self._idle = {endpoint: connections for endpoint, connections in self._idle.items() if connections}
        self._sweep = loop.call_later(KEPT_SECONDS, self._give_up, loop) if self._idle else None

    def _forget(self, connection: Connection) -> None:
        for endpoint, connections in list(self._idle.items()):
            if connection in connections:
                connections.remove(connection)
            if not connections:
                del self._idle[endpoint]

    async def _connect(self, where: Address) -> Connection:
        """A new connection; before anything is sent it is looked at whom it has reached: a name may lead anywhere."""
        from aiohappyeyeballs import start_connection

        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
        made = await start_connection(found, happy_eyeballs_delay=ATTEMPT_SECONDS, loop=loop)
        try:
            if address.is_metadata(made.getpeername()[0]):
                raise Broken("link-local addresses are not asked")
            context = await self._trusting() if where.scheme == "https" else None
            _, connection = await loop.create_connection(
                lambda: Connection(self._forget),
                sock=made,
                ssl=context,
                server_hostname=where.host if context is not None else None,
            )
        except BaseException:
            made.close()
            raise
        return connection

    async def _trusting(self) -> ssl.SSLContext:
        """The TLS context, made in a thread, which trusts the platform's authority once that exists."""
        if self._context is None:
            made = await asyncio.to_thread(ssl.create_default_context)
            self._context = self._context or made
        if not self._trusted and self._authority.exists():
            self._context.load_verify_locations(self._authority)
            self._trusted = True
        return self._context


def _head(method: str, where: Address, headers: Iterable[tuple[str, str]], length: int) -> bytes:
    """A request's head; ValueError for what cannot be written."""
    given = [(name, value) for name, value in headers if name.lower() not in _OURS]
    if not any(name.lower() == "host" for name, _ in given):
        given.insert(0, ("Host", where.authority))
    if length or method in _STATES_LENGTH:
        given.append(("Content-Length", str(length)))
    lines = [f"{method} {where.target} HTTP/1.1"]
    for name, value in given:
        if _TOKEN.fullmatch(name) is None or re.search(r"[\r\n\0]", value):
            raise ValueError(f"the header field {name!r} cannot be sent")
        lines.append(f"{name}: {value}")
    if _TOKEN.fullmatch(method) is None:
        raise ValueError(f"the method {method!r} cannot be sent")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1", "replace")
