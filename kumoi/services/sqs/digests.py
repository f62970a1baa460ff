"""MD5 digests by which clients check what they sent and received.

Source: "Calculating the MD5 message digest for message attributes" of the SQS developer guide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def body_digest(body: str) -> str:
    """The digest of a body."""
    return hashlib.md5(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def attributes_digest(attributes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The digest of message attributes; None without any."""
    if not attributes:
        return None
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        value = attributes[name]
        kind = str(value["DataType"])
        binary = kind.startswith("Binary")
        content = value["BinaryValue"] if binary else str(value["StringValue"]).encode()
        for part in (name.encode(), kind.encode()):
            digest.update(len(part).to_bytes(4) + part)
        digest.update((b"\x02" if binary else b"\x01") + len(content).to_bytes(4) + content)
    return digest.hexdigest()
