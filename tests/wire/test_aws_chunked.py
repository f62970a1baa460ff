"""aws-chunked uploads: AWS's documented examples, botocore as the sender, and what is wrong or cut short."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import zlib
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.wire.aws_chunked import aws_chunked, is_aws_chunked, without_aws_chunked
from kumoi.wire.credential import Credential
from kumoi.wire.errors import AwsError
from kumoi.wire.http import BodyTooLarge, BufferedBody, HeaderList, Headers, Request
from kumoi.wire.sigv4 import ChunkSigner, Verifier


class PiecesBody(BufferedBody):
    """A body that arrives in given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(b"".join(pieces))
        self.pieces = pieces

    async def stream(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


def cut(content: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(content) + 1) for place in places}), len(content)]
    return [content[start:end] for start, end in pairwise(edges)]


def upload(
    pieces: list[bytes],
    length: int,
    kind: str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    trailer: str | None = None,
) -> Request:
    headers = [("x-amz-content-sha256", kind), ("X-Amz-Decoded-Content-Length", str(length))]
    if trailer is not None:
        headers.append(("x-amz-trailer", trailer))
    return Request("PUT", "/b/k", "", Headers(headers), PiecesBody(pieces))


def read(request: Request, signer: ChunkSigner | None = None) -> tuple[bytes, HeaderList, dict[str, str]]:
    async def run() -> tuple[bytes, HeaderList, dict[str, str]]:
        body = aws_chunked(request, signer)
        return await body.read(), body.trailers, body.checksums

    return asyncio.run(run())


def refusal(request: Request, signer: ChunkSigner | None = None) -> AwsError:
    with pytest.raises(AwsError) as refused:
        read(request, signer)
    return refused.value


# The examples of "Transferring payload in multiple chunks": 65,536 and 1,024 times the letter a.
DOCUMENTED = Credential("AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3", "", "")
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def documented_signer(seed: str) -> ChunkSigner:
    request = Request("PUT", "/", "", Headers([("x-amz-date", "20130524T000000Z")]))
    return Verifier().chunk_signer(request, DOCUMENTED._replace(signature=seed), SECRET)


def documented_body(signatures: list[str], trailer: bytes) -> bytes:
    first, second, last = (signature.encode() for signature in signatures)
    return (
        b"10000;chunk-signature=" + first + b"\r\n" + b"a" * 65536 + b"\r\n"
        b"400;chunk-signature=" + second + b"\r\n" + b"a" * 1024 + b"\r\n"
        b"0;chunk-signature=" + last + b"\r\n" + trailer + b"\r\n"
    )  # fmt: skip


SIGNED_SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
SIGNED = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
]
TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILER_SIGNED = [
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
]
TRAILER = (
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
)


def test_the_documented_signed_upload() -> None:
    body = documented_body(SIGNED, b"")
    request = upload([body], 66560, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert read(request, documented_signer(SIGNED_SEED))[0] == b"a" * 66560


def test_the_documented_signed_upload_with_a_trailer() -> None:
    body = documented_body(TRAILER_SIGNED, TRAILER)
    request = upload([body], 66560, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x-amz-checksum-crc32c")
    content, trailers, checksums = read(request, documented_signer(TRAILER_SEED))
    assert content == b"a" * 66560
    assert trailers[0] == ("x-amz-checksum-crc32c", "sOO8/Q==")
    assert checksums == {"crc32c": "sOO8/Q=="}


@pytest.mark.parametrize("position", [0, 90, 65530, 65700, 66700, 66800, 66900])
def test_one_changed_byte_of_a_signed_upload_is_noticed(position: int) -> None:
    body = bytearray(documented_body(TRAILER_SIGNED, TRAILER))
    body[position] ^= 1
    request = upload([bytes(body)], 66560, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x-amz-checksum-crc32c")
    assert refusal(request, documented_signer(TRAILER_SEED)).code in (
        "SignatureDoesNotMatch",
        "IncompleteBody",
        "MalformedTrailerError",
    )


def test_a_signed_upload_whose_chunks_carry_no_signature_is_refused() -> None:
    request = upload([b"1\r\na\r\n0\r\n\r\n"], 1, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert refusal(request, documented_signer(SIGNED_SEED)).code == "SignatureDoesNotMatch"
    assert read(request)[0] == b"a"


def test_a_trailer_without_its_signature_is_refused() -> None:
    body = documented_body(TRAILER_SIGNED, TRAILER.partition(b"\r\n")[0] + b"\r\n")
    request = upload([body], 66560, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x-amz-checksum-crc32c")
    assert refusal(request, documented_signer(TRAILER_SEED)).code == "SignatureDoesNotMatch"


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 64), st.lists(st.integers(0, 10_000), max_size=8))
def test_what_botocore_sends_however_it_is_cut(content: bytes, size: int, places: list[int]) -> None:
    sent = AwsChunkedWrapper(io.BytesIO(content), Crc32Checksum, "x-amz-checksum-crc32", size).read()
    expected = base64.b64encode(zlib.crc32(content).to_bytes(4)).decode()
    found = read(upload(cut(sent, places), len(content), trailer="x-amz-checksum-crc32"))
    assert found == (content, [("x-amz-checksum-crc32", expected)], {"crc32": expected})
    plain = AwsChunkedWrapper(io.BytesIO(content), chunk_size=size).read()
    assert read(upload(cut(plain, places), len(content))) == (content, [], {})


def signed_body(contents: list[bytes], signer: ChunkSigner) -> bytes:
    sent, previous = b"", signer.seed
    for content in [*contents, b""]:
        previous = signer.chunk(previous, hashlib.sha256(content).hexdigest())
        sent += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(content), previous.encode(), content)
    return sent


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_signed_chunks_however_they_are_cut(contents: list[bytes], places: list[int]) -> None:
    signer = documented_signer(SIGNED_SEED)
    sent = signed_body(contents, signer)
    length = sum(map(len, contents))
    request = upload(cut(sent, places), length, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert read(request, signer)[0] == b"".join(contents)


GARBAGE = st.lists(st.sampled_from([b"0", b"3", b"abc", b"\r\n", b"\n", b":", b";chunk-signature="]), max_size=12)


@settings(deadline=None)
@given(
    st.one_of(st.binary(max_size=60), GARBAGE.map(b"".join)),
    st.lists(st.integers(0, 60), max_size=4),
    st.integers(0, 4),
)
def test_garbage_gives_the_stated_length_or_is_refused(garbage: bytes, places: list[int], length: int) -> None:
    try:
        assert len(read(upload(cut(garbage, places), length))[0]) == length
    except AwsError as error:
        assert error.code in ("IncompleteBody", "MalformedTrailerError")


@given(st.integers(0, 200))
def test_an_upload_cut_short_is_refused(length: int) -> None:
    sent = AwsChunkedWrapper(io.BytesIO(b"content" * 10), Crc32Checksum, "x-amz-checksum-crc32", 32).read()
    short = sent[: length % len(sent)]
    assert refusal(upload([short], 70, trailer="x-amz-checksum-crc32")).code == "IncompleteBody"


@pytest.mark.parametrize(
    ("body", "length", "trailer", "code", "text"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", 4, None, "IncompleteBody", "hold 3 bytes"),
        (b"3\r\nabc\r\n0\r\n\r\n", 2, None, "IncompleteBody", "more than the 2 bytes"),
        (b"3\r\nabcd\r\n0\r\n\r\n", 3, None, "IncompleteBody", "longer than its size"),
        (b"-3\r\nabc\r\n0\r\n\r\n", 3, None, "IncompleteBody", "hexadecimal"),
        (b"3\r\nabc\r\n0\r\n\r\nmore", 3, None, "IncompleteBody", "goes on"),
        (b"0" * 9000, 3, None, "IncompleteBody", "too long"),
        (b"3\r\nabc\r\n0\r\nnonsense\r\n\r\n", 3, None, "MalformedTrailerError", "trailing data"),
        (b"3\r\nabc\r\n0\r\n\r\n", 3, "x-amz-checksum-crc32", "MalformedTrailerError", "trailing data"),
        (
            b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
            3,
            "x-amz-checksum-crc32",
            "BadDigest",
            "The CRC32 you specified",
        ),
        (
            b"3\r\nabc\r\n0\r\nx-amz-checksum-sha1:AAAAAA==\r\n\r\n",
            3,
            "x-amz-checksum-sha1",
            "InvalidRequest",
            "Value for x-amz-checksum-sha1 trailing header is invalid.",
        ),
        (b"0\r\n\r\n", 0, "x-amz-checksum-crc9", "InvalidRequest", "x-amz-checksum-crc9"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, length: int, trailer: str | None, code: str, text: str) -> None:
    error = refusal(upload([body], length, trailer=trailer))
    assert error.code == code
    assert text in error.message


@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"])
@pytest.mark.parametrize("flip", [False, True])
def test_each_checksum_in_a_trailer(name: str, flip: bool, stated: Callable[[str, bytes], str]) -> None:
    value = stated(name, b"abd" if flip else b"abc")
    body = b"3\r\nabc\r\n0\r\nx-amz-checksum-%s:%s\r\n\r\n" % (name.encode(), value.encode())
    request = upload([body], 3, trailer=f"x-amz-checksum-{name}")
    if flip:
        assert refusal(request).code == "BadDigest"
    else:
        assert read(request)[2] == {name: value}


def test_a_trailer_line_may_end_with_a_bare_newline_too() -> None:
    body = b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\n\r\n\r\n"
    assert read(upload([body], 3, trailer="x-amz-checksum-crc32"))[2] == {"crc32": "NSRBwg=="}


@pytest.mark.parametrize("length", [None, "", "-1", "1e3"])
def test_the_decoded_length_is_required(length: str | None) -> None:
    request = upload([b"0\r\n\r\n"], 0)
    request.headers = Headers(
        [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")]
        + ([] if length is None else [("x-amz-decoded-content-length", length)])
    )
    assert is_aws_chunked(request)
    error = refusal(request)
    assert (error.code, error.default_status) == ("MissingContentLength", 411)


def test_a_reader_may_set_a_limit() -> None:
    with pytest.raises(BodyTooLarge):
        asyncio.run(aws_chunked(upload([b"3\r\nabc\r\n0\r\n\r\n"], 3)).read(2))


def test_content_arrives_before_the_end() -> None:
    async def first() -> bytes:
        return await anext(aws_chunked(upload([b"5\r\nab", b"cde"], 5)).stream())

    assert asyncio.run(first()) == b"ab"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("aws-chunked", ""), ("aws-chunked,gzip", "gzip"), ("gzip, AWS-Chunked", "gzip"), ("gzip,br", "gzip,br")],
)
def test_the_content_encoding_that_is_kept(sent: str, kept: str) -> None:
    assert without_aws_chunked(sent) == kept
