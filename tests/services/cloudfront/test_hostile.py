"""Viewers and origins that mean harm, or are unwell: one request stays one request, and one's trouble is no other's."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

Config = Callable[..., dict[str, Any]]
DISABLED, ALL_VIEWER = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "216adef6-5c7f-47e4-b989-5492eafa07d3"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCache-Control: max-age=60\r\n\r\nok"


class RawOrigin:
    """A server that reads requests as RFC 9112 says, and keeps their bytes; `answers` says what a path gets."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.strange: list[bytes] = []
        self.answers: dict[str, Callable[[socket.socket], None]] = {}
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def lines(self) -> list[bytes]:
        return [one.split(b"\r\n", 1)[0] for one in self.asked]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            received = b""
            while True:
                while b"\r\n\r\n" not in received:
                    piece = connection.recv(65536)
                    if not piece:
                        self.strange += [received] if received else []
                        return
                    received += piece
                head, _, received = received.partition(b"\r\n\r\n")
                fields = [line.partition(b":") for line in head.lower().split(b"\r\n")[1:]]
                lengths = [int(value) for name, _, value in fields if name == b"content-length"]
                if len(lengths) > 1 or any(name.strip() == b"transfer-encoding" for name, _, _ in fields):
                    self.strange.append(head)
                while len(received) < (lengths or [0])[0]:
                    received += connection.recv(65536)
                body, received = received[: (lengths or [0])[0]], received[(lengths or [0])[0] :]
                self.asked.append(head + b"\r\n\r\n" + body)
                path = head.split(b" ")[1].decode("latin-1")
                answer = self.answers.get(path)
                if answer is None:
                    connection.sendall(ANSWER)
                else:
                    answer(connection)


@pytest.fixture
def origin() -> Iterator[RawOrigin]:
    one = RawOrigin()
    yield one
    one.listening.close()


def create(kumoi: Any, config: Config, *ports: int, **behaviour: Any) -> str:
    """A distribution before a server on this machine, and one more below `/1/`, and so on."""
    origins = [
        {
            "Id": str(number),
            "DomainName": "localhost",
            "CustomOriginConfig": {
                "HTTPPort": port,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "http-only",
                "OriginReadTimeout": 1,
            },
            "ConnectionAttempts": 1,
        }
        for number, port in enumerate(ports)
    ]
    given = config(
        Origins={"Quantity": len(origins), "Items": origins},
        behaviour={
            "TargetOriginId": "0",
            "AllowedMethods": {
                "Quantity": 7,
                "Items": ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
            },
            **behaviour,
        },
    )
    others = [
        {**given["DefaultCacheBehavior"], "PathPattern": f"/{n}/*", "TargetOriginId": str(n)}
        for n in range(1, len(ports))
    ]
    given["CacheBehaviors"] = {"Quantity": len(others), "Items": others}
    return str(kumoi.client("cloudfront").create_distribution(DistributionConfig=given)["Distribution"]["DomainName"])


def ask(kumoi: Any, data: bytes) -> bytes:
    """All that is answered to some bytes."""
    address = urlsplit(kumoi.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
        return received


BODY = "5\r\nGET /\r\n0\r\n\r\n"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
SENT = [
    ("POST /a HTTP/1.1\r\n{host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, []),
    ("POST /a HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + BODY, []),
    ("POST /a HTTP/1.1\r\n{host}Transfer-Encoding: xchunked\r\n\r\n" + BODY, []),
    ("POST /a HTTP/1.1\r\n{host}Transfer-Encoding : chunked\r\n\r\n" + BODY, []),
    ("POST /a HTTP/1.1\r\n{host}Transfer-Encoding: chunked, identity\r\n\r\n" + BODY, []),
    ("POST /a HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + SMUGGLED, []),
    ("POST /a HTTP/1.1\r\n{host}Content-Length: +0\r\n\r\n" + SMUGGLED, []),
    ("POST /a HTTP/1.1\r\n{host}Content-Length: 0x5\r\n\r\n" + SMUGGLED, []),
    ("GET /a HTTP/1.1\r\n{host}X: b\rTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED, []),
    ("GET /a HTTP/1.1\r\n{host}X: b\0\r\n\r\n", []),
    ("GET /a b HTTP/1.1\r\n{host}\r\n", []),
    ("GET /a\tHTTP/1.1\r\n{host}\r\n", []),
    ("POST /a HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n" + BODY, [b"POST /a HTTP/1.1"]),
    (
        "POST /a HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Trailer: 1\r\n\r\n",
        [b"POST /a HTTP/1.1"],
    ),
    (f"POST /a HTTP/1.1\r\n{{host}}Content-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}", [b"POST /a HTTP/1.1"]),
    ("GET /a%0d%0aX-In:%201%0d%0a HTTP/1.1\r\n{host}\r\n", [b"GET /a%0d%0aX-In:%201%0d%0a HTTP/1.1"]),
    ("GET /a?b=%0d%0a%0d%0aGET%20/ HTTP/1.1\r\n{host}\r\n", [b"GET /a?b=%0d%0a%0d%0aGET%20/ HTTP/1.1"]),
    ("GET /a HTTP/1.1\r\n{host}X: b\r\n Transfer-Encoding: chunked\r\n\r\n", None),
    ("GET /a HTTP/1.1\r\n{host}Content-Length: 4\r\n\r\nbody", []),
    ("GET /a HTTP/1.1\r\n{host}Connection: X-Forwarded-For, Cookie\r\nCookie: a=1\r\n\r\n", [b"GET /a HTTP/1.1"]),
]


@pytest.mark.parametrize(("sent", "asked"), SENT)
def test_one_request_is_one_at_the_origin(
    kumoi: Any, config: Config, origin: RawOrigin, sent: str, asked: list[bytes] | None
) -> None:
    domain = create(kumoi, config, origin.port, CachePolicyId=DISABLED, OriginRequestPolicyId=ALL_VIEWER)
    answers = ask(kumoi, sent.format(host=f"Host: {domain}\r\n").encode("latin-1"))
    assert not origin.strange
    if asked is not None:
        assert origin.lines == asked
    assert len(origin.lines) <= 1
    assert not any(b"\nX-In" in one or b"\nX-Trailer" in one for one in origin.asked)
    assert (b"HTTP/1.1 200 OK" in answers) is bool(origin.asked)
    assert answers.count(b"HTTP/1.1 200") == len(origin.asked)


def test_what_is_not_keyed_reaches_no_origin_whose_answer_is_kept(
    kumoi: Any, config: Config, origin: RawOrigin
) -> None:
    domain = create(kumoi, config, origin.port)
    unkeyed = "X-Forwarded-Host: evil\r\nX-Original-URL: /admin\r\nX-HTTP-Method-Override: PUT\r\nCookie: evil=1\r\n"
    unkeyed += (
        "Forwarded: host=evil\r\nOrigin: https://evil\r\nAccept: evil\r\nUser-Agent: evil\r\nAuthorization: evil\r\n"
    )
    assert b"200 OK" in ask(kumoi, f"GET /a?evil=1 HTTP/1.1\r\nHost: {domain}\r\n{unkeyed}\r\n".encode())
    [one] = origin.asked
    assert b"evil" not in one
    assert b"admin" not in one
    assert b"PUT" not in one
    assert b"X-Cache: Hit" in ask(kumoi, f"GET /a HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())


def test_a_body_makes_nothing_that_others_get(kumoi: Any, config: Config, origin: RawOrigin) -> None:
    domain = create(kumoi, config, origin.port)
    fat = f"HTTP/1.1\r\nHost: {domain}\r\nContent-Length: 6\r\n\r\nevil=1"
    refused = ask(kumoi, f"GET /a {fat}".encode())
    assert refused.startswith(b"HTTP/1.1 403")
    assert b'"rule":"a GET request must not have a body"' in refused
    ask(kumoi, f"HEAD /a {fat}".encode())
    ask(kumoi, f"GET /a HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
    assert all(b"\r\n\r\nevil" not in one for one in origin.asked if one.startswith(b"GET"))


# ── origins ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def dying(connection: socket.socket) -> None:
    connection.sendall(ANSWER[:60])
    connection.close()


def lying(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort")
    connection.close()


def babbling(connection: socket.socket) -> None:
    connection.sendall(b"\x00\x01 what?\r\n\r\n")
    connection.close()


def doubling(connection: socket.socket) -> None:
    connection.sendall(ANSWER + ANSWER.replace(b"ok", b"no"))


@pytest.mark.parametrize("answer", [dying, lying, babbling])
def test_an_origin_that_breaks_off_is_a_502_and_others_are_served(
    kumoi: Any, config: Config, origin: RawOrigin, answer: Callable[[socket.socket], None]
) -> None:
    domain = create(kumoi, config, origin.port)
    origin.answers["/bad"] = answer
    good, bad = (f"GET /{path} HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode() for path in ("good", "bad"))
    assert ask(kumoi, bad).startswith(b"HTTP/1.1 502")
    assert ask(kumoi, good).startswith(b"HTTP/1.1 200")
    del origin.answers["/bad"]
    kept = ask(kumoi, bad)
    assert kept.startswith(b"HTTP/1.1 502"), "an error is kept for ten seconds"


def test_what_an_origin_says_unasked_answers_nobody(kumoi: Any, config: Config, origin: RawOrigin) -> None:
    domain = create(kumoi, config, origin.port, CachePolicyId=DISABLED)
    origin.answers["/twice"] = doubling
    for path in ("twice", "once", "twice", "once"):
        assert ask(kumoi, f"GET /{path} HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode()).endswith(b"\r\n\r\nok")


def test_an_origin_that_says_nothing_holds_up_its_own_viewers_alone(
    kumoi: Any, config: Config, origin: RawOrigin
) -> None:
    other, release = RawOrigin(), threading.Event()
    domain = create(kumoi, config, origin.port, other.port)

    def silent(connection: socket.socket) -> None:
        release.wait(60)
        connection.close()

    origin.answers["/slow"] = silent
    kept = f"GET /kept HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode()
    ask(kumoi, kept)
    slow: list[bytes] = []
    waiting = [
        threading.Thread(
            target=lambda: slow.append(ask(kumoi, f"GET /slow HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode()))
        )
        for _ in range(20)
    ]
    for one in waiting:
        one.start()
    while not any(b"/slow" in line for line in origin.lines):
        pass
    assert b"X-Cache: Hit" in ask(kumoi, kept)
    assert b"X-Cache: Miss" in ask(kumoi, f"GET /1/other HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
    assert b"X-Cache: Miss" in ask(kumoi, f"GET /new HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
    for one in waiting:
        one.join()
    release.set()
    other.listening.close()
    assert {one.split(b"\r\n")[0] for one in slow} == {b"HTTP/1.1 504 Gateway Timeout"}
    assert sum(b"/slow" in line for line in origin.lines) == 1
