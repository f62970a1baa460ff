"""Bytes of answers that a declared fault damages: half of them are sent, or some are others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kumoi.gateway.damage import BLOCK, corrupt, damaged
from kumoi.wire.http import BodyCut, FileBody, Response, ResponseBody

CONTENT = b"0123456789" * 2_000


async def pieces() -> AsyncIterator[bytes]:
    for begin in range(0, len(CONTENT), 3_000):
        yield CONTENT[begin : begin + 3_000]


def sent(response: Response) -> tuple[bytes, bool]:
    """What goes out, and whether it is cut."""

    async def gather() -> tuple[bytes, bool]:
        found = b""
        assert not isinstance(response.body, bytes | FileBody)
        try:
            async for piece in response.body:
                found += piece
        except BodyCut:
            return found, True
        return found, False

    return asyncio.run(gather())


@pytest.fixture(params=["bytes", "file", "stream of a length"])
def response(request: pytest.FixtureRequest, tmp_path: Path) -> Response:
    (tmp_path / "file").write_bytes(b"before" + CONTENT)
    bodies: dict[str, ResponseBody] = {"bytes": CONTENT, "file": FileBody(tmp_path / "file", 6, len(CONTENT))}
    headers = [("content-length", str(len(CONTENT)))] if request.param == "stream of a length" else []
    return Response(200, headers, bodies.get(request.param) or pieces())


def test_half_of_it_is_sent_and_all_was_promised(response: Response) -> None:
    found = damaged(response, "truncate")
    assert [(name.lower(), value) for name, value in found.headers] == [("content-length", str(len(CONTENT)))]
    assert sent(found) == (CONTENT[: len(CONTENT) // 2], True)


def test_it_is_as_long_as_it_was_and_not_the_same(response: Response) -> None:
    found = damaged(response, "corrupt")
    content, cut = (found.body, False) if isinstance(found.body, bytes) else sent(found)
    assert not cut and len(content) == len(CONTENT) and content.isascii()
    assert 0 < sum(one != other for one, other in zip(content, CONTENT, strict=True)) <= len(CONTENT) // 2_000


def test_a_stream_of_no_known_length_is_cut_in_its_first_piece() -> None:
    assert sent(damaged(Response(200, [], pieces()), "truncate")) == (CONTENT[:1_500], True)


def test_what_has_no_body_is_cut_off() -> None:
    assert damaged(Response(204), "truncate").abort and damaged(Response(204), "corrupt").abort


@pytest.mark.parametrize(("length", "others"), [(0, 0), (1, 1), (BLOCK, 1), (BLOCK + 1, 2), (3 * BLOCK, 3)])
def test_a_byte_of_each_block_is_another(length: int, others: int) -> None:
    content = b"a" * length
    found = corrupt(content)
    assert len(found) == length and sum(byte != 97 for byte in found) == others
    assert corrupt(found) == content
