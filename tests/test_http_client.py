"""The client for endpoints outside of the platform: against real sockets, friendly and hostile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kumoi.http_client import HttpAnswer, HttpClient, Unreachable, is_metadata
from kumoi.http_client.client import KEPT_SECONDS
from kumoi.http_client.connection import Connection


class Server:
    """Reads one request of each connection, and answers it with given bytes; `hang` keeps the connection silent."""

    def __init__(self, answer: bytes, *, hang: bool = False) -> None:
        self.requests: list[bytes] = []
        self._answer, self._hang = answer, hang
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            self.requests.append(received)
            if self._hang:
                self._open.append(connection)
                continue
            with suppress(OSError):  # the client may have read enough
                connection.sendall(self._answer)
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self._open:
            connection.close()


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n", **options: Any) -> Server:
        started.append(Server(answer, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def send(*given: Any, **options: Any) -> HttpAnswer:
    client = HttpClient(Path("there is none"))
    try:
        return asyncio.run(client.send(*given, **{"seconds": 20, **options}))
    finally:
        client.close()


def test_only_what_is_given_is_sent_and_repeated_fields_stay_so(server: Callable[..., Server]) -> None:
    there = server()
    fields = [("X-A", "1"), ("X-A", "2"), ("Host", "another.example"), ("X-B", "é☁")]
    assert send("GET", f"{there.url}/p?q=1", fields).status == 204
    lines = there.requests[0].decode("latin-1").split("\r\n")
    assert lines[0] == "GET /p?q=1 HTTP/1.1"
    assert sorted(line for line in lines[1:] if line) == ["Host: another.example", "X-A: 1", "X-A: 2", "X-B: é?"]


@pytest.mark.parametrize(("body", "length"), [(b"", "0"), (b"text", "4")])
def test_a_post_states_its_length(server: Callable[..., Server], body: bytes, length: str) -> None:
    there = server()
    send("POST", there.url, (), body)
    assert f"content-length: {length}\r\n".encode() in there.requests[0].lower()


def test_an_answer_is_told_as_it_came(server: Callable[..., Server]) -> None:
    there = server(
        b"HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok"
    )
    answer = send("GET", there.url)
    assert (answer.status, answer.body, answer.complete) == (302, b"ok", True)
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == ["a", "b"]
    assert len(there.requests) == 1


def test_no_more_is_read_than_is_wanted(server: Callable[..., Server]) -> None:
    there = server(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000)
    answer = send("GET", there.url, most=1000)
    assert (answer.status, answer.body, answer.complete) == (200, b"x" * 1000, False)


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"])
def test_what_is_no_answer_is_unreachable(server: Callable[..., Server], answer: bytes) -> None:
    with pytest.raises(Unreachable) as broken:
        send("GET", server(answer).url)
    assert not broken.value.timeout


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "http://", "nonsense", "http://[::1/", "http://a:x/"]
)
def test_what_cannot_be_asked_is_unreachable(url: str) -> None:
    with pytest.raises(Unreachable) as broken:
        send("GET", url)
    assert not broken.value.timeout


def test_silence_ends_in_time(server: Callable[..., Server]) -> None:
    with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s|timed out") as broken:
        send("GET", server(hang=True).url, seconds=0.2)
    assert broken.value.timeout


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("169.254.169.254", True),
        ("169.254.170.2", True),
        ("::ffff:169.254.169.254", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("::1", False),
    ],
)
def test_addresses_where_machines_get_their_credentials(address: str, refused: bool) -> None:
    assert is_metadata(address) is refused


def test_who_is_not_asked_gets_not_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kumoi.http_client.address.is_metadata", lambda address: address == "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        with pytest.raises(Unreachable, match="link-local addresses are not asked"):
            send("GET", f"http://127.0.0.1:{listening.getsockname()[1]}")
        connection, _ = listening.accept()
        with connection:
            assert connection.recv(1) == b""


class Keeping:
    """Answers the requests of each connection one after the other, as told; `connections` counts them."""

    def __init__(self, *answers: bytes) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while self._answers:
                received = b""
                while b"\r\n\r\n" not in received:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    received += piece
                self.requests.append(received)
                answer = self._answers.pop(0)
                connection.sendall(answer)
                if b"close" in answer or b"ength" not in answer:
                    return


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer-Length: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "connections"),
    [
        (OK, 1),
        (CHUNKED, 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 1),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, 1),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        (b"HTTP/1.1 200 OK\r\n\r\nok", 2),
        (OK + OK.replace(b"ok", b"no"), 2),
        (OK + b"garbage", 2),
    ],
)
def test_a_connection_is_used_again_where_nothing_is_left_on_it(first: bytes, connections: int) -> None:
    there = Keeping(first, OK)

    async def twice() -> list[HttpAnswer]:
        client = HttpClient(Path("there is none"))
        answers = [await client.send("GET", there.url, seconds=60) for _ in range(2)]
        client.close()
        return answers

    assert [answer.body for answer in asyncio.run(twice())] == [b"ok", b"ok"]
    assert there.connections == connections


def test_another_protocol_that_nobody_asked_for_is_an_answer(
    server: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    there = server(head + b"other bytes")
    assert send("GET", there.url) == (101, [("Upgrade", "x"), ("Connection", "Upgrade")], b"", True)
    assert not caplog.records


def test_a_connection_that_ends_takes_no_request_before_it_is_lost() -> None:
    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        lost: list[Connection] = []
        _, connection = await loop.create_connection(lambda: Connection(lost.append), sock=ours)
        assert connection.usable
        theirs.close()
        while connection.usable:
            await asyncio.sleep(0)
        assert not lost

    asyncio.run(scenario())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("loop_of", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_ends_before_it_is_asked_takes_no_request_of_any_kind(method: str, loop_of: Callable[[], Any]) -> None:
    """The kernel knows that the endpoint has ended it, though the loop has not been told yet."""

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as there:
            there.settimeout(60)
            client = HttpClient(Path("there is none"))
            url = f"http://127.0.0.1:{there.getsockname()[1]}"
            first = asyncio.create_task(client.send(method, url, seconds=20))
            kept = (await asyncio.to_thread(there.accept))[0]
            await asyncio.to_thread(kept.recv, 65536)
            kept.sendall(OK)
            assert (await first).status == 200
            second = asyncio.create_task(client.send(method, url, seconds=20))
            kept.close()
            fresh = (await asyncio.to_thread(there.accept))[0]
            assert (await asyncio.to_thread(fresh.recv, 65536)).startswith(method.encode())
            fresh.sendall(OK)
            assert (await second).status == 200
            fresh.close()
            client.close()

    with contextlib.closing(loop_of()) as loop:
        loop.run_until_complete(scenario())


@pytest.mark.parametrize(("method", "again"), [("GET", True), ("PUT", True), ("DELETE", True), ("POST", False)])
def test_what_ends_as_it_is_asked_is_asked_anew_where_that_is_harmless(method: str, again: bool) -> None:
    there = Keeping(OK, b"", OK)  # the second request is read, and answered with nothing

    async def twice() -> HttpAnswer:
        client = HttpClient(Path("there is none"))
        await client.send("GET", there.url, seconds=20)
        try:
            return await client.send(method, there.url, seconds=20)
        finally:
            client.close()

    if again:
        assert asyncio.run(twice()).status == 200
    else:
        with pytest.raises(Unreachable, match="ended"):
            asyncio.run(twice())
    assert len(there.requests) == 2 + again


def test_an_address_that_does_not_answer_keeps_nobody_waiting(server: Callable[..., Server]) -> None:
    there = server()
    tried: list[str] = []

    async def asked() -> HttpAnswer:
        loop = asyncio.get_running_loop()
        connect = loop.sock_connect
        port = int(there.url.rpartition(":")[2])

        async def found(*_given: Any, **_options: Any) -> Any:
            addresses = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET, "192.0.2.2"), (socket.AF_INET6, "::1")]
            return [(family, socket.SOCK_STREAM, 6, "", (host, port)) for family, host in addresses]

        async def reached(made: socket.socket, where: Any) -> None:
            tried.append(where[0])
            if where[0] != "::1":
                await asyncio.Event().wait()
            with socket.socket() as other:  # a machine of the tests may have no IPv6
                await connect(other, ("127.0.0.1", port))
                os.dup2(other.fileno(), made.fileno())

        loop.getaddrinfo, loop.sock_connect = found, reached  # type: ignore[assignment, method-assign]
        return await HttpClient(Path("there is none")).send("GET", there.url, seconds=20)

    assert asyncio.run(asked()).status == 204
    assert tried == ["192.0.2.1", "::1"]  # the other family comes second


def test_a_connection_that_has_waited_too_long_takes_no_request() -> None:
    there = Keeping(OK, OK)

    async def twice() -> None:
        client = HttpClient(Path("there is none"))
        await client.send("GET", there.url, seconds=60)
        [[connection]] = client._idle.values()
        connection.since -= KEPT_SECONDS
        await client.send("GET", there.url, seconds=60)
        assert not connection.usable
        client.close()

    asyncio.run(twice())
    assert there.connections == 2


def test_an_answer_to_head_has_no_body() -> None:
    there = Keeping(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", OK)

    async def both() -> tuple[HttpAnswer, HttpAnswer]:
        client = HttpClient(Path("there is none"))
        asked = await client.send("HEAD", there.url, seconds=60), await client.send("GET", there.url, seconds=60)
        client.close()
        return asked

    head, got = asyncio.run(both())
    assert (head.status, head.body, ("Content-Length", "9") in head.headers) == (200, b"", True)
    assert got.body == b"ok"


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/a/../%2e%2E/b", "/a/../%2e%2E/b"),
        ('/%0d%0A?{}|"#x', '/%0d%0A?{}|"'),
        ("/a b\r\nX: 1", "/a%20b%0D%0AX:%201"),
        ("/é", "/%C3%A9"),
        ("//a//b", "//a//b"),
    ],
)
def test_a_target_is_sent_as_it_is_written(server: Callable[..., Server], target: str, sent: str) -> None:
    there = server()
    send("GET", f"{there.url}{target}")
    assert there.requests[0].split(b"\r\n")[0].decode() == f"GET {sent} HTTP/1.1"


@pytest.mark.parametrize("field", [("X-A", "1\r\nX-B: 2"), ("X A", "1"), ("X-A:", "1"), ("", "1"), ("X-A", "\0")])
def test_what_would_be_another_request_is_not_sent(server: Callable[..., Server], field: tuple[str, str]) -> None:
    there = server()
    with pytest.raises(Unreachable):
        send("GET", there.url, [field])
    assert not there.requests


def test_addresses_of_a_kind_that_the_machine_lacks_are_passed_over(server: Callable[..., Server]) -> None:
    there = server()

    async def asked() -> HttpAnswer:
        loop = asyncio.get_running_loop()
        known = loop.getaddrinfo

        async def found(*given: Any, **options: Any) -> Any:
            return [(12_345, socket.SOCK_STREAM, 6, "", ("::1", 1, 0, 0)), *await known(*given, **options)]

        loop.getaddrinfo = found  # type: ignore[method-assign]
        return await HttpClient(Path("there is none")).send("GET", there.url, seconds=60)

    assert asyncio.run(asked()).status == 204


def test_nothing_is_kept_of_endpoints_that_nobody_asks(server: Callable[..., Server]) -> None:
    client = HttpClient(Path("there is none"))
    assert asyncio.run(client.send("GET", server().url, seconds=60)).status == 204
    assert not client._turns


def test_an_endpoint_that_is_slow_holds_up_nobody_else(server: Callable[..., Server]) -> None:
    slow, quick = server(hang=True), server()

    async def crowd() -> int:
        client = HttpClient(Path("there is none"))
        waiting = [asyncio.create_task(client.send("GET", slow.url, seconds=60)) for _ in range(200)]
        while not slow.requests:
            await asyncio.sleep(0)
        status = (await client.send("GET", quick.url, seconds=60)).status
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        client.close()
        return status

    assert asyncio.run(crowd()) == 204
    assert len(slow.requests) <= 64


def test_a_connection_waits_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kumoi.http_client.client.KEPT_SECONDS", 0.01)
    there = Keeping(OK, OK)

    async def later() -> None:
        client = HttpClient(Path("there is none"))
        await client.send("GET", there.url, seconds=60)
        while client._idle:
            await asyncio.sleep(0.001)
        await client.send("GET", there.url, seconds=60)
        client.close()

    asyncio.run(later())
    assert there.connections == 2
