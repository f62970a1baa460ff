"""Requests that clients compress: `Content-Encoding: gzip`, of operations whose model has the trait requestCompression.

SDKs compress what is longer than 10 KB (PutMetricData). The signature is of the compressed bytes.
"""

from __future__ import annotations

import asyncio
import zlib

from kumoi.wire.errors import aws_error
from kumoi.wire.http import BodyTooLarge

_GZIP = 16 + zlib.MAX_WBITS
_LONG = 65_536


async def plain(body: bytes, limit: int) -> bytes:
    """What a gzip body holds, up to `limit` bytes; a long one is read off the loop.

    Raises BodyTooLarge and SerializationException.
    """
    return _plain(body, limit) if len(body) < _LONG else await asyncio.to_thread(_plain, body, limit)


def _plain(body: bytes, limit: int) -> bytes:
    reader = zlib.decompressobj(_GZIP)
    try:
        found = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise aws_error("SerializationException", f"The request body is not gzip: {error}") from None
    if len(found) > limit:
        raise BodyTooLarge(limit)
    if not reader.eof:
        raise aws_error("SerializationException", "The request body ends in the middle of its gzip stream.")
    return found
