"""Sequence numbers: 56 digits that grow within a shard and from a shard to its children. Pure.

`49`, when the shard was created (13 digits, epoch ms), the record's number in its shard (20), when it came (13, epoch
ms), and the shard's number (8). Number 0 is the shard's beginning.
"""

from __future__ import annotations

from typing import NamedTuple

from kumoi.services.kinesis.records import Shard

_PREFIX, _DIGITS = "49", 56


class Place(NamedTuple):
    """What a sequence number says: when the shard was created, the record's number, and the shard's."""

    created: int
    record: int
    shard: int


def sequence_number(shard: Shard, record: int, arrived: int) -> str:
    """The sequence number of a record of a shard; `arrived` in epoch ms."""
    return f"{_PREFIX}{shard.created:013d}{record:020d}{arrived:013d}{shard.number:08d}"


def starting_number(shard: Shard) -> str:
    """The number before a shard's first record."""
    return sequence_number(shard, 0, shard.created)


def ending_number(shard: Shard) -> str:
    """The number after a closed shard's last record."""
    assert shard.ended is not None
    return sequence_number(shard, shard.last + 1, shard.ended)


def place_of(text: str) -> Place | None:
    """Read a sequence number; None for a text that is none of ours."""
    if len(text) != _DIGITS or not text.startswith(_PREFIX) or not (text.isascii() and text.isdigit()):
        return None
    return Place(int(text[2:15]), int(text[15:35]), int(text[48:]))
