"""Ids that sort by when they were made. Sources: the ULID specification; segmentio's KSUID."""

from __future__ import annotations

import secrets

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KSUID_EPOCH = 1_400_000_000


def ulid(now: float) -> str:
    """48 bits of milliseconds and 80 random ones."""
    return _digits((int(now * 1000) & (1 << 48) - 1) << 80 | secrets.randbits(80), _CROCKFORD, 26)


def ksuid(now: float) -> str:
    """32 bits of seconds since 2014 and 128 random ones."""
    return _digits((int(now) - _KSUID_EPOCH & (1 << 32) - 1) << 128 | secrets.randbits(128), _BASE62, 27)


def _digits(number: int, alphabet: str, length: int) -> str:
    found = []
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        found.append(alphabet[digit])
    return "".join(reversed(found))
