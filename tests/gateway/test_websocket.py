"""WebSockets, with wsproto as the client."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    TextMessage,
)
from wsproto.events import Request as Handshake

from kumoi.gateway.limits import Limits
from kumoi.gateway.websocket import MAX_MESSAGE, WebSocket, WebSocketClosed
from kumoi.wire.http import Headers, Request, Response

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SHAKE = (
    b"GET /ws?q=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Peer:
    """A WebSocket client above a raw one."""

    def __init__(self, client: Any, **handshake: Any) -> None:
        self.client = client
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.opening = self.protocol.send(Handshake(host="a", target="/ws?q=1", **handshake))

    def open(self) -> Event:
        self.client.send(self.opening)
        return self.event()

    def send(self, *events: Event) -> None:
        self.client.send(b"".join(self.protocol.send(event) for event in events))

    def event(self) -> Event:
        while True:
            for event in self.protocol.events():
                return event
            received = self.client.socket.recv(65536)
            self.protocol.receive_data(received or None)

    def message(self) -> str | bytes:
        whole: Any = None
        while True:
            event = self.event()
            assert isinstance(event, Message), event
            whole = event.data if whole is None else whole + event.data
            if event.message_finished:
                return whole if isinstance(whole, str) else bytes(whole)


async def plain(request: Request) -> Response:
    return Response(200, [], b"plain")


async def echo(request: Request, websocket: WebSocket) -> None:
    await websocket.accept(websocket.subprotocols[0] if websocket.subprotocols else None, [("X-Path", request.path)])
    while True:
        await websocket.send(await websocket.receive())


def open_peer(serve: Any, handler: Any = echo) -> Peer:
    peer = Peer(serve(plain, websocket=handler, limits=Limits(drain_timeout=0.1)).connect())
    assert isinstance(peer.open(), AcceptConnection)
    return peer


def test_echo(serve: Any) -> None:
    peer = open_peer(serve)
    peer.send(TextMessage("héllo"), BytesMessage(b"\0\xff"), TextMessage(""))
    assert [peer.message() for _ in range(3)] == ["héllo", b"\0\xff", ""]
    large = "x" * 1_000_000
    peer.send(TextMessage(large))
    assert peer.message() == large


def test_the_handshake(serve: Any) -> None:
    peer = Peer(serve(plain, websocket=echo).connect(), subprotocols=["mqtt", "other"])
    accepted = peer.open()
    assert isinstance(accepted, AcceptConnection)
    assert accepted.subprotocol == "mqtt"
    assert (b"x-path", b"/ws") in [(name.lower(), value) for name, value in accepted.extra_headers]


def test_fragments_are_joined_and_pings_answered_between_them(serve: Any) -> None:
    peer = open_peer(serve)
    peer.send(TextMessage("a", message_finished=False), Ping(b"p"), TextMessage("b"))
    assert peer.event() == Pong(b"p")
    assert peer.message() == "ab"


def test_messages_sent_with_the_handshake_wait_for_it(serve: Any) -> None:
    async def slow(request: Request, websocket: WebSocket) -> None:
        await asyncio.sleep(0.05)
        await echo(request, websocket)

    client = serve(plain, websocket=slow).connect()
    client.send(SHAKE + b"\x81\x82\0\0\0\0hi")
    assert client.answer().status == 101
    assert client.exactly(4) == b"\x81\x02hi"


def test_a_websocket_behind_other_requests_takes_its_turn(serve: Any) -> None:
    client = serve(plain, websocket=echo).connect()
    client.send(GET + GET + SHAKE + b"\x81\x82\0\0\0\0hi")
    assert [client.answer().status for _ in range(3)] == [200, 200, 101]
    assert client.exactly(4) == b"\x81\x02hi"


def test_the_client_closes(serve: Any) -> None:
    codes = []

    async def listen(request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await websocket.receive()
        except WebSocketClosed as closed:
            codes.append(closed.code)
            with pytest.raises(WebSocketClosed):
                await websocket.send("too late")
            raise

    peer = open_peer(serve, listen)
    peer.send(CloseConnection(code=4001, reason="bye"))
    assert peer.event() == CloseConnection(code=4001, reason="bye")
    assert peer.client.rest() == b""
    assert codes == [4001]


def test_the_server_closes(serve: Any) -> None:
    async def leave(request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4002, "enough")

    peer = open_peer(serve, leave)
    assert peer.event() == CloseConnection(code=4002, reason="enough")
    peer.send(CloseConnection(code=4002))
    assert peer.client.rest() == b""


def test_a_client_that_vanishes(serve: Any) -> None:
    codes: list[int] = []
    done = asyncio.Event()

    async def listen(request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await websocket.receive()
        except WebSocketClosed as closed:
            codes.append(closed.code)
            done.set()

    server = serve(plain, websocket=listen)
    peer = Peer(server.connect())
    peer.open()
    peer.client.socket.close()
    server.run(asyncio.wait_for(done.wait(), 60))
    assert codes == [1006]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (TextMessage("x" * (MAX_MESSAGE + 1)), 1009),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x81\x02hi", 1002),
        (b"\x81\x82\0\0\0\0\xff\xff", 1007),
    ],
)
def test_what_breaks_the_rules_ends_the_connection(serve: Any, event: Any, code: int) -> None:
    peer = open_peer(serve)
    peer.client.send(event if isinstance(event, bytes) else peer.protocol.send(event))
    closed = peer.event()
    assert isinstance(closed, CloseConnection)
    assert closed.code == code


def test_a_failing_handler_closes_with_1011(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        raise RuntimeError("a secret")

    peer = open_peer(serve, fail)
    closed = peer.event()
    assert isinstance(closed, CloseConnection)
    assert (closed.code, closed.reason or "") == (1011, "")
    assert "a secret" in caplog.text


@pytest.mark.parametrize(("how", "status"), [("reject", 401), ("return", 403), ("raise", 500)])
def test_handshakes_are_rejected(serve: Any, how: str, status: int) -> None:
    async def refuse(request: Request, websocket: WebSocket) -> None:
        if how == "reject":
            await websocket.reject(401)
        if how == "raise":
            raise RuntimeError

    peer = Peer(serve(plain, websocket=refuse).connect())
    rejected = peer.open()
    assert isinstance(rejected, RejectConnection)
    assert rejected.status_code == status


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (SHAKE.replace(b"Version: 13", b"Version: 12"), 400),
        (SHAKE.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""), 400),
        (SHAKE.replace(b"Sec-WebSocket-Key: d", b"Sec-WebSocket-Key: \xff"), 400),
        (SHAKE.replace(b"Host", b"Sec-WebSocket-Protocol: \xe9\r\nHost"), 400),
        (SHAKE.replace(b"Host: a", b"Host: \xa0a"), 101),
        (SHAKE.replace(b"/ws", b"/|{}"), 101),
        (SHAKE.replace(b"Upgrade: websocket", b"Upgrade: h2c"), 200),
        (SHAKE.replace(b"Connection: Upgrade", b"Connection: close"), 200),
        (SHAKE.replace(b"GET", b"POST"), 200),
    ],
)
def test_what_is_no_handshake(serve: Any, broken: bytes, status: int) -> None:
    assert serve(plain, websocket=echo).connect().ask(broken).status == status


def test_a_reader_that_stops_stops_the_sender(serve: Any) -> None:
    sent = []

    async def flood(request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            await websocket.send(b"x" * 100_000)
            sent.append(1)

    server = serve(plain, websocket=flood)
    peer = Peer(server.connect())
    peer.open()
    before = -1
    while len(sent) != before:
        before = len(sent)
        server.run(asyncio.sleep(0.2))
    assert before < 200


def test_a_handler_that_stops_receiving_stops_the_client(serve: Any) -> None:
    async def idle(request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        await asyncio.Event().wait()

    peer = open_peer(serve, idle)
    peer.client.socket.settimeout(0.5)
    frame, sent = peer.protocol.send(BytesMessage(b"x" * 100_000)), 0
    with pytest.raises(TimeoutError):
        while sent < 50_000_000:
            sent += peer.client.socket.send(frame)
    assert sent < 20_000_000


def test_stopping_tells_websockets_to_go_away(serve: Any) -> None:
    server = serve(plain, websocket=echo)
    peer = Peer(server.connect())
    peer.open()
    stopping = asyncio.run_coroutine_threadsafe(server.listener.stop(), server.loop)
    closed = peer.event()
    assert isinstance(closed, CloseConnection)
    assert closed.code == 1001
    peer.send(closed.response())
    stopping.result(60)
    assert server.listener.connections == 0


def test_a_send_that_is_given_up_harms_no_other(serve: Any) -> None:
    stuck = asyncio.Event()

    async def flood(request: Request, websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                async with asyncio.timeout(0.2):
                    await websocket.send(b"x" * 100_000)
        except TimeoutError:
            stuck.set()
        await websocket.send("after")

    server = serve(plain, websocket=flood)
    peer = Peer(server.connect())
    peer.open()
    server.run(asyncio.wait_for(stuck.wait(), 60))
    while (message := peer.message()) != "after":
        assert message == b"x" * 100_000
    assert isinstance(peer.event(), CloseConnection)


def test_a_client_that_left_before_its_websocket_had_its_turn(serve: Any) -> None:
    go = asyncio.Event()

    async def slow(request: Request) -> Response:
        await go.wait()
        return Response()

    server = serve(slow, websocket=echo)
    client = server.connect()
    client.send(GET + SHAKE)
    client.socket.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + 60
    while not all(connection._ended for connection in server.listener._connections) or not server.listener.connections:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    server.loop.call_soon_threadsafe(go.set)
    assert client.answer().status == 200
    assert client.rest() == b""


class Recorded:
    """A transport whose client reads nothing."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return len(self.sent)


async def accepted() -> tuple[WebSocket, Recorded]:
    """A WebSocket that nobody receives from."""

    async def drained() -> None:
        pass

    lines = SHAKE.decode().strip().split("\r\n")[1:]
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    wire = Recorded()
    websocket = WebSocket(Request("GET", "/ws", headers=Headers(headers)), wire, drained=drained, taken=lambda: None)
    await websocket.accept()
    return websocket, wire


def frame(head: bytes, payload: bytes = b"") -> bytes:
    return head + bytes([0x80 | len(payload)]) + bytes(4) + payload


def test_messages_and_pieces_without_content_are_bounded() -> None:
    async def run() -> None:
        websocket, _ = await accepted()
        websocket.data_received(frame(b"\x81") * 1_000)
        assert websocket.buffered > 100_000, "the client is stopped in the end"
        assert [await websocket.receive() for _ in range(1_000)] == [""] * 1_000
        assert websocket.buffered == 0
        websocket.data_received(frame(b"\x01") + frame(b"\x00") * 1_000)
        assert len(websocket._parts) == 1
        websocket.data_received(frame(b"\x00", b"a") + frame(b"\x80", b"b"))
        assert await websocket.receive() == "ab"

    asyncio.run(run())


def test_pings_of_a_client_that_reads_nothing_are_let_go() -> None:
    async def run() -> None:
        websocket, wire = await accepted()
        for _ in range(100):
            websocket.data_received(frame(b"\x89", b"x" * 125) * 1_000)
        assert 1_000_000 < len(wire.sent) < 1_200_000

    asyncio.run(run())
