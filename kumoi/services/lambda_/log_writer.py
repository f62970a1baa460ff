"""What the environments of a function have logged, on its way to CloudWatch Logs.

Lines gather and leave in batches, those of all environments together: moments after an invocation has ended (once in
some milliseconds where one follows the other), or a quarter of a second after the first of them, so that
`aws logs tail --follow` sees a long invocation while it runs. A batch is a call: it costs nearly the same for one line
as for the lines of ten environments.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from kumoi.doorway import NO_TRACE, CallDropped, Doorway, Principal
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

Event = dict[str, object]
"""`timestamp` (epoch ms) and `message`."""

_FLUSH_SECONDS = 0.25
_SETTLE_SECONDS = 0.002
_BETWEEN_SECONDS = 0.02
"""How long a busy function's lines gather."""
FLUSH_LINES = 500
"""How many lines of one environment leave before it is time."""


class Source(Protocol):
    """A log stream that has events to be sent; they are taken out of `events`, in order."""

    stream: str
    events: list[Event]


class LogWriter:
    """Writes to the group of a function; `writer` is the function in its role.

    `trace` is that of the latest invocation, whose part a batch becomes. `writing` is the batch that is being stored.
    """

    def __init__(self, doorway: Doorway, writer: Principal, region: str, group: str) -> None:
        self.now = doorway.clock.now
        self.trace = NO_TRACE
        self.writing: asyncio.Task[None] | None = None
        self._doorway = doorway
        self._writer = writer
        self._region = region
        self._group = group
        self._sources: dict[str, Source] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._settling = False
        self._sent = 0.0

    def added(self, source: Source) -> None:
        """A source that had no events gets some."""
        self._sources[source.stream] = source
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def settle(self) -> None:
        """An invocation has ended: send its lines, together with those of others that end within milliseconds."""
        if not self._settling:
            self._settling = True
            if self._timer is not None:
                self._timer.cancel()
            self._flush_in(_SETTLE_SECONDS)

    def flush(self) -> None:
        """Send what has gathered; batches leave in order, one after the other."""
        self._settling = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sources and self.writing is None:
            self._sent = asyncio.get_running_loop().time()
            self.writing = asyncio.create_task(self._write())

    async def stored(self, source: Source) -> None:
        """Send what a source has, and wait until it is stored."""
        self.flush()
        while self.writing is not None:
            left = bool(source.events)
            await asyncio.wait([self.writing])
            if not left:
                return
            self.flush()

    def _flush_in(self, seconds: float) -> None:
        """Send what has gathered after that time, or later: not right behind the batch before."""
        loop = asyncio.get_running_loop()
        due = max(loop.time() + seconds, self._sent + _BETWEEN_SECONDS)
        self._timer = loop.call_at(due, self.flush)

    async def _write(self) -> None:
        streams: dict[str, list[Event]] = {}
        for stream, source in self._sources.items():
            streams[stream], source.events = source.events, []
        self._sources = {}
        try:
            await self._send(streams)
        finally:
            self.writing = None
        if any(len(source.events) >= FLUSH_LINES for source in self._sources.values()):
            self.flush()
        elif self._sources and self._timer is None:
            self._flush_in(0)

    async def _send(self, streams: dict[str, list[Event]]) -> None:
        """Store a batch. Where policies refuse it, each stream for itself: some of them they may allow."""
        params = {"logGroupName": self._group, "logStreams": streams}
        try:
            await self._doorway.ask("logs", "WriteFunctionLogs", params, self._writer, self._region, self.trace)
        except (AwsError, CallDropped) as error:
            if isinstance(error, AwsError) and error.code == "AccessDeniedException" and len(streams) > 1:
                for stream, events in streams.items():
                    await self._send({stream: events})
            else:
                logger.warning("log lines of %s are lost: %r", self._writer.source, error)
