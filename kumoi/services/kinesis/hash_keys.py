"""Hash keys: where a partition key lies among 2^128, and how the range is shared out evenly. Pure.

Source: "PutRecord" and "CreateStream" of the API reference: the MD5 of the partition key as a 128-bit number.
"""

from __future__ import annotations

import hashlib

from kumoi.services.kinesis.errors import invalid

SPACE = 1 << 128


def hash_key(partition_key: str, explicit: str | None = None) -> int:
    """Where a record goes; InvalidArgumentException for an explicit hash key outside the space."""
    if explicit is None:
        return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest())
    stated = int(explicit)
    if stated >= SPACE:
        raise invalid(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
            f"Specified value was {explicit}"
        )
    return stated


def even_starts(count: int) -> list[int]:
    """Where each of `count` ranges of the same size begins."""
    return [SPACE * number // count for number in range(count)]
