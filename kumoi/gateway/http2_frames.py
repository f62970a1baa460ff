"""Bytes to whole HTTP/2 frames (RFC 9113 §4), and how many are borne of those that ask for nothing.

Frames are looked at no further than their nine bytes in front. A client's GOAWAY is taken out: it only says that no
further requests follow, and the library would give up those that are under way.
"""

from __future__ import annotations

from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a connection begins with (§3.4)."""
LARGEST = 16_384
"""Bytes of a frame, its front aside: what everybody may send (SETTINGS_MAX_FRAME_SIZE is not raised)."""
_FRONT = 9
_DATA, _HEADERS, _RESET, _GOAWAY = 0, 1, 3, 7
_END_STREAM = 0x1
_SHORTEST_GOAWAY = 8

MOST = 1_000
"""What a client may spend at once; that an answer is thrown away costs more than a ping."""
BACK = 100
"""What it gets back each second."""
_COST_OF_RESET = 4
_EARNED = 20
_EARNED_PIECE = 4
_EARNED_BYTES = 512


class TooLong(Exception):
    """A frame is longer than LARGEST."""


class Arrived(NamedTuple):
    """Whole frames one behind the other, what they cost, and whether the client says that it leaves."""

    frames: bytes
    cost: int
    leaving: bool


class FrameReader:
    """Feed it the bytes behind the preface. It holds the beginning of a frame until the rest is there."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Arrived:
        """The frames that are whole now. Raises TooLong."""
        data = self._rest + data if self._rest else data
        at, begin, end, cost = 0, 0, len(data), 0
        leaving = False
        kept: list[bytes] = []
        while end - at >= _FRONT:
            length, kind = int.from_bytes(data[at : at + 3]), data[at + 3]
            if length > LARGEST:
                raise TooLong
            after = at + _FRONT + length
            if after > end:
                break
            if kind == _GOAWAY and length >= _SHORTEST_GOAWAY and not any(data[at + 5 : at + _FRONT]):
                kept.append(data[begin:at])
                begin, leaving = after, True
            cost += _cost(kind, length, data[at + 4])
            at = after
        self._rest = data[at:]
        kept.append(data[begin:at])
        return Arrived(b"".join(kept), cost, leaving)


def _cost(kind: int, length: int, flags: int) -> int:
    if kind == _HEADERS or (kind == _DATA and (length or flags & _END_STREAM)):
        return 0
    return _COST_OF_RESET if kind == _RESET else 1


class Patience:
    """How much more a client may send of pings, settings, resets, empty frames and the like.

    Answers that it takes earn some back, as they are what it has windows to open for, and pings to measure.
    """

    def __init__(self, now: float) -> None:
        self._left = float(MOST)
        self._at = now

    def spend(self, cost: int, now: float) -> bool:
        """Whether the client is still borne at `now` (seconds)."""
        self._left = min(MOST, self._left + (now - self._at) * BACK) - cost
        self._at = now
        return self._left >= 0

    def answered(self) -> None:
        """An answer is complete."""
        self._earn(_EARNED)

    def sent(self, size: int) -> None:
        """So many bytes of a body have been sent."""
        self._earn(_EARNED_PIECE + size // _EARNED_BYTES)

    def _earn(self, more: int) -> None:
        self._left = min(MOST, self._left + more)
