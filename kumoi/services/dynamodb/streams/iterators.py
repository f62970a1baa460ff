"""Sequence numbers and shard iterators as texts.

A sequence number is 24 digits: a 1, the record's number in its stream, and three zeros. An iterator says which stream,
behind which record, and when it was made; it is bound to nothing else, so that it outlives the process.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from kumoi.services.dynamodb.errors import invalid

ITERATOR_SECONDS = 900.0
"""Seconds for which an iterator is good."""


def sequence_number(record: int) -> str:
    """The sequence number of a record."""
    return f"1{record:020d}000"


def stream_position(text: str) -> int:
    """The record of a sequence number; ValidationException for what is none."""
    if len(text) != 24 or not text.isascii() or not text.isdigit() or text[0] != "1" or not text.endswith("000"):
        raise invalid(f"Invalid SequenceNumber: {text}")
    return int(text[1:21])


@dataclass(frozen=True, slots=True)
class ShardIterator:
    """Reads `stream` (its ARN) behind the record number `position`; `issued` in epoch seconds."""

    stream: str
    position: int
    issued: float

    def text(self) -> str:
        """The iterator as clients get it."""
        content = base64.b64encode(msgspec.json.encode((self.position, self.issued))).decode()
        return f"{self.stream}|1|{content}"

    @classmethod
    def parse(cls, text: str) -> ShardIterator:
        """An iterator of `text`; ValidationException for what is none."""
        stream, _, rest = text.partition("|")
        version, _, content = rest.partition("|")
        try:
            position, issued = msgspec.json.decode(base64.b64decode(content, validate=True), type=tuple[int, float])
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            raise invalid("Invalid ShardIterator") from None
        if version != "1" or not 0 <= position < 1 << 62:
            raise invalid("Invalid ShardIterator")
        return cls(stream, position, issued)
