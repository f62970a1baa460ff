"""What a declared fault does to the bytes of an answer: half of them are sent, or some of them are others.

A truncated answer keeps its Content-Length, and the connection ends in the middle of it; a corrupt one is as long as it
was. An answer without a body has nothing to lose but itself: the connection is reset.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from kumoi.doorway.fault import Damage
from kumoi.gateway.response_writer import file_pieces
from kumoi.wire.http import BodyCut, FileBody, Response, ResponseBody

BLOCK = 4096
"""Bytes of which one is another in a corrupt answer, the one in their middle."""
_OTHER = 0x55


def damaged(response: Response, how: Damage) -> Response:
    """The answer with its body damaged."""
    if response.abort or response.upgrade is not None:
        return response
    if response.body == b"":
        return Response(abort=True)
    length = _length(response)
    if how == "corrupt":
        response.body = corrupt(response.body) if isinstance(response.body, bytes) else _corrupted(response.body)
    else:
        response.body = _first_half(response.body, length)
    if length is not None and not any(name.lower() == "content-length" for name, _ in response.headers):
        response.headers.append(("Content-Length", str(length)))
    return response


def corrupt(content: bytes) -> bytes:
    """The same number of bytes, one of each BLOCK another."""
    found = bytearray(content)
    for begin in range(0, len(found), BLOCK):
        found[(begin + min(begin + BLOCK, len(found))) // 2] ^= _OTHER
    return bytes(found)


def _length(response: Response) -> int | None:
    """How long the body is; None for one of which nobody has said so."""
    body = response.body
    if isinstance(body, bytes):
        return len(body)
    if isinstance(body, FileBody):
        return body.length
    stated = next((value for name, value in response.headers if name.lower() == "content-length"), "")
    return int(stated) if stated.isascii() and stated.isdigit() else None


async def _pieces(body: ResponseBody) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    pieces = file_pieces(body) if isinstance(body, FileBody) else body
    try:
        async for piece in pieces:
            yield piece
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def _corrupted(body: ResponseBody) -> AsyncIterator[bytes]:
    async for piece in _pieces(body):
        yield corrupt(piece)


async def _first_half(body: ResponseBody, length: int | None) -> AsyncIterator[bytes]:
    """The first half, or half of the first piece where the length is not known; then BodyCut."""
    left = None if length is None else length // 2
    async for piece in _pieces(body):
        if left is None:
            left = len(piece) // 2
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            break
    raise BodyCut
