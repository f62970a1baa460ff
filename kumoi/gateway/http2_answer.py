"""An answer as frames of its stream: header fields, then a body no faster than its client opens windows for it.

Of several bodies on a connection each sends a turn's bytes, then lets the others have theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes

from kumoi.gateway.http2_heads import answer_of
from kumoi.gateway.output import Broken, close
from kumoi.gateway.response_writer import file_pieces
from kumoi.wire.http import BodyCut, ClientDisconnected, FileBody, Request, Response

if TYPE_CHECKING:
    from kumoi.gateway.http2_stream import Shared

logger = logging.getLogger(__name__)

_TURN = 64 * 1024
"""Bytes of a body that are sent before others have their turn."""


class Answer:
    """The sending half of a stream.

    `begun` is whether header fields were sent, `streaming` whether a body is on its way, `gone` whether nothing more
    can be sent: all is, or the stream was reset.
    """

    def __init__(self, id: int, shared: Shared) -> None:
        self.begun = False
        self.streaming = False
        self.gone = False
        self._id = id
        self._shared = shared
        self._opened: asyncio.Future[None] | None = None

    def window_opened(self) -> None:
        """The client may take more than it could before."""
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    def lose(self) -> None:
        """Nothing more can be sent; who waits to do so learns of it."""
        self.gone = True
        self.window_opened()

    def reset(self, code: ErrorCodes) -> None:
        """End the stream where it is; nothing when it has ended."""
        if not self.gone:
            self.gone = True
            self._shared.protocol.reset_stream(self._id, code)
            self._shared.flush()

    async def send(self, response: Response, request: Request) -> None:
        """Write an answer; Broken for one that cannot be, BodyCut for one whose body says so. Nothing once it is gone.

        When the whole answer is sent the stream goes on as long as the client still sends.
        """
        shared, content = self._shared, response.body
        if response.abort:
            raise Broken
        fields, length = answer_of(response, method=request.method, date=shared.server.date.text())
        if response.status < 200:
            raise ValueError(f"{response.status} is no status that an answer ends with")
        await shared.room.room()
        if self.gone:
            await _close(content)
            return
        self.begun = True
        shared.protocol.send_headers(self._id, fields, end_stream=length == 0)
        if length == 0:
            shared.flush_together()
            await _close(content)
        elif isinstance(content, bytes):
            await self._write(content, last=True)
        else:
            await self._pieces(content, length)
        if not self.gone:
            shared.patience.answered()

    async def _pieces(self, body: AsyncIterator[bytes] | FileBody, length: int | None) -> None:
        """Write a body piece by piece; Broken for one that breaks off, or that breaks its promise of a length."""
        pieces = file_pieces(body) if isinstance(body, FileBody) else body
        self._shared.flush()
        self.streaming = True
        left = length
        try:
            async for piece in pieces:
                if left is not None:
                    left -= len(piece)
                    if left < 0:
                        raise ValueError("the body is longer than its Content-Length")
                if piece:
                    await self._write(piece, last=left == 0)
                if self.gone:
                    return
            if left:
                raise ValueError("the body is shorter than its Content-Length")
            if left is None:
                self._shared.protocol.end_stream(self._id)
                self._shared.flush_together()
        except (BodyCut, Broken):
            raise
        except ClientDisconnected:
            raise Broken from None
        except Exception as error:
            logger.exception("a response's body failed in the middle; its stream is reset")
            raise Broken from error
        finally:
            self.streaming = False
            await close(pieces)

    async def _write(self, piece: bytes, *, last: bool) -> None:
        """Write a piece as windows allow; what is left of it is dropped when the stream ends meanwhile."""
        shared, protocol, content = self._shared, self._shared.protocol, memoryview(piece)
        at, turn = 0, _TURN
        waited = True
        while at < len(piece):
            if shared.room.full:
                shared.flush()
                await shared.room.room()
            if self.gone:
                return
            window = protocol.local_flow_control_window(self._id)
            if window <= 0:
                if not waited:
                    waited = True
                    shared.stand_back(self._id)
                await self._more_window()
                continue
            size = min(window, protocol.max_outbound_frame_size, len(piece) - at)
            ends = at + size == len(piece)
            protocol.send_data(self._id, content[at : at + size], end_stream=last and ends)
            shared.patience.sent(size)
            at, turn, waited = at + size, turn - size, False
            if turn <= 0 and not ends:
                turn = _TURN
                shared.flush()
                await asyncio.sleep(0)
        shared.flush_together()

    async def _more_window(self) -> None:
        self._shared.flush()
        self._opened = asyncio.get_running_loop().create_future()
        try:
            await self._opened
        finally:
            self._opened = None


async def _close(content: bytes | AsyncIterator[bytes] | FileBody) -> None:
    if not isinstance(content, bytes):
        await close(content)
