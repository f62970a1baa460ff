"""Garbage against the HTTP server: valid requests, mutated by Hypothesis and cut into pieces.

    python tests/fuzz/http_fuzz.py --seconds 600 [--seed N]

Half of it comes beside a request that is held, so that answers wait for each other.
Whatever is sent, each answer is 1xx, 2xx, 4xx or 501, the connection ends soon after the client's last byte, nothing
fails inside the server, and the next good request is answered. A failure prints the smallest bytes that cause it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import uvloop
from hypothesis import strategies as st
from mutations import Failures, attempted, command, mutated, pieces, talk

from kumoi.gateway.limits import Limits
from kumoi.gateway.listener import Listener
from kumoi.gateway.websocket import WebSocket
from kumoi.wire.http import Request, Response

ANSWER_SECONDS = 5.0
GOOD = b"GET /good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
HELD = b"POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
SEEDS = [
    b"GET /a%2Fb?c=d HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n",
    b"GET /pieces HTTP/1.1\r\nHost: a\r\n\r\nHEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;e=f\r\nhello\r\n40\r\n" + b"x" * 64 + b"\r\n0\r\nT: u\r\n\r\n",
    b"PUT /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n" + b"x" * 99 + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0",
    b"OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n",
]  # fmt: skip
WORDS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"0", b"-1", b"\r\n\r\n", b"\xff", b"\x16\x03\x01", b"HTTP/1.0",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Upgrade: websocket\r\n",
    b"Expect: 100-continue\r\n", b"Host: b\r\n", b"A: " + b"b" * 20_000, b"ffffffffffffffff\r\n", b"0\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"%00", b"http://", b"#", b"*", b"?", b"//",
]  # fmt: skip


@st.composite
def attacks(draw: st.DrawFn) -> list[bytes]:
    """The pieces of one connection's bytes: one or two seeds, mutated."""
    return draw(pieces(draw(mutated(SEEDS, WORDS, most=6))))


async def handler(request: Request) -> Response:
    """Reads in pieces, answers in pieces, or does not read at all, as the path asks."""
    if request.path == "/unread":
        return Response(200, [], b"unread")
    size = 0
    async for piece in request.body.stream():
        size += len(piece)

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"%d" % size
            await asyncio.sleep(0)

    return Response(200, [("X-Path", request.path)], parts() if request.path == "/pieces" else b"%d" % size)


async def websocket(request: Request, opened: WebSocket) -> None:
    await opened.accept()
    while True:
        await opened.send(await opened.receive())


@contextmanager
def server() -> Iterator[tuple[int, Failures]]:
    """A listener with small buffers, so that few bytes reach every state; its port and its failures."""
    failures = Failures()
    logging.getLogger().addHandler(failures)
    started: list[tuple[int, asyncio.AbstractEventLoop]] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def main() -> None:
        limits = Limits(buffered_body=16, read_high=64, read_low=16, pipeline_depth=2, drain_timeout=1)
        listener = Listener(handler, port=0, websocket=websocket, limits=limits)
        await listener.start()
        started.append((listener.port, asyncio.get_running_loop()))
        ready.set()
        await stop.wait()
        await listener.stop()

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    if not ready.wait(60):
        raise RuntimeError("the listener did not start")
    try:
        yield started[0][0], failures
    finally:
        started[0][1].call_soon_threadsafe(stop.set)
        thread.join()
        logging.getLogger().removeHandler(failures)


def statuses(received: bytes) -> list[int]:
    """The statuses in what was received; none of the bodies here holds a status line."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


@contextmanager
def company(port: int) -> Iterator[None]:
    """A request whose body does not come while the block runs."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as other:
        other.sendall(HELD)
        yield


def attack(port: int, failures: Failures, sent: list[bytes]) -> None:
    """Send pieces, judge the answers, and see that the server is well."""
    failures.texts.clear()
    with company(port) if sum(map(len, sent)) % 2 else nullcontext():
        received = talk(port, sent, ANSWER_SECONDS)
    bad = [status for status in statuses(received) if status >= 500 and status != 501]
    assert not bad, (bad, received)
    good = talk(port, [GOOD], ANSWER_SECONDS)
    assert good.startswith(b"HTTP/1.1 200 OK\r\nX-Path: /good\r\n"), good
    assert not failures.texts, failures.texts


def run(seeds: Iterable[int]) -> int:
    """Attack some 200 times for each seed; how many attacks there were. AssertionError or TimeoutError if one hits."""
    with server() as (port, failures):
        return attempted([attacks()], partial(attack, port, failures), seeds, examples=200)


if __name__ == "__main__":
    command(run, __doc__)
