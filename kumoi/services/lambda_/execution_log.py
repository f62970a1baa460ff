"""The log of one execution environment: its lines go to the function's writer, and the tail of the invocation under way
is kept for `X-Amz-Log-Result` where that was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kumoi.doorway import Trace
from kumoi.services.lambda_.log_writer import FLUSH_LINES, Event, LogWriter

TAIL_BYTES = 4096
_BEHIND = 5_000


class Tail:
    """What one invocation has logged so far, as `bytes(tail)`: the last 4 KB of it. Joined by those who ask.

    The platform's few lines go to `texts` straight away.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        """A line, or an event of several."""
        self.texts.append(text)
        self._length += len(text)
        if self._length > 16 * TAIL_BYTES:
            self.texts = [self._joined()[-TAIL_BYTES:]]
            self._length = TAIL_BYTES

    def __bytes__(self) -> bytes:
        return self._joined().encode("utf-8", "replace")[-TAIL_BYTES:]

    def _joined(self) -> str:
        return "".join([text if text.endswith("\n") else f"{text}\n" for text in self.texts])


class ExecutionLog:
    """The log stream of one execution environment. `events` are those that have not been sent yet.

    `tail` is that of the invocation under way, or of the last one, where it was asked for.
    """

    def __init__(self, writer: LogWriter, stream: str) -> None:
        self.stream = stream
        self.events: list[Event] = []
        self.tail: Tail | None = None
        self._writer = writer

    def begin(self, trace: Trace, *, tail: bool = False) -> None:
        """A new invocation, whose span is `trace`'s parent. `tail` says that its tail will be asked for."""
        self._writer.trace = trace
        self.tail = Tail() if tail else None

    def platform(self, *lines: str) -> None:
        """Add lines that the platform itself writes."""
        events = self.events
        if not events:
            self._writer.added(self)
        when = int(self._writer.now() * 1000)
        for line in lines:
            events.append({"timestamp": when, "message": line})
        if self.tail is not None:
            self.tail.texts += lines

    def lines(self, when: float, lines: Sequence[str]) -> asyncio.Task[None] | None:
        """Add what the function wrote by a moment (epoch seconds).

        When storing falls behind, answers what to wait for before reading more.
        """
        events, tail, timestamp = self.events, self.tail, int(when * 1000)
        if not events:
            self._writer.added(self)
        for text in lines:
            events.append({"timestamp": timestamp, "message": text})
            if tail is not None:
                tail.add(text)
        if len(events) < FLUSH_LINES:
            return None
        self._writer.flush()
        return self._writer.writing if len(events) > _BEHIND else None

    def settle(self) -> None:
        """An invocation has ended: its lines are to be sent soon."""
        self._writer.settle()

    async def close(self) -> None:
        """Send what is left and wait until it is stored."""
        await self._writer.stored(self)
