"""Bytes to requests: httptools' parser, what it leaves unchecked, and how a body is handed over.

Rules: RFC 9112. Where it leaves a choice that another reader of the same bytes could make differently (request
smuggling), the request is refused. Targets and header names stay byte-exact; header values lose the white space around
them, as RFC 9110 §5.5 says.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools
import msgspec

from kumoi.gateway.body import StreamingBody
from kumoi.gateway.known_heads import Found
from kumoi.gateway.limits import Limits
from kumoi.wire.http import BufferedBody, HeaderList, Headers, Request

logger = logging.getLogger(__name__)

_METHOD = re.compile(rb"[\r\n]*[!#$%&'*+.^_`|~0-9A-Za-z-]+ ")
_OFFER = frozenset({"upgrade", "http2-settings"})


class Refused(Exception):
    """The bytes are no request that is served here: `status`, and a line for the client."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _refusal(error: httptools.HttpParserError) -> Refused:
    """What a parser's error means; what one of our callbacks raised is its context."""
    cause = error.__context__
    if isinstance(cause, Refused):
        return cause
    if cause is not None:
        logger.error("reading a request failed", exc_info=cause)
        return Refused(500, "Kumoi failed at reading this request; its log says why.")
    return Refused(400, f"not a valid HTTP/1.1 request: {error}")


class Exchange(msgspec.Struct):
    """A request with what the connection must know to answer it.

    `body` is the body when it is streamed; `old` is HTTP/1.0; `expects` is Expect: 100-continue; `started` is set once
    the answer has begun. `data` is the request as it came, where it came in one piece and alone.
    """

    request: Request
    old: bool = False
    websocket: bool = False
    keep_alive: bool = True
    expects: bool = False
    started: bool = False
    body: StreamingBody | None = None
    data: bytes | None = None


class RequestReader:
    """Feed it bytes; exchanges appear in `ready`, in order: complete ones, or at their head when the body is large.

    `taken` is called whenever a handler took a piece of a streamed body, `wanted` when it begins to wait for one.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        secure: bool,
        client: tuple[str, int],
        local: bool,
        websockets: bool,
        taken: Callable[[], None],
        wanted: Callable[[Exchange], None],
        certificate: bytes | None = None,
    ) -> None:
        self.ready: deque[Exchange] = deque()
        self.begun = 0
        self.in_head = False
        self.receiving: Exchange | None = None
        self.upgraded = False
        self.rest = b""
        self._limits = limits
        self._scheme = "https" if secure else "http"
        self._client = client
        self._local = local
        self._certificate = certificate
        self._websockets = websockets
        self._taken = taken
        self._wanted = wanted
        self._parser = httptools.HttpRequestParser(self)
        self._fed = 0
        self._unseen = 0
        self._declined = b""
        self._original: HeaderList | None = None
        self._begin()

    @property
    def idle(self) -> bool:
        """Whether nothing of a request has arrived since the last one was complete."""
        return not self.in_head and self.receiving is None

    def feed(self, data: bytes) -> None:
        """Read on. Raises Refused; the connection cannot be read any further then."""
        if self.upgraded:
            self.rest += data
            return
        for _ in range(self._limits.pipeline_depth):
            rest = self._parse(data)
            if rest is None:
                return
            if self.upgraded:
                self.rest = rest
                return
            # Another protocol was offered (h2c, by Java's client): read the same request again without the offer.
            self._parser = httptools.HttpRequestParser(self)
            data, self._declined = self._declined + rest, b""
        raise Refused(400, "there are too many offers of another protocol")

    def _parse(self, data: bytes) -> bytes | None:
        """Have bytes parsed; what lies behind an upgrade, None when there was none."""
        between = self.idle
        # What the parser keeps to itself (a header's beginning, a chunk's extension) must not grow without bounds.
        self._fed = len(data)
        self._unseen += self._fed
        rest: bytes | None = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserInvalidMethodError:
            if between and _METHOD.match(data):
                raise Refused(501, "the method is not known here") from None
            raise Refused(400, "this is not HTTP") from None
        except httptools.HttpParserError as error:
            raise _refusal(error) from None
        if self._unseen > self._limits.header_block + self._limits.request_line:
            raise Refused(431, "the header fields are too large")
        return rest

    def known(self, found: Found) -> Exchange:
        """The exchange of a request whose head was known, so that it need not be parsed."""
        line = found.line
        request = Request(
            line.method,
            line.path,
            line.query,
            found.headers,
            BufferedBody(found.body),
            self._scheme,
            self._client,
            "1.1",
            False,
            self._local,
            self._certificate,
            line.kin,
        )
        return Exchange(request)

    def lose(self) -> None:
        """No more will come: whoever waits for the rest of a body learns of it."""
        if self.receiving is not None and self.receiving.body is not None:
            self.receiving.body.lose()

    # ── the parser's calls ────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._begin()
        self.in_head = True
        self.begun += 1

    def _begin(self) -> None:
        self._target = b""
        self._fields: HeaderList = []
        self._pieces: list[bytes] = []
        self._size = 0
        self._unseen = 0

    def on_url(self, piece: bytes) -> None:
        """A piece of the request target."""
        self._target += piece
        if len(self._target) > self._limits.request_line:
            raise Refused(414, "the request target is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field; behind the body, a trailer field."""
        self._fields.append((name.decode("latin-1"), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """The head is complete: decide how the body will be handed over."""
        parser = self._parser
        fields = self._take_fields()
        method = parser.get_method().decode("latin-1")
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Refused(400, "HTTP/1.1 and HTTP/1.0 are served here")
        websocket = False
        if parser.should_upgrade():
            websocket = self._wants_websocket(method, version, fields)
            if not websocket:
                self._decline(method, version, fields)
                return
        if self._original is not None:
            fields, self._original = self._original, None
        headers = Headers(fields)
        old = version == "1.0"
        length = self._check_framing(headers, old=old)
        target = self._target.decode("latin-1")
        if not target.startswith("/"):
            target, headers = self._absolute(method, target, headers)
        path, _, query = target.partition("#")[0].partition("?")
        body = BufferedBody()
        self._unseen = 0
        self.in_head = False
        request = Request(
            method,
            path,
            query,
            headers,
            body,
            self._scheme,
            self._client,
            version,
            websocket,
            self._local,
            self._certificate,
        )
        exchange = self.receiving = Exchange(request, old=old, websocket=websocket)
        if length != 0:
            exchange.expects = not old and (headers.get("expect") or "").lower() == "100-continue"
            if exchange.expects or (length is not None and length > self._limits.buffered_body):
                self._stream(exchange)

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self._unseen = 0
        exchange = cast(Exchange, self.receiving)
        if exchange.body is not None:
            exchange.body.feed(piece)
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._limits.buffered_body:
            self._stream(exchange)

    def on_message_complete(self) -> None:
        """The request is complete."""
        exchange = self.receiving
        if exchange is None:  # its offer of another protocol was declined: it will be read again
            return
        if self._fields:
            exchange.request.body.trailers.extend(self._take_fields())
        self.receiving = None
        exchange.keep_alive = self._parser.should_keep_alive()
        if exchange.body is not None:
            exchange.body.finish()
            return
        if self._pieces:
            cast(BufferedBody, exchange.request.body).content = b"".join(self._pieces)
        self.ready.append(exchange)
        self.upgraded = exchange.websocket

    # ── what is decided at the end of a head ──────────────────────────────────────────────────────────────────────

    def _stream(self, exchange: Exchange) -> None:
        """Hand the request over now; the rest of its body follows as it arrives."""
        trailers = exchange.request.body.trailers
        body = StreamingBody(trailers, taken=self._taken, wanted=lambda: self._wanted(exchange))
        for piece in self._pieces:
            body.feed(piece)
        self._pieces = []
        exchange.request.body = exchange.body = body
        exchange.keep_alive = self._parser.should_keep_alive()
        self.ready.append(exchange)

    def _absolute(self, method: str, target: str, headers: Headers) -> tuple[str, Headers]:
        """(the rest of an absolute-form target, headers with its authority as the Host), by RFC 9112 §3.2.2."""
        if target == "*" and method == "OPTIONS":
            return target, headers
        scheme, separator, rest = target.partition("://")
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        if not separator or scheme.lower() not in ("http", "https") or not authority:
            raise Refused(400, "the request target is not a path")
        host = authority.rpartition("@")[2]
        changed = Headers((name, host if name.lower() == "host" else value) for name, value in headers.items)
        target = rest[len(authority) :]
        return target if target.startswith("/") else f"/{target}", changed

    def _check_framing(self, headers: Headers, *, old: bool) -> int | None:
        """The body's length, None when it comes in chunks; refuses what two readers could understand differently.

        The parser checks most of this itself; these are the rules that must hold whatever its next version tolerates.
        """
        index = headers.index
        if len(index) != len(headers.items):
            for name in ("content-length", "transfer-encoding", "host"):
                if len(headers.get_all(name)) > 1:
                    raise Refused(400, f"there is more than one {name}")
        if "host" not in index and not old:
            raise Refused(400, "the Host is missing")
        coding, length = index.get("transfer-encoding"), index.get("content-length")
        if coding is not None:
            if length is not None:
                raise Refused(400, "Content-Length and Transfer-Encoding exclude each other")
            if coding.lower() != "chunked":
                raise Refused(501, "the only transfer coding served is chunked")
            if old:
                raise Refused(400, "HTTP/1.0 knows no chunks")
            return None
        if length is None:
            return 0
        if not (length.isascii() and length.isdigit()) or len(length) > 20:
            raise Refused(400, "Content-Length is not a number")
        return int(length)

    def _take_fields(self) -> HeaderList:
        """The header or trailer fields since the last call; what came so far bounds their size."""
        fields, self._fields = self._fields, []
        if self._fed + self._unseen > self._limits.header_line:
            sizes = [len(name) + len(value) + 4 for name, value in fields]
            if sizes and (max(sizes) > self._limits.header_line or sum(sizes) > self._limits.header_block):
                raise Refused(431, "the header fields are too large")
        return fields

    def _wants_websocket(self, method: str, version: str, fields: HeaderList) -> bool:
        offered = [value.lower() for name, value in fields if name.lower() == "upgrade"]
        framed = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in fields)
        return self._websockets and offered == ["websocket"] and method == "GET" and version == "1.1" and not framed

    def _decline(self, method: str, version: str, fields: HeaderList) -> None:
        """Keep the head without what offers another protocol, to be read again."""
        if method == "CONNECT":
            raise Refused(501, "CONNECT is not served")
        lines = [f"{method} {self._target.decode('latin-1')} HTTP/{version}"]
        for name, value in fields:
            if name.lower() == "connection":
                value = ", ".join(option for option in value.split(",") if option.strip().lower() not in _OFFER)
            if name.lower() != "upgrade" and (value or name.lower() != "connection"):
                lines.append(f"{name}: {value}")
        self._original = fields
        self._declined = "\r\n".join([*lines, "\r\n"]).encode("latin-1")
