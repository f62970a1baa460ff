"""Frames on the channel between Kumoi and a runtime: u32 length, a type byte, u32 header length, JSON header, payload.

Numbers are big-endian; the length counts what follows it. Kumoi sends INVOKE; the runtime answers READY or
INIT_ERROR once after its start, and RESULT or ERROR to each INVOKE; before that, BEGIN and CHUNKs when it streams its
response. A runtime that was started before its function was known gets INIT first.
"""

from __future__ import annotations

import json
import socket
import struct
from select import POLLIN, poll  # as they are now: libraries of handlers put others in their place
from typing import Any, Callable

from .event_json import scan

INIT = b"N"
INVOKE = b"I"
READY = b"Y"
INIT_ERROR = b"X"
RESULT = b"R"
ERROR = b"E"
BEGIN = b"B"
CHUNK = b"C"

_HEAD = struct.Struct(">IcI")
HEAD_SIZE = _HEAD.size
_FIRST = 8192
_PIECE = 65536
OVERHEAD = 5
"""Bytes of a frame's length beyond header and payload."""


def frame(kind: bytes, header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame."""
    return assemble(kind, json.dumps(header).encode(), payload)


def assemble(kind: bytes, header: bytes, payload: bytes) -> bytes:
    """One frame, its header given as JSON."""
    return _HEAD.pack(OVERHEAD + len(header) + len(payload), kind, len(header)) + header + payload


def parse(content: bytes, loads: Callable[[bytes], Any] = json.loads) -> tuple[bytes, dict[str, Any], bytes]:
    """(type, header, payload) of a whole frame; ValueError when it is none."""
    try:
        _, kind, length = _HEAD.unpack_from(content)
    except struct.error:
        raise ValueError("a frame is cut short") from None
    end = HEAD_SIZE + length
    if end > len(content):
        raise ValueError("a frame is cut short")
    header = loads(content[HEAD_SIZE:end])
    if type(header) is not dict:
        raise ValueError("a frame's header is no object")
    return kind, header, content[end:]


class FrameReader:
    """Reads frames from a channel; one that is small is waited for and read, in two calls of the system.

    Who waits in `recv` alone is woken once more for each frame that he has sent himself: when the other end has read
    it, and there is room for another.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._rest = b""
        arrival = poll()
        arrival.register(channel, POLLIN)
        self._arrived = arrival.poll

    def read(self) -> tuple[bytes, dict[str, Any], bytes] | None:
        """The next frame; None when the other end has closed."""
        received = self._rest
        while len(received) < 4:
            self._arrived()
            piece = self._channel.recv(_FIRST)
            if not piece:
                return None
            received += piece
        end = 4 + int.from_bytes(received[:4], "big")
        if len(received) < end:
            whole = self._more(received, end - len(received))
            if whole is None:
                return None
            received = whole
        self._rest = received[end:]
        return parse(received[:end], _header)

    def _more(self, begun: bytes, missing: int) -> bytes | None:
        """What has begun to arrive, with all that is missing."""
        pieces = [begun]
        while missing > 0:
            piece = self._channel.recv(max(_PIECE, min(missing, 1 << 20)))
            if not piece:
                return None
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)


def _header(text: bytes) -> Any:
    """What Kumoi wrote, as `json.loads` reads it, at half the price: it has no space around it, and is UTF-8."""
    try:
        return scan(text.decode(), 0)[0]
    except StopIteration:
        raise ValueError("a frame's header is no JSON") from None
