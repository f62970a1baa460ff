"""One request over HTTP/2 and its answer: the body is handed over as over HTTP/1.1, and the handler runs in a task.

A small body is there whole when the handler begins; a larger one arrives while it is read, and what nobody reads keeps
the stream's window shut. The handler runs to its end even when the client takes its request back; then its reading of
the body fails, and a body that it answered with is closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from h2.connection import H2Connection
from h2.errors import ErrorCodes

from kumoi.gateway.body import StreamingBody
from kumoi.gateway.http2_answer import Answer
from kumoi.gateway.http2_frames import Patience
from kumoi.gateway.http2_heads import Fields, request_of, trailers_of
from kumoi.gateway.output import Broken, Room
from kumoi.gateway.peer import Peer
from kumoi.gateway.request_reader import Refused
from kumoi.gateway.response_writer import plain
from kumoi.gateway.server import Server, tell_sent
from kumoi.wire.http import BodyCut, BodyTooLarge, BufferedBody, ClientDisconnected, Request, Response

logger = logging.getLogger(__name__)

_CONTINUE: Fields = [(b":status", b"100")]


@dataclass(frozen=True, slots=True)
class Shared:
    """What a connection's streams share.

    `flush` sends what the library has ready, `stand_back` has a stream woken behind the others when the window they
    share opens, `ended` tells of a stream's end.
    """

    server: Server
    peer: Peer
    protocol: H2Connection
    room: Room
    patience: Patience
    flush: Callable[[], None]
    flush_together: Callable[[], None]
    stand_back: Callable[[int], None]
    ended: Callable[[Stream], None]


class Stream:
    """One stream, from its request's header fields on.

    `lingers` is whether it has been answered while its client still sends: many look for the answer only then.
    """

    def __init__(self, id: int, fields: Fields, shared: Shared) -> None:
        self.id = id
        self.lingers = False
        self.answer = Answer(id, shared)
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._task: asyncio.Task[None] | None = None
        self._body: StreamingBody | None = None
        self._gathered = bytearray()
        self._complete = False
        self._expects = False
        self._held = 0
        """Bytes of the stream's window that have not been given back."""
        self._refused: Response | None = None
        try:
            self._request = request_of(fields, shared.peer, shared.server.limits)
        except Refused as refused:
            self._request = Request("GET", "")
            self._refuse(refused)
            return
        index = self._request.headers.index
        self._expects = index.get("expect", "").lower() == "100-continue"
        length = index.get("content-length", "")
        if self._expects or (length.isdigit() and int(length) > shared.server.limits.buffered_body):
            self._hand_over_early()

    # ── the request ───────────────────────────────────────────────────────────────────────────────────────────────

    def data(self, piece: bytes, size: int) -> None:
        """A piece of the body, `size` bytes of the stream's window with its padding."""
        self._held += size
        if not self.lingers:
            self._since = self._loop.time()
        if self.answer.gone:
            pass  # nobody reads it
        elif self._body is not None:
            self._body.feed(piece)
        elif self._task is None:
            self._gathered += piece
            if len(self._gathered) > self._shared.server.limits.buffered_body:
                self._hand_over_early()
        self._give_back()

    def trailers(self, fields: Fields) -> None:
        """The fields behind the body."""
        self._request.body.trailers.extend(trailers_of(fields))

    def finish(self) -> None:
        """The request is complete."""
        self._complete = True
        if self.lingers:
            self.lingers = False
            self._shared.ended(self)
        elif self._body is not None:
            self._body.finish()
        elif self._task is None:
            if self._gathered:
                self._request.body = BufferedBody(bytes(self._gathered), self._request.body.trailers)
                self._gathered.clear()
            self._begin()

    def lose(self) -> None:
        """The client has taken the request back, or is gone: nobody waits for what it would send or take."""
        self.answer.lose()
        if self._body is not None:
            self._body.lose()
        if self._task is None:
            self._shared.ended(self)
        elif self.answer.streaming:
            self._task.cancel()

    def expire(self, now: float) -> None:
        """Give the request up when its body has stopped arriving, or when nobody waits for that any more."""
        if self.lingers:
            if now - self._since > self._shared.server.limits.linger_timeout:
                self.lingers = False
                self._shared.protocol.reset_stream(self.id, ErrorCodes.NO_ERROR)  # RFC 9113 §8.1
                self._shared.flush()
                self._shared.ended(self)
            return
        waits = not self._complete and (self._body is None or (not self._body.buffered and not self._expects))
        if waits and not self._refused and now - self._since > self._shared.server.limits.idle_timeout:
            if self._body is not None:
                self._body.lose()
            self._refuse(Refused(408, "the request's body stopped arriving"))

    def _refuse(self, refused: Refused) -> None:
        self._refused = plain(refused.status, str(refused))
        if self._task is None:
            self._begin()

    def _hand_over_early(self) -> None:
        """Hand the request over now; the rest of its body follows as it arrives."""
        body = StreamingBody(self._request.body.trailers, taken=self._taken, wanted=self._wanted)
        if self._gathered:
            body.feed(bytes(self._gathered))
            self._gathered.clear()
        self._request.body = self._body = body
        self._begin()

    def _taken(self) -> None:
        self._since = self._loop.time()
        self._give_back()
        self._shared.flush_together()

    def _give_back(self) -> None:
        """Open the stream's window again by what does not wait to be read."""
        waiting = 0 if self._body is None or self.answer.gone else self._body.buffered
        if self._held > waiting:
            self._shared.protocol.acknowledge_received_data(self._held - waiting, self.id)
            self._held = waiting

    def _wanted(self) -> None:
        """The handler begins to wait for the body: the client may have to be asked for it."""
        self._since = self._loop.time()
        if self._expects and not self.answer.gone and not self.answer.begun:
            self._expects = False
            self._shared.protocol.send_headers(self.id, _CONTINUE)
            self._shared.flush()

    # ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        self._shared.server.outgoing.under_way += 1
        self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        """Run the handler, write what it answers."""
        response: Response | None = None
        try:
            response = self._refused
            if response is None:
                response = await self._handled() or self._refused
            if response is None:
                raise Broken
            await self.answer.send(response, self._request)
            self.lingers = not self._complete and not self.answer.gone
        except (Broken, BodyCut):
            self.answer.reset(ErrorCodes.INTERNAL_ERROR)
        except asyncio.CancelledError:
            self.answer.reset(ErrorCodes.CANCEL)
            raise
        except Exception:
            logger.exception("an answer to %s %s could not be written", self._request.method, self._request.path)
            self.answer.reset(ErrorCodes.INTERNAL_ERROR)
        finally:
            self._shared.server.outgoing.under_way -= 1
            self._since = self._loop.time()
            self.answer.lose()
            self._give_back()
            self._shared.flush_together()
            if response is not None:
                tell_sent(response)
            self._shared.ended(self)

    async def _handled(self) -> Response | None:
        """What the handler answers; None where the rest of the request did not come."""
        request = self._request
        try:
            return await self._shared.server.handler(request)
        except ClientDisconnected:
            return None
        except BodyTooLarge as error:
            return plain(413, str(error))
        except Exception:
            logger.exception("the handler failed at %s %s", request.method, request.path)
            return plain(500, "Kumoi failed at this request; its log says why.")
