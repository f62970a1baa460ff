"""What a client declares about its payload must hold, whichever way it is sent."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable

import pytest

from kumoi.wire.errors import AwsError
from kumoi.wire.http import BodyTooLarge, BufferedBody, Headers, Request
from kumoi.wire.payload import payload

CONTENT = b"the content"


def put(*headers: tuple[str, str], content: bytes = CONTENT) -> Request:
    return Request("PUT", "/b/k", "", Headers(headers), BufferedBody(content))


def read(request: Request) -> tuple[bytes, dict[str, str]]:
    """What is read of a request's payload as it arrives, which is what there is of one that has arrived."""

    async def run() -> tuple[bytes, dict[str, str]]:
        body = payload(request)
        return await body.read(), body.checksums

    try:
        found = asyncio.run(run())
    except AwsError as error:
        with pytest.raises(AwsError, match=re.escape(str(error))):
            payload(request).at_hand()
        raise
    body = payload(request)
    assert (body.at_hand(), body.checksums) == found
    return found


@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"])
def test_a_checksum_in_a_header(name: str, stated: Callable[[str, bytes], str]) -> None:
    header = f"x-amz-checksum-{name}"
    right = stated(name, CONTENT)
    assert read(put((header, right))) == (CONTENT, {name: right})
    with pytest.raises(AwsError, match=f"BadDigest: The {name.upper()} you specified"):
        read(put((header, stated(name, b"other"))))
    with pytest.raises(AwsError, match=f"InvalidRequest: Value for {header} header is invalid"):
        read(put((header, "short")))


def test_content_md5(stated: Callable[[str, bytes], str]) -> None:
    assert read(put(("Content-MD5", stated("md5", CONTENT)))) == (CONTENT, {})
    with pytest.raises(AwsError, match="BadDigest: The Content-MD5 you specified did not match") as refused:
        read(put(("Content-MD5", stated("md5", b"other"))))
    assert refused.value.members["CalculatedDigest"] == stated("md5", CONTENT)
    with pytest.raises(AwsError, match="InvalidDigest"):
        read(put(("Content-MD5", "nonsense")))


def test_the_signed_hash() -> None:
    assert read(put(("x-amz-content-sha256", hashlib.sha256(CONTENT).hexdigest())))[0] == CONTENT
    with pytest.raises(AwsError, match="XAmzContentSHA256Mismatch"):
        read(put(("x-amz-content-sha256", hashlib.sha256(b"other").hexdigest())))


@pytest.mark.parametrize("header", [None, "UNSIGNED-PAYLOAD"])
def test_nothing_declared(header: str | None) -> None:
    assert read(put(*([("x-amz-content-sha256", header)] if header else []))) == (CONTENT, {})


def test_chunks_with_a_checksum_in_the_trailer(stated: Callable[[str, bytes], str]) -> None:
    right = stated("crc64nvme", CONTENT)
    body = b"b\r\n%s\r\n0\r\nx-amz-checksum-crc64nvme:%s\r\n\r\n" % (CONTENT, right.encode())
    request = put(
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "11"),
        ("x-amz-trailer", "x-amz-checksum-crc64nvme"),
        content=body,
    )
    assert read(request) == (CONTENT, {"crc64nvme": right})


def test_a_reader_may_set_a_limit() -> None:
    with pytest.raises(BodyTooLarge):
        asyncio.run(payload(put()).read(5))
