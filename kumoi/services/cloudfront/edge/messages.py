"""Requests and responses as they pass through the edge, and the few things that one asks of header fields."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from kumoi.wire.http import FileBody, HeaderList
from kumoi.wire.websocket import Upgrade

if TYPE_CHECKING:
    from kumoi.services.cloudfront.edge.origin import Origin

Content = bytes | FileBody | AsyncIterator[bytes]


@dataclass(slots=True)
class EdgeRequest:
    """A viewer's request, or the one that goes to an origin (then with that `origin`).

    `uri` is percent-encoded as sent; `query` the raw query string; `body` None where there was none to read.
    """

    method: str
    uri: str
    query: str
    headers: HeaderList
    ip: str
    body: bytes = b""
    origin: Origin | None = None

    def copy(self) -> EdgeRequest:
        """The same request, to be changed."""
        return replace(self, headers=list(self.headers))

    @property
    def url(self) -> str:
        """The URI with its query."""
        return f"{self.uri}?{self.query}" if self.query else self.uri


@dataclass(slots=True)
class EdgeResponse:
    """A response on its way to the viewer. `length` is the body's, None where nobody knows it yet."""

    status: int
    headers: HeaderList
    body: Content = b""
    reason: str = ""
    generated: str = ""
    """The function event that made it, where no origin did."""
    origin_status: int = 0
    unanswered: int = 0
    """503 where no origin could be reached, 504 where it took too long: the page is the edge's own."""

    upgrade: Upgrade | None = None
    """Where a WebSocket's handshake is accepted."""

    def copy(self) -> EdgeResponse:
        """The same response, to be changed."""
        return replace(self, headers=list(self.headers))

    @property
    def description(self) -> str:
        """The reason phrase."""
        return self.reason or phrase(self.status)

    @property
    def length(self) -> int | None:
        """The body's length, as far as it is known."""
        if isinstance(self.body, bytes):
            return len(self.body)
        if isinstance(self.body, FileBody):
            return self.body.length
        stated = first(self.headers, "content-length")
        return int(stated) if stated is not None and stated.isdigit() else None


def phrase(status: int) -> str:
    """The reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def first(fields: Iterable[tuple[str, str]], name: str) -> str | None:
    """The first value of a field (`name` in lower case)."""
    for key, value in fields:
        if key.lower() == name:
            return value
    return None


def every(fields: Iterable[tuple[str, str]], name: str) -> list[str]:
    """Every value of a field (`name` in lower case)."""
    return [value for key, value in fields if key.lower() == name]


def without(fields: Iterable[tuple[str, str]], *names: str) -> HeaderList:
    """The fields but those of these names (lower case)."""
    return [one for one in fields if one[0].lower() not in names]


def put(fields: HeaderList, name: str, value: str) -> None:
    """Have a field this value alone."""
    lower = name.lower()
    fields[:] = [one for one in fields if one[0].lower() != lower]
    fields.append((name, value))


def cookies(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The cookies of a request in order; one without `=` has an empty name's value."""
    found = []
    for value in every(fields, "cookie"):
        for piece in value.split(";"):
            piece = piece.strip()
            if piece:
                name, equals, content = piece.partition("=")
                found.append((name, content) if equals else (piece, ""))
    return found


def parameters(query: str) -> list[tuple[str, str]]:
    """(name, whole pair) of each query parameter in order, nothing decoded."""
    return [(piece.partition("=")[0], piece) for piece in query.split("&") if piece]
