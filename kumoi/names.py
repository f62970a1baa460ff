"""Names: ARNs, identifiers and the places (account, region) that every name lives in.

Shapes follow AWS's published formats: "Amazon Resource Names", the X-Ray trace id, and the unique-id prefixes of
IAM ("IAM identifiers").

What must not be guessed comes from the system's randomness. Every call needs ids of traces and spans, which are no
secrets: those come from a generator of our own. What each request needs is drawn in stock: a UUID takes 0.3 µs then
instead of 1.0, and no system call; the others 0.1 µs instead of 0.3.
"""

from __future__ import annotations

import base64
import os
import random
import secrets
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_UUID = b"........-....-....-....-............\n"
_DIGITS = [at for at, mark in enumerate(_UUID) if mark == ord(".")]
_VERSION_AT, _VARIANT_AT = 14, 19
_VARIANT = bytes.maketrans(b"0123456789abcdef", b"89ab" * 4)

_random = random.Random()
"""Seeded by the system, and nobody else: who seeds `random` itself (a test does) leaves it alone."""
os.register_at_fork(after_in_child=_random.seed)
_AT_ONCE = 64


def _stock(draw: Callable[[], list[str]]) -> Callable[[], str]:
    """What hands out ids that were drawn together; a child process draws its own."""
    held: list[str] = []
    os.register_at_fork(after_in_child=held.clear)

    def taken() -> str:
        try:
            return held.pop()
        except IndexError:
            drawn = draw()
            held.extend(drawn[1:])
            return drawn[0]

    return taken


def _uuids() -> list[str]:
    """UUIDs made digit by digit, all at once: one by one they take twice as long."""
    drawn, text, each = os.urandom(16 * _AT_ONCE).hex().encode(), bytearray(_UUID * _AT_ONCE), len(_UUID)
    for digit, at in enumerate(_DIGITS):
        text[at::each] = drawn[digit::32]
    text[_VERSION_AT::each] = b"4" * _AT_ONCE
    text[_VARIANT_AT::each] = text[_VARIANT_AT::each].translate(_VARIANT)
    return text.decode().split()


def _digits(count: int) -> Callable[[], list[str]]:
    """Draws ids of `count` hexadecimal digits that are no secrets."""

    def drawn() -> list[str]:
        return _random.randbytes(count * _AT_ONCE // 2).hex(" ", count // 2).split()

    return drawn


def _host_ids() -> list[str]:
    drawn = base64.b64encode(_random.randbytes(48 * _AT_ONCE)).decode()
    return [drawn[at : at + 64] for at in range(0, len(drawn), 64)]


uuid = _stock(_uuids)
"""A random UUID (version 4) as text: request ids, revision ids."""

span_id = _stock(_digits(16))
"""The id of a span: 16 random hex digits."""

host_id = _stock(_host_ids)
"""What S3 names a host by: base64 of 48 random bytes."""

_trace_digits = _stock(_digits(24))


class Arn(NamedTuple):
    """`arn:partition:service:region:account:resource`; the resource may itself hold colons and slashes."""

    service: str
    region: str
    account: str
    resource: str
    partition: str = "aws"

    @classmethod
    @lru_cache(4096)
    def parse(cls, text: str) -> Arn:
        """Read an ARN; `ValueError` when `text` is not of the form. The same few are read again and again."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
            raise ValueError(f"not an ARN: {text!r}")
        _, partition, service, region, account, resource = parts
        return cls(service, region, account, resource, partition)

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def partition_of(region: str) -> str:
    """The ARN partition that a region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


def arn(service: str, region: str, account: str, resource: str) -> str:
    """The ARN as text. Global services pass an empty region."""
    return f"arn:{partition_of(region)}:{service}:{region}:{account}:{resource}"


def hex_id(digits: int) -> str:
    """`digits` random lower-case hexadecimal digits (segment ids: 16; log stream suffixes: 32)."""
    return os.urandom((digits + 1) // 2).hex()[:digits]


def unique_id(prefix: str, length: int = 21) -> str:
    """An IAM unique id such as AROA… (role), AIDA… (user), `length` characters in all."""
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(length - len(prefix)))


def trace_id(now: float) -> str:
    """An X-Ray trace id: `1-<8 hex digits of the epoch second>-<24 random hex digits>`."""
    return f"1-{int(now):08x}-{_trace_digits()}"
