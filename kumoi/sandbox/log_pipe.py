"""The reading end of a sandbox's log: bytes to lines, framed records to whole events.

Standard output comes as it is and is split at line breaks. A log record comes framed (marker, u32 length, text) and
stays one event whatever it holds. A line or record past 256 KB is cut, as CloudWatch Logs would.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from kumoi.sandbox.interface import LogSink

MAX_EVENT = 262_144
_PIECE = 65_536


class LineSplitter:
    """Pure: pieces in, events out. `marker` begins framed records and is known to this sandbox alone.

    `rest` is what has come in and is no whole event yet.
    """

    def __init__(self, marker: bytes) -> None:
        self._marker = marker
        self.rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """The events that are complete with this piece."""
        if not self.rest and piece.endswith(b"\n") and len(piece) <= MAX_EVENT and self._marker not in piece:
            text = piece.decode("utf-8", "replace")
            return [text] if text.count("\n") == 1 else [f"{line}\n" for line in text[:-1].split("\n")]
        content = self.rest + piece
        events: list[bytes] = []
        at = 0
        while True:
            framed = content.find(self._marker, at)
            plain_end = len(content) if framed < 0 else framed
            at = self._lines(content, at, plain_end, events)
            if framed < 0 or at < framed:
                if framed >= 0:
                    events.append(content[at:framed])
                    at = framed
                else:
                    break
            start = framed + len(self._marker) + 4
            if start > len(content):
                break
            length = int.from_bytes(content[start - 4 : start])
            if start + length > len(content) and length <= 8 * MAX_EVENT:
                break
            events.append(content[start : start + length])
            at = start + length
        self.rest = content[at:]
        if len(self.rest) > MAX_EVENT and not self.rest.startswith(self._marker):
            events.append(self.rest)
            self.rest = b""
        return [event[:MAX_EVENT].decode("utf-8", "replace") for event in events]

    def end(self) -> list[str]:
        """What is left when nothing more will come."""
        rest, self.rest = self.rest, b""
        return [rest.decode("utf-8", "replace")] if rest else []

    def _lines(self, content: bytes, at: int, end: int, events: list[bytes]) -> int:
        """Split whole lines between two places; where the last, unfinished one begins."""
        while True:
            newline = content.find(b"\n", at, end)
            if newline < 0:
                return at
            events.append(content[at : newline + 1])
            at = newline + 1


class LogPipe:
    """Reads one sandbox's pipe on the event loop and hands lines to a sink, pausing while the sink asks for it.

    Between `rest` and `watch` it is left alone: what an invocation of microseconds writes is taken once, at its end,
    instead of waking the loop for each line.
    """

    def __init__(self, fd: int, marker: bytes, sink: LogSink, now: Callable[[], float]) -> None:
        self._fd = fd
        self._sink = sink
        self._now = now
        self._splitter = LineSplitter(marker)
        self._waiting: asyncio.Task[None] | None = None
        self._watched = False
        os.set_blocking(fd, False)
        self.watch()

    def watch(self) -> None:
        """Read whenever something is written."""
        if not self._watched and self._fd >= 0:
            self._watched = True
            if self._waiting is None:
                asyncio.get_running_loop().add_reader(self._fd, self._read)

    def rest(self) -> None:
        """Hand over what the pipe holds now, and leave it alone until `watch` or `drain`."""
        self.drain()
        if self._watched and self._fd >= 0:
            self._watched = False
            asyncio.get_running_loop().remove_reader(self._fd)

    def drain(self) -> None:
        """Hand over what the pipe holds now; a pipe holds little, so the sink's wish to pause is passed over."""
        events: list[str] = []
        while self._fd >= 0:
            try:
                piece = os.read(self._fd, _PIECE)
            except BlockingIOError:
                break
            if piece:
                events += self._splitter.feed(piece)
            if len(piece) < _PIECE:
                break
        if self._splitter.rest:
            events += self._splitter.end()
        if events:
            self._hand_over(events)

    def close(self) -> None:
        """Hand over the rest and close."""
        if self._fd >= 0:
            self.drain()
            if self._fd >= 0:
                self._shut()

    def _shut(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1

    def _read(self) -> None:
        piece = self._piece()
        if piece is None:
            return
        if not piece:
            self._shut()
            self._hand_over(self._splitter.end())
            return
        wait = self._hand_over(self._splitter.feed(piece))
        if wait is not None and self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            self._waiting = asyncio.ensure_future(self._resume(wait))

    async def _resume(self, wait: asyncio.Future[None]) -> None:
        await wait
        self._waiting = None
        if self._watched and self._fd >= 0:
            asyncio.get_running_loop().add_reader(self._fd, self._read)

    def _piece(self) -> bytes | None:
        try:
            return os.read(self._fd, _PIECE)
        except BlockingIOError:
            return None

    def _hand_over(self, events: list[str]) -> asyncio.Future[None] | None:
        if not events:
            return None
        wait = self._sink(self._now(), events)
        return None if wait is None else asyncio.ensure_future(wait)
