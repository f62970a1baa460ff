"""What a client of HTTP/2 sees: the library's client half over real sockets, and bytes that no library would send."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.settings import SettingCodes
from hyperframe.frame import (
    DataFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from kumoi.gateway.http2_frames import MOST, PREFACE
from kumoi.gateway.limits import Limits
from kumoi.gateway.tls import CertificateAuthority
from kumoi.wire.http import BodyCut, ClientDisconnected, FileBody, Request, Response

MB = 1_000_000


@dataclass
class Answered:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    informational: list[int] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None


class Peer:
    """The client's half of a connection; `reads` is whether windows are opened again for what arrives."""

    def __init__(self, client: Any, *, reads: bool = True, settings: dict[SettingCodes, int] | None = None) -> None:
        self.raw = client
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        self.reads = reads
        self.streams: dict[int, Answered] = {}
        self.goaway: int | None = None
        self.last_stream: int | None = None
        self.closed = False
        self.h2.initiate_connection()
        self.settled = False
        if settings:
            self.h2.update_settings(settings)
        self.flush()
        self.until(lambda: self.settled)

    def flush(self) -> None:
        """Send what the library has to say; to a server that has closed meanwhile nothing, what it said can be read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.raw.socket.sendall(self.h2.data_to_send())

    def ask(self, path: str = "/", *fields: tuple[str, str], method: str = "GET", body: bytes | None = None) -> int:
        """Send a request (with a body that fits into the window); its stream."""
        stream = self.open(path, *fields, method=method, end=body is None)
        if body is not None:
            for at in range(0, len(body), 16_384):
                self.h2.send_data(stream, body[at : at + 16_384])
            self.h2.end_stream(stream)
        self.flush()
        return stream

    def open(self, path: str = "/", *fields: tuple[str, str], method: str = "PUT", end: bool = False) -> int:
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "http"), (":authority", "a"), (":path", path)]
        self.h2.send_headers(stream, [*pseudo, *fields], end_stream=end)
        self.streams[stream] = Answered()
        self.flush()
        return stream

    def answer(self, stream: int) -> Answered:
        answered = self.streams[stream]
        self.until(lambda: answered.ended or answered.reset is not None)
        return answered

    def until(self, condition: Callable[[], Any]) -> None:
        while not condition():
            if self.closed:
                raise EOFError("the server closed the connection")
            self.more()

    def more(self) -> None:
        """Take what arrives next."""
        data = self.raw.socket.recv(65_536)
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(data):
            match event:
                case InformationalResponseReceived(stream_id=id):
                    self.streams[id].informational.append(int(dict(event.headers)[":status"]))
                case ResponseReceived(stream_id=id):
                    self.streams[id].headers = dict(event.headers)
                    self.streams[id].status = int(self.streams[id].headers[":status"])
                case DataReceived(stream_id=id):
                    self.streams[id].body += event.data
                    if self.reads:
                        self.h2.acknowledge_received_data(event.flow_controlled_length, id)
                case StreamEnded(stream_id=id):
                    self.streams[id].ended = True
                case StreamReset(stream_id=id):
                    self.streams[id].reset = event.error_code
                case ConnectionTerminated():
                    self.goaway, self.last_stream = event.error_code, event.last_stream_id
                case RemoteSettingsChanged():
                    self.settled = True
        if self.goaway is None:
            self.flush()

    def rest(self) -> None:
        """Take what comes until the server closes."""
        try:
            while not self.closed:
                self.more()
        except ConnectionResetError:
            self.closed = True


# ── requests and answers ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_and_its_answer(serve: Any) -> None:
    peer = Peer(serve().connect())
    answer = peer.answer(peer.ask("/a%2Fb?c=d", ("x-a", "b"), ("cookie", "a=1"), ("cookie", "b=2"), method="PATCH"))
    assert (answer.status, answer.headers["x-method"], answer.headers["x-path"]) == (200, "PATCH", "/a%2Fb")
    assert (answer.headers["x-query"], answer.headers["x-host"], answer.headers["x-scheme"]) == ("c=d", "a", "http")
    assert answer.headers["x-headers"] == repr([("host", "a"), ("x-a", "b"), ("cookie", "a=1; b=2")])
    assert answer.headers["content-length"] == "0"
    assert "date" in answer.headers


def test_both_kinds_of_http_share_the_port(serve: Any) -> None:
    server = serve()
    one, other = Peer(server.connect()), server.connect()
    for _ in range(3):
        assert other.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").body == b"x"
        assert one.answer(one.ask(method="POST", body=b"y")).body == b"y"


def test_what_begins_as_the_preface_but_is_none_is_http_1_1(serve: Any, eventually: Any) -> None:
    server = serve()
    client = server.connect()
    for byte in b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi":
        client.send(bytes([byte]))
    assert client.answer().body == b"hi"
    client = server.connect()
    client.send(b"PR")
    eventually(lambda: any(getattr(one, "_held", b"") == b"PR" for one in server.listener._connections))
    assert client.ask("OPPATCH / HTTP/1.1\r\nHost: a\r\n\r\n").headers["x-method"] == "PROPPATCH"
    assert server.connect().ask(PREFACE[:-2] + b"X\n\r\n").status == 400


def test_the_preface_may_come_byte_by_byte(serve: Any) -> None:
    client = serve().connect()
    for byte in PREFACE + SettingsFrame(0).serialize():
        client.send(bytes([byte]))
    assert client.exactly(9)[3] == 4  # SETTINGS


def test_a_preface_that_stops_is_given_up(serve: Any) -> None:
    client = serve(limits=Limits(header_timeout=0.2)).connect()
    assert client.ask(PREFACE[:10]).status == 408


def test_a_large_body_both_ways(serve: Any) -> None:
    async def handler(request: Request) -> Response:
        async def doubled() -> AsyncIterator[bytes]:
            async for piece in request.body.stream():
                yield piece
                yield piece

        return Response(200, [], doubled())

    peer = Peer(serve(handler).connect())
    stream, sent = peer.open(), 0
    while sent < MB:
        peer.until(lambda: peer.h2.local_flow_control_window(stream) > 0)
        size = min(peer.h2.local_flow_control_window(stream), 16_384, MB - sent)
        peer.h2.send_data(stream, b"x" * size)
        sent += size
        peer.flush()
    peer.h2.end_stream(stream)
    peer.flush()
    answer = peer.answer(stream)
    assert answer.body == b"x" * 2 * MB
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    ("response", "method", "status", "body", "length"),
    [
        (Response(200, [("Content-Length", "5")], b"hello"), "HEAD", 200, b"", "5"),
        (Response(204, [], b"dropped"), "GET", 204, b"", None),
        (Response(304, [("ETag", "a")], b"dropped"), "GET", 304, b"", None),
        (Response(404, [("Connection", "close")], b"no"), "GET", 404, b"no", "2"),
    ],
)
def test_answers(serve: Any, response: Response, method: str, status: int, body: bytes, length: str | None) -> None:
    async def handler(_: Request) -> Response:
        return response

    peer = Peer(serve(handler).connect())
    for _ in range(2):
        answer = peer.answer(peer.ask(method=method))
        assert (answer.status, answer.body, answer.headers.get("content-length")) == (status, body, length)
        assert "connection" not in answer.headers


def test_a_file(serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 10_000)

    async def handler(_: Request) -> Response:
        return Response(200, [], FileBody(path, 256, 2 * MB))

    peer = Peer(serve(handler).connect())
    answer = peer.answer(peer.ask())
    assert (answer.headers["content-length"], answer.body) == (str(2 * MB), path.read_bytes()[256 : 256 + 2 * MB])


def test_trailers(serve: Any) -> None:
    peer = Peer(serve().connect())
    stream = peer.open("/", ("trailer", "x-amz-checksum-crc32"))
    peer.h2.send_data(stream, b"body")
    peer.h2.send_headers(stream, [("x-amz-checksum-crc32", "AAAA")], end_stream=True)
    peer.flush()
    assert peer.answer(stream).headers["x-trailers"] == repr([("x-amz-checksum-crc32", "AAAA")])


def test_who_expects_to_be_asked_for_the_body_is(serve: Any) -> None:
    peer = Peer(serve().connect())
    stream = peer.open("/", ("expect", "100-continue"))
    peer.until(lambda: peer.streams[stream].informational)
    peer.h2.send_data(stream, b"body", end_stream=True)
    peer.flush()
    answer = peer.answer(stream)
    assert (answer.informational, answer.status, answer.body) == ([100], 200, b"body")


def test_over_tls_by_alpn(serve: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    client = serve(tls=authority).connect()
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    peer = Peer(client)
    assert peer.answer(peer.ask(method="POST", body=b"x" * 200_000)).body == b"x" * 200_000
    assert peer.answer(peer.ask()).headers["x-scheme"] == "https"


# ── streams beside each other ─────────────────────────────────────────────────────────────────────────────────────────


def test_requests_are_answered_beside_each_other(serve: Any) -> None:
    arrived: list[asyncio.Event] = []

    async def handler(request: Request) -> Response:
        mine = asyncio.Event()
        arrived.append(mine)
        if len(arrived) == 50:
            for one in reversed(arrived):
                one.set()
        await mine.wait()
        return Response(200, [], request.path.encode())

    peer = Peer(serve(handler).connect())
    streams = [peer.ask(f"/{number}") for number in range(50)]
    assert [peer.answer(stream).body for stream in streams] == [f"/{number}".encode() for number in range(50)]


def test_an_event_stream_arrives_as_it_is_written(serve: Any) -> None:
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"first"
            await go.wait()
            yield b"second"

        if request.path == "/go":
            go.set()
            return Response()
        return Response(200, [], events())

    peer = Peer(serve(handler).connect())
    stream = peer.ask("/events")
    peer.until(lambda: peer.streams[stream].body == b"first")
    assert not peer.streams[stream].ended
    peer.ask("/go")
    assert peer.answer(stream).body == b"firstsecond"


def test_a_body_that_nobody_reads_holds_its_own_window_alone(serve: Any) -> None:
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        if request.path == "/unread":
            await go.wait()
        body = await request.body.read()
        return Response(200, [], b"%d" % len(body))

    server = serve(handler)
    peer = Peer(server.connect())
    waiting = []
    for _ in range(20):
        stream = peer.open("/unread", ("content-length", str(MB)))
        while window := min(peer.h2.local_flow_control_window(stream), 16_384):
            peer.h2.send_data(stream, b"x" * window)
        waiting.append(stream)
        peer.flush()
    assert peer.answer(peer.ask("/read", method="POST", body=b"y" * 200_000)).body == b"200000"
    sent = MB - peer.h2.local_flow_control_window(waiting[0])
    assert sent <= MB
    assert all(peer.h2.local_flow_control_window(stream) == 0 for stream in waiting)
    server.loop.call_soon_threadsafe(go.set)
    for stream in waiting:
        left = MB - Limits().read_high
        while left:
            peer.until(lambda stream=stream: peer.h2.local_flow_control_window(stream) > 0)
            size = min(peer.h2.local_flow_control_window(stream), 16_384, left)
            peer.h2.send_data(stream, b"x" * size)
            left -= size
            peer.flush()
        peer.h2.end_stream(stream)
        peer.flush()
        assert peer.answer(stream).body == b"%d" % MB


def test_a_client_that_opens_no_window_holds_the_writer(serve: Any) -> None:
    written: list[int] = []

    async def handler(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(100):
                written.append(1)
                yield b"x" * 10_000

        return Response(200, [], pieces() if request.path == "/long" else b"short")

    peer = Peer(serve(handler).connect(), reads=False)
    stream = peer.ask("/long")
    peer.until(lambda: len(peer.streams[stream].body) == 65_535)
    assert len(written) == 7
    other = peer.ask("/short")
    peer.h2.increment_flow_control_window(100)  # the connection's alone: enough for the other one
    peer.flush()
    assert peer.answer(other).body == b"short"
    assert len(peer.streams[stream].body) == 65_535
    peer.reads = True
    peer.h2.increment_flow_control_window(20 * MB)
    peer.h2.increment_flow_control_window(20 * MB, stream)
    peer.flush()
    assert len(peer.answer(stream).body) == MB


def test_a_client_that_does_not_take_bytes_holds_the_writers(serve: Any, eventually: Any) -> None:
    written: list[int] = []

    async def handler(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(1000):
                written.append(1)
                yield b"x" * 100_000

        return Response(200, [], pieces())

    server = serve(handler)
    peer = Peer(server.connect(SO_RCVBUF=8192), settings={SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
    peer.h2.increment_flow_control_window(2**31 - 1 - 65_535)
    for _ in range(4):
        peer.ask()
    eventually(lambda: any(one._room.full for one in server.listener._connections))
    assert len(written) < 200


def test_each_of_several_large_bodies_has_its_turn(serve: Any) -> None:
    async def handler(_: Request) -> Response:
        return Response(200, [], b"x" * MB)

    peer = Peer(serve(handler).connect())
    first, second = peer.ask(), peer.ask()
    peer.until(lambda: len(peer.streams[second].body) > MB // 4)
    assert not peer.streams[first].ended
    assert len(peer.answer(first).body) == len(peer.answer(second).body) == MB


def test_windows_may_shrink_and_grow_by_settings(serve: Any) -> None:
    async def handler(_: Request) -> Response:
        return Response(200, [], b"x" * 100_000)

    peer = Peer(serve(handler).connect(), reads=False, settings={SettingCodes.INITIAL_WINDOW_SIZE: 10})
    stream = peer.ask()
    peer.until(lambda: len(peer.streams[stream].body) == 10)
    peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
    peer.flush()
    peer.until(lambda: len(peer.streams[stream].body) == 1000)
    peer.h2.increment_flow_control_window(MB)
    peer.h2.increment_flow_control_window(MB, stream)
    peer.flush()
    assert len(peer.answer(stream).body) == 100_000


# ── ends ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def broken(response: Callable[[], Response]) -> Any:
    async def handler(request: Request) -> Response:
        return response() if request.path == "/broken" else Response(200, [], b"well")

    return handler


async def cut() -> AsyncIterator[bytes]:
    yield b"half"
    raise BodyCut


async def failing() -> AsyncIterator[bytes]:
    yield b"half"
    raise RuntimeError("a secret")


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (lambda: Response(abort=True), b""),
        (lambda: Response(200, [], cut()), b"half"),
        (lambda: Response(200, [("Content-Length", "8")], cut()), b"half"),
        (lambda: Response(200, [], failing()), b"half"),
        (lambda: Response(200, [("Content-Length", "9")], failing()), b"half"),
        (lambda: Response(102, [], b""), b""),
        (lambda: Response(200, [], FileBody(Path("/nowhere"), 0, 5)), b""),
    ],
)
def test_a_fault_ends_its_stream_alone(serve: Any, response: Callable[[], Response], body: bytes) -> None:
    peer = Peer(serve(broken(response)).connect())
    stream = peer.ask("/broken")
    answer = peer.answer(stream)
    assert (answer.reset, answer.body, answer.ended) == (ErrorCodes.INTERNAL_ERROR, body, False)
    assert peer.answer(peer.ask("/")).body == b"well"


def test_a_handler_that_fails_is_answered_500(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_: Request) -> Response:
        raise RuntimeError("a secret")

    peer = Peer(serve(handler).connect())
    with caplog.at_level(logging.ERROR):
        answer = peer.answer(peer.ask())
    assert (answer.status, b"secret" in answer.body) == (500, False)
    assert "the handler failed" in caplog.text


def test_a_refused_request_is_answered(serve: Any) -> None:
    peer = Peer(serve().connect())
    assert peer.answer(peer.ask("/", ("x-a", "b" * 20_000))).status == 431
    assert peer.answer(peer.ask("/", method="POST", body=b"x")).status == 200
    assert peer.answer(peer.ask("/" + "a" * 20_000, method="POST", body=b"x" * 100_000)).status == 414


@pytest.mark.parametrize("begins", [True, False])
def test_what_the_answer_did_not_wait_for_is_thrown_away(serve: Any, begins: bool, eventually: Any) -> None:
    async def handler(_: Request) -> Response:
        return Response(403, [], b"no")

    server = serve(handler, limits=Limits(read_high=100_000, linger_timeout=60))
    peer = Peer(server.connect())
    stream = peer.open("/", ("content-length", str(MB)))
    if begins:
        peer.answer(stream)
    for _ in range(100):
        peer.until(lambda: peer.h2.local_flow_control_window(stream) >= 10_000)
        peer.h2.send_data(stream, b"x" * 10_000)
        peer.flush()
    peer.h2.end_stream(stream)
    answer = peer.answer(stream)
    assert (answer.status, answer.body, answer.ended, answer.reset) == (403, b"no", True, None)
    assert peer.answer(peer.ask(method="HEAD")).status == 403
    eventually(lambda: server.listener.requests_in_flight == 0)


def test_who_does_not_notice_the_answer_is_told_to_stop(serve: Any) -> None:
    async def handler(_: Request) -> Response:
        return Response(403, [], b"no")

    peer = Peer(serve(handler, limits=Limits(linger_timeout=0.2)).connect())
    stream = peer.open("/", ("content-length", str(5 * MB)))
    answer = peer.answer(stream)
    peer.until(lambda: answer.reset is not None)
    assert (answer.status, answer.body, answer.ended, answer.reset) == (403, b"no", True, ErrorCodes.NO_ERROR)
    peer.raw.send(DataFrame(stream, b"late").serialize())
    assert peer.answer(peer.ask(method="HEAD")).status == 403


def test_a_client_that_takes_its_request_back(serve: Any, eventually: Any) -> None:
    seen: list[str] = []
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        if request.path == "/answer":
            await go.wait()
            seen.append("answered")

            async def never() -> AsyncIterator[bytes]:
                try:
                    yield b""
                finally:
                    seen.append("closed")

            return Response(200, [], never(), on_sent=lambda: seen.append("told"))
        if request.path == "/stream":

            async def pieces() -> AsyncIterator[bytes]:
                try:
                    yield b"a"
                    await asyncio.Event().wait()
                finally:
                    seen.append("ended")

            return Response(200, [], pieces())
        try:
            await request.body.read()
        except ClientDisconnected:
            seen.append("lost")
            raise
        return Response()

    server = serve(handler)
    peer = Peer(server.connect())
    body, streaming, answering = (
        peer.open("/body", ("content-length", str(MB))),
        peer.ask("/stream"),
        peer.ask("/answer"),
    )
    peer.until(lambda: peer.streams[streaming].body == b"a")
    for stream in (body, streaming, answering):
        peer.h2.reset_stream(stream, ErrorCodes.CANCEL)
    peer.flush()
    eventually(lambda: sorted(seen) == ["ended", "lost"])
    server.loop.call_soon_threadsafe(go.set)
    eventually(lambda: "told" in seen)
    assert "answered" in seen
    assert peer.answer(peer.ask("/body")).status == 200


def test_a_client_that_goes_away_loses_all_its_streams(serve: Any, eventually: Any) -> None:
    seen: list[str] = []

    async def handler(request: Request) -> Response:
        seen.append("asked")
        try:
            await request.body.read()
        except ClientDisconnected:
            seen.append("lost")
            raise
        return Response()

    server = serve(handler)
    peer = Peer(server.connect())
    for _ in range(3):
        peer.open("/", ("content-length", str(MB)))
    peer.open("/", ("content-length", "5"))
    eventually(lambda: seen == ["asked"] * 3)
    peer.raw.socket.close()
    eventually(lambda: seen == ["asked"] * 3 + ["lost"] * 3 and server.listener.connections == 0)


def test_draining_answers_what_was_asked_and_says_goodbye(serve: Any, eventually: Any) -> None:
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        await go.wait()
        return Response(200, [], b"x" * 200_000)

    server = serve(handler)
    peer, idle = Peer(server.connect()), Peer(server.connect())
    stream = peer.ask()
    eventually(lambda: server.listener.requests_in_flight == 1)
    stopping = threading.Thread(target=lambda: server.run(server.listener.stop()))
    stopping.start()
    idle.rest()
    assert (idle.goaway, idle.last_stream) == (ErrorCodes.NO_ERROR, 0)
    # What the client asks for now is refused, so that it asks again elsewhere; what it asked for before is not.
    late = HeadersFrame(
        3, peer.h2.encoder.encode([(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")])
    )
    late.flags |= {"END_HEADERS", "END_STREAM"}
    peer.raw.send(late.serialize())
    frames = Frames(peer.raw)
    assert frames.next(0x7)[4:] == bytes([0, 0, 0, 0])  # GOAWAY, NO_ERROR
    assert frames.next(0x3) == bytes([0, 0, 0, int(ErrorCodes.REFUSED_STREAM)])
    server.loop.call_soon_threadsafe(go.set)
    body = b""
    window = (
        WindowUpdateFrame(0, window_increment=MB).serialize() + WindowUpdateFrame(1, window_increment=MB).serialize()
    )
    peer.raw.send(window)
    while len(body) < 200_000:
        body += frames.next(0x0)
    assert len(body) == 200_000
    assert stream == 1
    stopping.join(60)
    assert peer.raw.rest() == b""


class Frames:
    """Frames as they come, read by their fronts alone."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def next(self, kind: int) -> bytes:
        """What the next frame of a kind carries."""
        while True:
            front = self._client.exactly(9)
            content = self._client.exactly(int.from_bytes(front[:3]))
            if front[3] == kind:
                return content


def test_a_client_that_says_goodbye_is_still_answered(serve: Any, eventually: Any) -> None:
    go = asyncio.Event()

    async def handler(_: Request) -> Response:
        await go.wait()
        return Response(200, [], b"x" * 50_000)

    server = serve(handler)
    peer = Peer(server.connect())
    stream = peer.ask()
    eventually(lambda: server.listener.requests_in_flight == 1)
    peer.raw.send(b"\0\0\x08\x07\0\0\0\0\0" + bytes(8))
    peer.raw.send(PingFrame(0, b"12345678").serialize())
    server.loop.call_soon_threadsafe(go.set)
    assert len(peer.answer(stream).body) == 50_000
    peer.rest()
    assert server.listener.connections == 0


@pytest.mark.parametrize("settles", [True, False])
def test_a_connection_that_is_idle_is_closed(serve: Any, settles: bool) -> None:
    server = serve(limits=Limits(idle_timeout=3, header_timeout=60 if settles else 0.2))
    client = server.connect()
    if settles:
        peer = Peer(client)
        assert peer.answer(peer.ask()).status == 200
        peer.rest()
        assert (peer.goaway, peer.last_stream) == (ErrorCodes.NO_ERROR, 1)
    else:
        client.send(PREFACE)
        assert client.rest()[-8:] == bytes(8)


@pytest.mark.parametrize("begins", [True, False])
def test_a_body_that_stops_arriving_is_given_up(serve: Any, begins: bool) -> None:
    peer = Peer(serve(limits=Limits(idle_timeout=3, buffered_body=10)).connect())
    stream = peer.open("/", ("content-length", "20" if begins else "5"))
    peer.h2.send_data(stream, b"abc")
    peer.flush()
    assert peer.answer(stream).status == 408


# ── clients that mean no good ─────────────────────────────────────────────────────────────────────────────────────────


def many(frame: bytes) -> bytes:
    return frame * (4 * MOST)


def rapid_resets(peer: Peer) -> bytes:
    sent = []
    for stream in range(1, 2 * MOST, 2):
        head = HeadersFrame(stream, b"\x82\x86\x84\x41\x01a")  # GET http / a, by the static table
        head.flags |= {"END_HEADERS", "END_STREAM"}
        sent.append(head.serialize() + RstStreamFrame(stream, 8).serialize())
    return b"".join(sent)


@pytest.mark.parametrize(
    "flood",
    [
        lambda _: many(SettingsFrame(0, {4: 100_000}).serialize()),
        lambda _: many(PingFrame(0, b"12345678").serialize()),
        lambda _: many(PriorityFrame(1, stream_weight=3).serialize()),
        lambda _: many(WindowUpdateFrame(0, window_increment=1).serialize()),
        lambda _: many(b"\0\0\0\xfa\0\0\0\0\x01"),
        lambda _: (
            HeadersFrame(1, b"\x83\x86\x84\x41\x01a", flags=["END_HEADERS"]).serialize()
            + many(DataFrame(1, b"").serialize())
        ),
        rapid_resets,
    ],
    ids=["settings", "pings", "priorities", "windows", "unknown", "empty data", "rapid resets"],
)
def test_floods_end_the_connection(serve: Any, flood: Any, eventually: Any) -> None:
    server = serve(limits=Limits(linger_timeout=0.2))
    peer = Peer(server.connect())
    with contextlib.suppress(ConnectionError):
        peer.raw.send(flood(peer))
    peer.rest()
    assert peer.goaway == ErrorCodes.ENHANCE_YOUR_CALM
    eventually(lambda: server.listener.connections == 0)
    assert Peer(server.connect()).settled


def test_those_under_way_are_bounded_even_when_they_were_taken_back(serve: Any, eventually: Any) -> None:
    go = asyncio.Event()
    running = 0

    async def handler(_: Request) -> Response:
        nonlocal running
        running += 1
        await go.wait()
        return Response()

    server = serve(handler, limits=Limits(concurrent_streams=4))
    peer = Peer(server.connect())
    assert peer.h2.remote_settings.max_concurrent_streams == 4
    for _ in range(4):
        peer.h2.reset_stream(peer.ask(), ErrorCodes.CANCEL)
    assert peer.answer(peer.ask()).reset == ErrorCodes.REFUSED_STREAM
    eventually(lambda: running == 4)
    server.loop.call_soon_threadsafe(go.set)


def test_more_streams_than_were_allowed_end_the_connection(serve: Any) -> None:
    async def handler(_: Request) -> Response:
        await asyncio.Event().wait()
        return Response()

    peer = Peer(serve(handler, limits=Limits(concurrent_streams=4, drain_timeout=0.1)).connect())
    peer.h2.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = 100
    peer.h2.remote_settings.acknowledge()
    for _ in range(5):
        peer.ask()
    peer.rest()
    assert peer.goaway is not None


def head(block: bytes, *flags: str) -> bytes:
    return HeadersFrame(1, block, flags=list(flags) or ["END_HEADERS", "END_STREAM"]).serialize()


def literal(name: bytes, value: bytes) -> bytes:
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


GET = b"\x82\x86\x84\x41\x01a"


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        bytes(100),
        b"\xff" * 100,
        DataFrame(1, b"x").serialize(),
        b"\0\0\x01\0\0\0\0\0\0x",  # DATA on no stream
        head(b"\xff\xff\xff\xff\xff\xff\xff"),
        head(GET + literal(b"Upper", b"x")),
        head(GET + literal(b"connection", b"close")),
        head(GET + literal(b"transfer-encoding", b"chunked")),
        head(GET + literal(b":status", b"200")),
        head(GET + literal(b"a", b"b\r\nc: d")),
        head(b"\x82\x86\x84"),  # no authority
        head(b"\x86\x84\x41\x01a"),  # no method
        head(GET + literal(b"host", b"other")),
        head(GET + literal(b"content-length", b"-1")),
        head(GET + literal(b"content-length", b"5")),  # but it ends here
        head(GET, "END_STREAM") + PingFrame(0).serialize(),  # inside a block of header fields
        head(GET, "END_STREAM") + b"\0\0\x01\x09\0\0\0\0\x01x" * 100,  # CONTINUATION without end
        HeadersFrame(2, GET, flags=["END_HEADERS"]).serialize(),
        b"\0\x40\x01\0\0\0\0\0\x01",  # a frame longer than is allowed, by its front
        WindowUpdateFrame(0, window_increment=2**31 - 1).serialize() * 2,
        SettingsFrame(0, {4: 2**31}).serialize(),
        b"\0\0\x04\x08\0\0\0\0\0" + bytes(4),  # a window that opens by nothing
        b"\0\0\x05\x06\0\0\0\0\0" + bytes(5),  # a ping of five bytes
        b"\0\0\x01\x05\x04\0\0\0\x01" + b"\0",  # PUSH_PROMISE
        PREFACE,
    ],
)
def test_garbage_behind_the_preface_closes(serve: Any, garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    server = serve()
    with caplog.at_level(logging.WARNING):
        client = server.connect()
        client.send(PREFACE + SettingsFrame(0).serialize())
        client.exactly(9)
        client.send(garbage)
        client.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            client.rest()
        assert Peer(server.connect()).settled
    assert not caplog.records


def test_a_bomb_of_header_fields_ends_the_connection(serve: Any) -> None:
    peer = Peer(serve().connect())
    fill = literal(b"x-bomb", b"")[:-1] + b"\x7f\xa1\x1e" + b"b" * 4000
    block = GET + b"\x40" + fill[1:] + b"\xbe" * 1000  # one field put into the table, then a thousand times that
    assert len(block) < 16_384
    peer.raw.send(head(block))
    peer.rest()
    assert peer.goaway == ErrorCodes.ENHANCE_YOUR_CALM


def test_a_client_may_not_have_us_remember_more_than_we_search(serve: Any) -> None:
    server = serve()
    peer = Peer(server.connect(), settings={SettingCodes.HEADER_TABLE_SIZE: 1 << 20})
    for number in range(3):
        assert peer.answer(peer.ask(f"/{number}")).headers["x-path"] == f"/{number}"
    assert [one._protocol.encoder.header_table_size for one in server.listener._connections] == [4096]


# ── a client of others ────────────────────────────────────────────────────────────────────────────────────────────────


def test_curl(serve: Any, curl: Any, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    server = serve(tls=authority)
    port = server.listener.port
    file = tmp_path / "body"
    file.write_bytes(b"x" * 3 * MB)
    plain, secure = f"http://127.0.0.1:{port}/a", f"https://localhost:{port}/a"
    assert curl("--http2-prior-knowledge", "-d", "hello", plain) == "hello|2 200"
    assert curl("--cacert", str(authority.ca_file), "-d", "hello", secure) == "hello|2 200"
    assert curl("--http1.1", "--cacert", str(authority.ca_file), "-d", "hello", secure) == "hello|1.1 200"
    assert curl("--http2", "-d", "hello", plain) == "hello|1.1 200"  # Upgrade: h2c, which RFC 9113 has given up
    assert len(curl("--http2-prior-knowledge", "-T", str(file), plain)) == 3 * MB + len("|2 200")
    assert curl("--http2-prior-knowledge", "-T", str(file), f"{plain}?{'x' * 20_000}").endswith("|2 414")
    assert curl("--http2-prior-knowledge", "-I", "-o", "/dev/null", plain) == "|2 200"
