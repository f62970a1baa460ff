"""Requests that repeat the header fields of one before, byte for byte, as clients on a connection do all the time.

What a data plane offered with its answer (`kumoi/wire/again.py`) is kept by these bytes, whole: nothing is concluded
from a part of them, and bytes that were never read by the parser are never found. So neither parsing nor a task is
needed for the next request; of its own it has the request line alone, which must be of the plainest form. Whatever is
not exactly that goes the usual way.
"""

from __future__ import annotations

import re

from kumoi.gateway.plain_requests import QUERY, is_plain
from kumoi.wire.again import Again, Frame
from kumoi.wire.http import Request, Response

MOST = 1024
"""Offers that are kept; beyond them all are dropped, and whoever still repeats itself is back at the next answer."""
LONGEST_FIELDS = 4096
LONGEST_TARGET = 2048

_LINE = re.compile(rb"GET (/(?!_)" + QUERY + rb"*) HTTP/1\.1")
"""A path with an underscore in front is the platform's own. Neither fragments nor what a URL cannot have pass."""
_SIGNED = re.compile(rb"X-Amz-|AWSAccessKeyId=")
_OTHERWISE = frozenset({"authorization", "content-length", "x-amz-security-token", "x-amzn-trace-id"})
"""Fields that make a request more than a question: a body, a signature, a trace that goes on."""


class Repeats:
    """The offers by header fields. It can be shut: it forgets them all then, and takes none."""

    def __init__(self, *, taking: bool = True) -> None:
        self.known: dict[bytes, Again] = {}
        self._taking = taking

    def open(self) -> None:
        """Take offers from now on, and none of those before."""
        self.known.clear()
        self._taking = True

    def shut(self) -> None:
        """Forget what was offered, and take nothing."""
        self._taking = False
        self.known.clear()

    def learn(self, data: bytes, request: Request, response: Response) -> None:
        """Keep what `response` offers, if the request that came as `data` can be told from its like by these bytes."""
        again, end = response.again, data.find(b"\r\n")
        if again is None or not self._taking or len(data) - end > LONGEST_FIELDS or target_of(data, end) is None:
            return
        index = request.headers.index
        if not _OTHERWISE.isdisjoint(index) or not is_plain(index):
            return
        if len(self.known) >= MOST:
            self.known.clear()
        self.known[data[end:]] = again

    def find(self, data: bytes) -> tuple[str, Again] | None:
        """The target of a request, and who answers it; None where it goes the usual way."""
        end = data.find(b"\r\n")
        again = self.known.get(data[end:])
        if again is None:
            return None
        target = target_of(data, end)
        return None if target is None else (target, again)


def target_of(data: bytes, end: int) -> str | None:
    """The target of a plain request line that ends at `end`; None for any other."""
    match = _LINE.fullmatch(data, 0, end) if end <= LONGEST_TARGET else None
    if match is None:
        return None
    target = match[1]
    return None if b"?" in target and _SIGNED.search(target) else target.decode("ascii")


def fill(frame: Frame, values: tuple[bytes, ...], date: bytes) -> bytes:
    """The head of an answer, its blanks filled."""
    return frame.head % (values if frame.dated else (*values, date))
