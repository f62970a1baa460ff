"""The log of one execution environment on its way to CloudWatch Logs.

Lines gather here and leave in batches: moments after an invocation has ended (once in some milliseconds where one
follows the other), or a quarter of a second after the first of them, so that `aws logs tail --follow` sees a long
invocation while it runs. The tail of the invocation under way is kept for `X-Amz-Log-Result`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from kumoi.doorway import NO_TRACE, CallDropped, Doorway, Principal, Trace
from kumoi.sandbox import LogLine
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

TAIL_BYTES = 4096
_FLUSH_SECONDS = 0.25
_SETTLE_SECONDS = 0.002
_BETWEEN_SECONDS = 0.01
"""How long a busy environment gathers: a batch is a call, and costs the same for one invocation as for ten."""
_FLUSH_LINES = 500
_BEHIND = 5_000


class Tail:
    """What one invocation has logged so far, as `bytes(tail)`: the last 4 KB of it. Joined by those who ask."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        """A line, or an event of several."""
        self._texts.append(text)
        self._length += len(text)
        if self._length > 16 * TAIL_BYTES:
            self._texts = [self._joined()[-TAIL_BYTES:]]
            self._length = TAIL_BYTES

    def __bytes__(self) -> bytes:
        return self._joined().encode("utf-8", "replace")[-TAIL_BYTES:]

    def _joined(self) -> str:
        return "".join([text if text.endswith("\n") else f"{text}\n" for text in self._texts])


class ExecutionLog:
    """The log stream of one execution environment; `writer` is the function in its role.

    `tail` is that of the invocation under way, or of the last one.
    """

    def __init__(self, doorway: Doorway, writer: Principal, region: str, group: str, stream: str) -> None:
        self.stream = stream
        self._doorway = doorway
        self._writer = writer
        self._region = region
        self._group = group
        self._events: list[dict[str, object]] = []
        self._trace = NO_TRACE
        self.tail = Tail()
        self._timer: asyncio.TimerHandle | None = None
        self._settling = False
        self._sent = 0.0
        self._writing: asyncio.Task[None] | None = None

    def begin(self, trace: Trace) -> None:
        """A new invocation, whose span is `trace`'s parent: its tail starts empty."""
        self._trace = trace
        self.tail = Tail()

    def platform(self, *lines: str) -> None:
        """Add lines that the platform itself writes."""
        now = self._doorway.clock.now()
        for line in lines:
            self._add(now, line)

    def lines(self, lines: Sequence[LogLine]) -> asyncio.Task[None] | None:
        """Add what the function wrote. When storing falls behind, answers what to wait for before reading more."""
        for line in lines:
            self._add(line.time, line.text)
        return self._writing if len(self._events) > _BEHIND else None

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
        if self._events and self._writing is None:
            self._sent = asyncio.get_running_loop().time()
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Send what is left and wait until it is stored."""
        self.flush()
        while self._writing is not None:
            await self._writing
            self.flush()

    def _flush_in(self, seconds: float) -> None:
        """Send what has gathered after that time, or later: not right behind the batch before."""
        loop = asyncio.get_running_loop()
        due = max(loop.time() + seconds, self._sent + _BETWEEN_SECONDS)
        self._timer = loop.call_at(due, self.flush)

    def _add(self, when: float, text: str) -> None:
        self._events.append({"timestamp": int(when * 1000), "message": text})
        self.tail.add(text)
        if len(self._events) >= _FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    async def _write(self) -> None:
        events, self._events = self._events, []
        try:
            await self._doorway.ask(
                "logs",
                "WriteFunctionLogs",
                {"logGroupName": self._group, "logStreamName": self.stream, "logEvents": events},
                self._writer,
                self._region,
                self._trace,
            )
        except (AwsError, CallDropped) as error:
            logger.warning("log lines of %s are lost: %r", self._writer.source, error)
        finally:
            self._writing = None
        if len(self._events) >= _FLUSH_LINES:
            self.flush()
        elif self._events and self._timer is None:
            self._flush_in(0)
