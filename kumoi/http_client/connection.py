"""One connection to an endpoint, one request at a time: its bytes out, its answer in.

httptools parses answers. An answer counts once it is whole, by its own framing; more than was asked for (bytes behind
it, a second answer) ends the connection, so that nothing of it can be taken for the next request's.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import httptools

LONGEST_HEAD = 256 * 1024
"""Bytes of an answer's head."""


class Unreachable(Exception):
    """The endpoint could not be asked, or broke off; `timeout` when it did not answer in time."""

    def __init__(self, reason: str, *, timeout: bool = False) -> None:
        super().__init__(reason)
        self.timeout = timeout


class HttpAnswer(NamedTuple):
    """What an endpoint answered; `complete` is False where the body goes on behind what was wanted."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    complete: bool = True


class Broken(Exception):
    """The connection ended, or what came is no answer; `untouched` where not a byte of one had come."""

    def __init__(self, reason: str, *, untouched: bool = False) -> None:
        super().__init__(reason)
        self.untouched = untouched


@dataclass(slots=True)
class _Answer:
    """What has come of an answer: `headed` once its head has, `done` once nothing more of it will.

    `framed` says that its own head tells where it ends; `keep` that the connection goes on behind it, unless there is a
    `surplus`.
    """

    status: int = 0
    fields: list[tuple[str, str]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    headed: bool = False
    framed: bool = False
    keep: bool = False
    done: bool = False
    surplus: bool = False


class Connection(asyncio.Protocol):
    """The protocol of one connection; `lost` is called when it has ended.

    `since` says when it has ended its last request (the loop's time).
    """

    def __init__(self, lost: Callable[[Connection], None]) -> None:
        self._whole = True
        self.since = 0.0
        self._lost = lost
        self._waiting: asyncio.Future[HttpAnswer] | None = None
        self._answer = _Answer()

    @property
    def usable(self) -> bool:
        """Whether it takes a request: the last answer was whole, and it does not end, of which it is told later."""
        return self._whole and not self._transport.is_closing()

    @property
    def silent(self) -> bool:
        """Whether it takes a request, and nothing has come that the loop has not read yet: bytes, or its end."""
        if not self.usable:
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    async def exchange(self, request: bytes, body: bytes, *, without_body: bool, most: int) -> HttpAnswer:
        """Send a request, and read its answer, up to `most` bytes of its body; raises Broken.

        `without_body`: its answer has none, whatever its head says (HEAD).
        """
        self._whole = False
        self._without_body, self._most = without_body, most
        self._parser = httptools.HttpResponseParser(self)
        self._fed = 0
        self._answer = _Answer()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        if body:
            self._transport.write(body)
        try:
            return await self._waiting
        finally:
            self._waiting = None
            if not self.usable:
                self._transport.abort()

    def close(self) -> None:
        """End it."""
        self._transport.close()

    # ── the transport's side ──────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes have come; none are expected between requests."""
        if self._waiting is None or self._waiting.done():
            self.close()
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # 101: what follows is no HTTP
            self._answer.done, self._answer.keep = True, False
        except httptools.HttpParserError as error:
            if not self._answer.done:
                self._fail(f"that is no HTTP answer: {error}")
                return
            self._answer.keep = False
        if self._answer.done:
            self._succeed()
        elif not self._answer.headed and self._fed > LONGEST_HEAD:
            self._fail("the answer's head is too long")

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, which ends a body that says no length."""
        if self._waiting is not None and not self._waiting.done():
            if self._answer.headed and not self._answer.framed:
                self._answer.keep = False
                self._succeed()
            else:
                self._fail(str(exc or "the connection ended"), untouched=not self._fed)
        self._lost(self)

    # ── the parser's calls ────────────────────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        """An answer begins: the only one, or the one behind a `100 Continue`."""
        if self._answer.done:
            self._answer.surplus = True
        else:
            self._answer = _Answer()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; what comes behind the body is not told."""
        if not self._answer.headed:
            self._answer.fields.append((name.decode("latin-1"), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """The head is complete."""
        answer, status = self._answer, self._parser.get_status_code()
        if answer.done or (status < 200 and status != 101):
            return
        answer.status, answer.headed, answer.keep = status, True, self._parser.should_keep_alive()
        names = {name.lower() for name, _ in answer.fields}
        answer.framed = status in (204, 304) or not names.isdisjoint(("content-length", "transfer-encoding"))
        answer.done = self._without_body

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        answer = self._answer
        if answer.done:
            return
        answer.pieces.append(piece)
        answer.size += len(piece)
        if answer.size > self._most:
            answer.done, answer.keep = True, False

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._answer.headed:
            self._answer.done = True

    def _succeed(self) -> None:
        assert self._waiting is not None, "somebody asked"
        answer, most = self._answer, self._most
        self._whole = answer.keep and answer.framed and not answer.surplus
        body = b"".join(answer.pieces)
        self._waiting.set_result(HttpAnswer(answer.status, answer.fields, body[:most], len(body) <= most))

    def _fail(self, reason: str, *, untouched: bool = False) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Broken(reason, untouched=untouched))
