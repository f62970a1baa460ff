"""Header fields of HTTP/2 to a Request, and a Response to header fields. Pure; rules: RFC 9113 §8.

What may stand in fields is checked by the library on the way in (names in lower case, pseudo-header fields, nothing
that is about a connection). Here is what it leaves, so that whatever stands behind the gateway, which may write
HTTP/1.1 again, finds no more than HTTP/1.1 would have let in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kumoi.gateway.limits import Limits
from kumoi.gateway.peer import Peer
from kumoi.gateway.request_reader import Refused
from kumoi.gateway.response_writer import framing
from kumoi.wire.http import BufferedBody, HeaderList, Headers, Request, Response

Fields = list[tuple[bytes, bytes]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_PATH = re.compile(r"[\x00-\x20\x7f]")
_BREAKS = str.maketrans("\r\n\0", "   ")
_OF_CONNECTIONS = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"}
)
"""Fields about one connection of HTTP/1.1, which HTTP/2 does not have (§8.2.2)."""


def request_of(fields: Iterable[tuple[bytes, bytes]], peer: Peer, limits: Limits) -> Request:
    """The request that begins with these fields, its body left out. Raises Refused."""
    pseudo: dict[str, str] = {}
    items: HeaderList = []
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name.startswith(":"):
            pseudo[name] = value
        else:
            items.append((name, value))
    method, target = pseudo.get(":method", ""), pseudo.get(":path", "")
    if method == "CONNECT":
        raise Refused(501, "CONNECT is not served")
    if len(target) > limits.request_line:
        raise Refused(414, "the request target is too long")
    sizes = [len(name) + len(value) + 4 for name, value in items]
    if sizes and (max(sizes) > limits.header_line or sum(sizes) > limits.header_block):
        raise Refused(431, "the header fields are too large")
    if not _TOKEN.fullmatch(method) or not all(_TOKEN.fullmatch(name) for name, _ in items):
        raise Refused(400, "a method or a header field has a name that it cannot have")
    if _NO_PATH.search(target) or not (target.startswith("/") or (target == "*" and method == "OPTIONS")):
        raise Refused(400, "the request target is not a path")
    if (authority := pseudo.get(":authority")) is not None:
        host = ("host", authority.rpartition("@")[2])
        items = [host, *(item for item in items if item[0] != "host")]
    headers = Headers(items)
    if len(headers.index) != len(items) and len(headers.get_all("content-length")) > 1:
        raise Refused(400, "there is more than one content-length")
    path, _, query = target.partition("#")[0].partition("?")
    return Request(
        method,
        path,
        query,
        headers,
        BufferedBody(),
        "https" if peer.secure else "http",
        peer.client,
        "2",
        False,
        peer.local,
        peer.certificate,
    )


def trailers_of(fields: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """The fields behind a body; those that HTTP/1.1 could not have are left out."""
    read = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
    return [(name, value) for name, value in read if _TOKEN.fullmatch(name)]


def answer_of(response: Response, *, method: str, date: str) -> tuple[Fields, int | None]:
    """(the fields that an answer to `method` begins with, the bytes that follow: None where only the end tells).

    Of a handler's fields those are left out that HTTP/2 does not have, or whose names no client would take.
    """
    fields: Fields = [(b":status", b"%d" % response.status)]
    promised: str | None = None
    dated = False
    for sent_name, value in response.headers:
        name = sent_name.lower()
        if name == "content-length":
            promised = value
        elif name not in _OF_CONNECTIONS and _TOKEN.fullmatch(name):
            dated = dated or name == "date"
            text = value.translate(_BREAKS).strip(" \t")
            fields.append((name.encode("ascii"), text.encode("latin-1", "replace")))
    length, _chunked, announced = framing(response, method, promised, old=False)
    if announced is not None:
        fields.append((b"content-length", b"%d" % announced))
    if not dated:
        fields.append((b"date", date.encode("ascii")))
    return fields, length
