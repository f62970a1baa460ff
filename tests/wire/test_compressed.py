"""Bodies that clients compressed."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from kumoi.wire import AwsError, BodyTooLarge
from kumoi.wire.compressed import plain


@pytest.mark.parametrize("length", [0, 10, 1_000_000])
def test_what_was_compressed_comes_back(length: int) -> None:
    content = bytes(at * 7 % 251 for at in range(length))
    assert asyncio.run(plain(gzip.compress(content), length)) == content


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(BodyTooLarge):
        asyncio.run(plain(gzip.compress(bytes(50_000_000)), 1_000_000))


@pytest.mark.parametrize("body", [b"", b"{}", gzip.compress(b"cut short", mtime=0)[:-9]])
def test_what_is_no_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(AwsError) as refused:
        asyncio.run(plain(body, 100))
    assert refused.value.code == "SerializationException"
