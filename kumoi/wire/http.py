"""The one request and the one response object that gateway, wire and data planes share.

Paths and header names stay byte-exact (SigV4, S3 keys and functions' raw paths need them); look-ups by name ignore
case. A request body is read once: whole with `read`, or piece by piece with `stream`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from kumoi.wire.again import Again
    from kumoi.wire.websocket import Upgrade

HeaderList = list[tuple[str, str]]


class Headers:
    """Header fields in order, names as sent; `get` is case-insensitive and answers the first value.

    `index` has the first values by lower-case name: every request is looked at several times, by several parts.
    Values are decoded as latin-1, as RFC 9110 leaves obs-text opaque.
    """

    __slots__ = ("index", "items")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self.items: HeaderList = list(items)
        self.index = {name.lower(): value for name, value in reversed(self.items)}

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of the field `name` (lower-case), or `default`."""
        return self.index.get(name, default)

    def get_all(self, name: str) -> list[str]:
        """Every value of the field `name` (lower-case), in order."""
        return [value for key, value in self.items if key.lower() == name]

    def beginning(self, prefix: str) -> HeaderList:
        """The fields whose names begin with `prefix` (lower-case), in order, names as sent."""
        return [(name, value) for name, value in self.items if name.lower().startswith(prefix)]

    def have_any(self, names: frozenset[str]) -> bool:
        """Whether there is a field of one of these names (lower-case)."""
        return not names.isdisjoint(self.index)

    def __contains__(self, name: str) -> bool:
        return name in self.index


class Kin:
    """What requests share that are the same but for what each has of its own: a date, a signature, a trace, a body.

    It says nothing itself. Whoever has concluded something from the rest of a request knows by it where that holds.
    """

    __slots__ = ()


class BodyTooLarge(Exception):
    """The body is longer than the reader allows; `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request body is longer than {limit} bytes")
        self.limit = limit


class ClientDisconnected(ConnectionResetError):
    """The rest of the request will not come: the client went away, fell silent, or broke HTTP's rules."""


class BodyCut(Exception):
    """The rest of a response's body is not sent: what was is, then the connection ends (a declared fault)."""


class Body(Protocol):
    """A request body, read once."""

    @property
    def trailers(self) -> HeaderList:
        """Trailer fields; complete once the body has been read to its end."""

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body; raises BodyTooLarge past `limit` bytes."""

    def stream(self) -> AsyncIterator[bytes]:
        """The body piece by piece, as it arrives; back-pressure reaches the sender."""


class BufferedBody:
    """A body that has arrived in full."""

    __slots__ = ("content", "trailers")

    def __init__(self, content: bytes = b"", trailers: HeaderList | None = None) -> None:
        self.content = content
        self.trailers: HeaderList = trailers or []

    async def read(self, limit: int | None = None) -> bytes:
        """The whole body; raises BodyTooLarge past `limit` bytes."""
        if limit is not None and len(self.content) > limit:
            raise BodyTooLarge(limit)
        return self.content

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in one piece."""
        if self.content:
            yield self.content


class Request(msgspec.Struct):
    """One HTTP request.

    `path` is percent-encoded exactly as sent, without the query; `query` is the raw query string without `?`.
    `scheme` is http or https; `client` is (host, port) of the peer, `local` whether that is this machine.
    `websocket` says whether it is the handshake of a WebSocket; `certificate` is what the client has shown (DER).
    `kin` is the same for all that are like it, where that is known.
    """

    method: str
    path: str
    query: str = ""
    headers: Headers = msgspec.field(default_factory=Headers)
    body: Body = msgspec.field(default_factory=BufferedBody)
    scheme: str = "http"
    client: tuple[str, int] = ("127.0.0.1", 0)
    http_version: str = "1.1"
    websocket: bool = False
    local: bool = True
    certificate: bytes | None = None
    kin: Kin | None = None

    @property
    def host(self) -> str:
        """The Host header as sent (with its port), or an empty string."""
        return self.headers.get("host") or ""


@dataclass(frozen=True, slots=True)
class FileBody:
    """A response body that lies in a file: `length` bytes from `offset`."""

    path: Path
    offset: int
    length: int


ResponseBody = bytes | AsyncIterator[bytes] | FileBody


class Response(msgspec.Struct):
    """One HTTP response. The gateway adds Content-Length or chunked framing, Date and Connection.

    `abort` ends the connection without an answer (a declared fault); `on_sent` runs once the last byte was handed
    to the transport or the connection was lost. `upgrade` accepts a WebSocket's handshake; `headers` go with it.
    `again` answers requests with the same header fields without a call.
    """

    status: int = 200
    headers: HeaderList = msgspec.field(default_factory=list)
    body: ResponseBody = b""
    abort: bool = False
    on_sent: Callable[[], None] | None = None
    upgrade: Upgrade | None = None
    again: Again | None = None
