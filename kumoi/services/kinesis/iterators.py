"""Shard iterators as texts: which shard of which stream, behind which record, and when it was made. Pure.

An iterator is bound to nothing else, so that it outlives the process.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from kumoi.services.kinesis.errors import invalid

_SHORTEST = 64
SECONDS = 300.0
"""Seconds for which an iterator is good."""


class ShardIterator(msgspec.Struct, frozen=True, array_like=True):
    """Reads a shard behind the record number `position`; `issued` in epoch seconds."""

    account: str
    region: str
    stream: str
    id: str
    shard: int
    position: int
    issued: float

    def text(self) -> str:
        """The iterator as clients get it."""
        return base64.b64encode(msgspec.msgpack.encode(self)).decode()


def stream_of(text: str) -> str | None:
    """The name of the stream that an iterator reads; None for a text that is no iterator."""
    if len(text) < _SHORTEST:
        return None
    try:
        return msgspec.msgpack.decode(base64.b64decode(text, validate=True), type=ShardIterator).stream
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


def read_iterator(text: str) -> ShardIterator:
    """The iterator of a text; InvalidArgumentException for what is none."""
    try:
        found = msgspec.msgpack.decode(base64.b64decode(text, validate=True), type=ShardIterator)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise invalid("Invalid ShardIterator.") from None
    if not (0 <= found.position < 1 << 62 and 0 <= found.shard < 1 << 31 and 0 <= found.issued < 1 << 40):
        raise invalid("Invalid ShardIterator.")
    return found
