"""S3's checksums by name, computed as bytes arrive.

In: `crc32`, `crc32c`, `crc64nvme`, `md5`, `sha1`, `sha256` or `sha512`. Out: an object with `update` and `digest`, as
hashlib's. Source: "Checking object integrity in Amazon S3"; CRCs are big-endian, and travel as base64.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import partial

from kumoi.blobs.hashing import CRCS, Crc, Digest

Checksum = Digest
"""A running checksum."""

_MAKERS: dict[str, Callable[[], Checksum]] = {
    **{name: partial(Crc, *crc) for name, crc in CRCS.items()},
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
}

CHECKSUMS = frozenset(_MAKERS)
"""The names of the checksums there are."""

HEADER = "x-amz-checksum-"
"""What stands before a checksum's name in a header or trailer."""


def checksum(name: str) -> Checksum:
    """A new running checksum; KeyError when there is none of the name."""
    return _MAKERS[name]()


def encoded(digest: bytes) -> str:
    """A digest as it travels: base64."""
    return base64.b64encode(digest).decode()


def decoded(text: str, name: str) -> bytes | None:
    """The digest that `text` states for the checksum `name`; None when it cannot be one."""
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return digest if len(digest) == len(checksum(name).digest()) else None
