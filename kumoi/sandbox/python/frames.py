"""Frames on the channel between Kumoi and a runtime: u32 length, a type byte, u32 header length, JSON header, payload.

Numbers are big-endian; the length counts what follows it. Kumoi sends INVOKE; the runtime answers READY or
INIT_ERROR once after its start, and RESULT or ERROR to each INVOKE; before that, BEGIN and CHUNKs when it streams its
response. A runtime that was started before its function was known gets INIT first.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

INIT = b"N"
INVOKE = b"I"
READY = b"Y"
INIT_ERROR = b"X"
RESULT = b"R"
ERROR = b"E"
BEGIN = b"B"
CHUNK = b"C"

_HEAD = struct.Struct(">IcI")
OVERHEAD = 5
"""Bytes of a frame's length beyond header and payload."""


def frame(kind: bytes, header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One frame."""
    text = json.dumps(header).encode()
    return _HEAD.pack(OVERHEAD + len(text) + len(payload), kind, len(text)) + text + payload


def parse(content: bytes) -> tuple[bytes, dict[str, Any], bytes]:
    """(type, header, payload) of a frame without its length; ValueError when it is none."""
    if len(content) < OVERHEAD:
        raise ValueError("a frame is cut short")
    end = OVERHEAD + int.from_bytes(content[1:5], "big")
    if end > len(content):
        raise ValueError("a frame is cut short")
    header = json.loads(content[OVERHEAD:end])
    if not isinstance(header, dict):
        raise ValueError("a frame's header is no object")
    return content[:1], header, content[end:]


def read(channel: socket.socket) -> tuple[bytes, dict[str, Any], bytes] | None:
    """The next frame; None when the other end has closed."""
    head = _exactly(channel, 4)
    if head is None:
        return None
    content = _exactly(channel, struct.unpack(">I", head)[0])
    return None if content is None else parse(content)


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    pieces = []
    while count:
        piece = channel.recv(min(count, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces) if len(pieces) != 1 else pieces[0]
