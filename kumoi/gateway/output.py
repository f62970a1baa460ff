"""What one connection writes: small answers beside others', bodies piece by piece, files from where they lie; in order.

A small answer is held until the turn of the loop that made it is over (`outgoing.py`); whatever comes behind it goes
through `in_order`. A body is written as fast as its client takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from kumoi.gateway.file_sender import FileSender
from kumoi.gateway.outgoing import Outgoing
from kumoi.gateway.response_writer import Head, chunk, file_pieces
from kumoi.wire.http import BodyCut, ClientDisconnected, FileBody

logger = logging.getLogger(__name__)

_RESET = struct.pack("ii", 1, 0)


class Broken(Exception):
    """An answer cannot be written to its end: its connection must be cut, so that the client does not wait for it."""


class Room:
    """How much a connection's client takes: `full` is whether it takes no more for now."""

    def __init__(self) -> None:
        self.full = False
        self._room: asyncio.Future[None] | None = None

    def pause(self) -> None:
        """The transport's buffer is full."""
        self.full = True

    def resume(self) -> None:
        """The transport's buffer has room again."""
        self.full = False
        if self._room is not None:
            self._room.set_result(None)
            self._room = None

    async def room(self) -> None:
        """Wait until the client has taken enough; several may wait, and one may give up."""
        if self.full:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)


class Output(Room):
    """The output of one connection of HTTP/1.1, once it has begun.

    `high` is how many bytes may wait in the transport, `moved` is called whenever a body's client takes a piece, and
    `broken` when a small answer could not be written. `streaming` is whether a body is on its way.
    """

    def __init__(
        self,
        accepted: socket.socket,
        outgoing: Outgoing,
        *,
        high: int,
        moved: Callable[[], None],
        broken: Callable[[], None],
    ) -> None:
        super().__init__()
        self.streaming = False
        self._socket = accepted
        self._outgoing = outgoing
        self._high = high
        self._moved = moved
        self._broken = broken
        self._unwritten = b""

    def begin(self, transport: asyncio.Transport) -> None:
        """The connection is open."""
        self._transport = transport
        transport.set_write_buffer_limits(high=self._high)

    def end(self) -> None:
        """The connection is gone: what was not written is dropped, and nobody waits for room any longer."""
        self._unwritten = b""
        self.resume()

    # ── whole answers ─────────────────────────────────────────────────────────────────────────────────────────────

    def together(self, answer: bytes) -> None:
        """Write an answer with those of other connections that are ready in this turn of the loop."""
        if self._unwritten:
            self.flush()
        self._unwritten = answer
        self._outgoing.leave(self._leave)

    def together_while_reading(self, answer: bytes) -> None:
        """As `together`, for an answer that is made while its request is read."""
        self.flush()
        self._unwritten = answer
        self._outgoing.leave_while_reading(self._leave)

    def flush(self) -> None:
        """Write what is held."""
        if self._unwritten:
            content, self._unwritten = self._unwritten, b""
            self._transport.write(content)

    def _leave(self) -> None:
        """Write it beside others' answers: what fails cuts this connection, and keeps none of them."""
        try:
            self.flush()
        except Exception:
            logger.exception("an answer could not be written")
            self._broken()

    @property
    def in_order(self) -> asyncio.Transport:
        """The transport for whatever comes behind what is held."""
        self.flush()
        return self._transport

    def reset(self) -> None:
        """Cut the connection so that the client sees a reset."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.in_order.abort()

    # ── bodies ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def file(self, body: FileBody, framed: Head) -> None:
        """Write a file from where it lies; Broken for one that is not as long as was promised."""
        self.streaming = True
        try:
            with FileSender(self.in_order, self._socket, body) as sender:
                sender.begin(framed.content)
                while sender.left:
                    await self.room()
                    await sender.send()
                    self._moved()
        except ConnectionError:
            raise Broken from None
        except Exception as error:
            raise _failed() from error
        finally:
            self.streaming = False
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits(high=self._high)

    async def pieces(self, body: AsyncIterator[bytes] | FileBody, framed: Head) -> None:
        """Write a body piece by piece; Broken for one that breaks off, or that breaks its promise of a length.

        BodyCut is the body's own: it ends here.
        """
        transport, left = self.in_order, framed.length
        pieces = file_pieces(body) if isinstance(body, FileBody) else body
        transport.write(framed.content)
        self.streaming = True
        try:
            if left == 0:
                return
            async for piece in pieces:
                if left is not None:
                    left -= len(piece)
                    if left < 0:
                        raise ValueError("the body is longer than its Content-Length")
                if piece:
                    transport.write(chunk(piece) if framed.chunked else piece)
                    self._moved()
                if self.full:
                    await self.room()
            if left:
                raise ValueError("the body is shorter than its Content-Length")
            if framed.chunked:
                transport.write(b"0\r\n\r\n")
        except BodyCut:
            raise
        except ClientDisconnected:
            raise Broken from None
        except Exception as error:
            raise _failed() from error
        finally:
            self.streaming = False
            await close(pieces)


def _failed() -> Broken:
    """What comes of a body that has just failed; the log has why."""
    logger.exception("a response's body failed in the middle; the connection is cut")
    return Broken()


async def close(pieces: AsyncIterator[bytes] | FileBody) -> None:
    """Close a body that is not written any further."""
    if isinstance(pieces, AsyncGenerator):
        await pieces.aclose()
