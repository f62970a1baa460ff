"""Answers that leave together: while another request is under way, nothing comes early, late or in another order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kumoi.gateway.outgoing import _LOOKED_AFTER, _TOGETHER, Outgoing
from kumoi.wire.http import FileBody, Request, Response

SMALL, LARGE = b"small", b"l" * 100_000


def get(path: str, *headers: str) -> str:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *headers, "\r\n"])


@pytest.mark.parametrize(
    ("under_way", "at_once"),
    [(0, [["a"], ["a", "b"]]), (1, [["a"], ["a", "b"]]), (2, [[], []]), (8, [[], []])],
)
def test_who_waits_for_the_end_of_the_turn(under_way: int, at_once: list[list[str]]) -> None:
    async def turn() -> tuple[list[list[str]], list[str]]:
        outgoing, written, seen = Outgoing(), list[str](), []
        outgoing.under_way = under_way
        for name in "ab":
            outgoing.leave(lambda name=name: written.append(name))
            seen.append(list(written))
        await asyncio.sleep(0)
        return seen, written

    assert asyncio.run(turn()) == (at_once, ["a", "b"])


def test_the_last_of_a_turn_takes_the_others_along() -> None:
    async def turn() -> list[int]:
        outgoing, written = Outgoing(), list[int]()
        for outgoing.under_way in (3, 2, 1):
            outgoing.leave(lambda name=outgoing.under_way: written.append(name))
        found = list(written)
        await asyncio.sleep(0)
        assert written == found
        return found

    assert asyncio.run(turn()) == [3, 2, 1]


def test_no_more_than_a_few_wait_for_each_other() -> None:
    async def turn() -> list[int]:
        outgoing, written, at_once = Outgoing(), list[int](), []
        outgoing.under_way = 100
        for number in range(3 * _TOGETHER - 1):
            outgoing.leave(lambda number=number: written.append(number))
            at_once.append(len(written))
        await asyncio.sleep(0)
        assert written == list(range(3 * _TOGETHER - 1))
        return at_once

    assert asyncio.run(turn()) == [count // _TOGETHER * _TOGETHER for count in range(1, 3 * _TOGETHER)]


def test_answers_made_while_requests_are_read_leave_together_once_they_were_seen_to_have_company() -> None:
    async def turns() -> list[list[int]]:
        """What was written at once, of so many answers in each turn."""
        outgoing, found = Outgoing(), []
        for several in (*[1] * (_LOOKED_AFTER - 1), 3, 3, 2 * _TOGETHER + 1, 2, 1, 1):
            written: list[int] = []
            for number in range(several):
                outgoing.leave_while_reading(lambda number=number, written=written: written.append(number))
            found.append(list(written))
            await asyncio.sleep(0)
            assert written == list(range(several))
        return found

    expected = [*[[0]] * (_LOOKED_AFTER - 1), [], [], list(range(2 * _TOGETHER)), [], [], [0]]
    assert asyncio.run(turns()) == expected


def test_whichever_way_answers_leave_they_leave_in_order() -> None:
    async def turn() -> list[str]:
        outgoing, written = Outgoing(), list[str]()
        outgoing.under_way = 2
        outgoing.leave(lambda: written.append("a"))
        outgoing.leave_while_reading(lambda: written.append("b"))
        outgoing.under_way = 1
        outgoing.leave(lambda: written.append("c"))
        return written

    assert asyncio.run(turn()) == ["a", "b", "c"]


@pytest.fixture
def busy(serve: Any, tmp_path: Path) -> Any:
    """A server that has a request under way until its test is over, and answers others as their paths say."""
    stored, released = tmp_path / "stored", asyncio.Event()
    stored.write_bytes(LARGE)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"pie"
        yield b"ces"

    async def handler(request: Request) -> Response:
        match request.path:
            case "/held":
                await released.wait()
            case "/large":
                return Response(200, [], LARGE)
            case "/pieces":
                return Response(200, [], pieces())
            case "/file":
                return Response(200, [], FileBody(stored, 0, len(LARGE)))
            case "/abort":
                return Response(abort=True)
            case "/cancelled":
                raise asyncio.CancelledError
        return Response(200, [], SMALL)

    server = serve(handler)
    held = server.connect()
    held.send(get("/held"))
    yield server
    server.loop.call_soon_threadsafe(released.set)
    assert held.answer().body == SMALL


BODIES = {"/": SMALL, "/large": LARGE, "/pieces": b"pieces", "/file": LARGE}


@pytest.mark.parametrize("after", BODIES)
@pytest.mark.parametrize("before", BODIES)
def test_pipelined_answers_stay_in_order(busy: Any, before: str, after: str) -> None:
    client, paths = busy.connect(), [before, "/", after, "/", "/", before]
    client.send("".join(map(get, paths)))
    assert [client.answer().body for _ in paths] == [BODIES[path] for path in paths]


@pytest.mark.parametrize(
    ("last", "status"),
    [(get("/", "Connection: close"), 200), ("nonsense\r\n\r\n", 501), (get("/", "Content-Length: x"), 400)],
)
def test_an_answer_precedes_what_ends_the_connection(busy: Any, last: str, status: int) -> None:
    client = busy.connect()
    client.send(get("/") + last)
    assert client.answer().body == SMALL
    assert client.answer().status == status
    assert client.rest() == b""


@pytest.mark.parametrize("last", ["/abort", "/cancelled"])
def test_an_answer_precedes_a_cut(busy: Any, last: str) -> None:
    client = busy.connect()
    client.send(get("/") + get(last))
    assert client.answer().body == SMALL
    with pytest.raises((ConnectionResetError, EOFError)):
        client.answer()


class Broken:
    """A transport that takes nothing."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        raise RuntimeError("nothing is taken")


def test_an_answer_that_cannot_be_written_cuts_its_own_connection(busy: Any, caplog: pytest.LogCaptureFixture) -> None:
    client, other = busy.connect(), busy.connect()
    assert [client.ask(get("/")).body, other.ask(get("/")).body] == [SMALL, SMALL]
    (mine,) = (one for one in busy.listener._connections if one._client == client.socket.getsockname())
    mine._output._transport = Broken(mine._transport)
    client.send(get("/"))
    assert other.ask(get("/")).body == SMALL
    with pytest.raises((ConnectionResetError, EOFError)):
        client.answer()
    assert "an answer could not be written" in caplog.text


def test_who_says_no_more_is_answered(busy: Any) -> None:
    for _ in range(20):
        client = busy.connect()
        client.send(get("/"))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer().body == SMALL
        assert client.rest() == b""


def test_who_comes_again_before_the_end_of_a_turn_waits_for_its_first_answer(busy: Any) -> None:
    client = busy.connect()
    for _ in range(50):
        client.send(get("/"))
        client.send(get("/large"))
        assert [client.answer().body, client.answer().body] == [SMALL, LARGE]
