"""S3's aws-chunked uploads: chunks, each with its signature, and checksums in a trailer.

In: the body as it arrives, cut anywhere. Out: the decoded bytes as they arrive, and at the end the certainty that
they are whole: length, signatures and checksums are right, or an S3 error is raised, after which whoever has read so
far forgets it. Sources: "Transferring payload in multiple chunks" (signed, and with trailers) in the S3 API reference.

    hex-size[;chunk-signature=…]\\r\\n data \\r\\n … 0[;chunk-signature=…]\\r\\n [name:value\\r\\n …] \\r\\n
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Iterable, Iterator

from kumoi.wire.checksums import CHECKSUMS, HEADER, Checksum, checksum, decoded, encoded
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import Body, BodyTooLarge, BufferedBody, HeaderList, Request
from kumoi.wire.sigv4 import ChunkSigner

LINE_LIMIT = 8192
"""Bytes of a chunk's head or of one trailer line."""

TRAILER_LIMIT = 32
"""Trailer lines."""

_HEAD = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;chunk-signature=([0-9a-f]*))?")
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


def is_aws_chunked(request: Request) -> bool:
    """Whether the body of a request is aws-chunked."""
    return (request.headers.get("x-amz-content-sha256") or "").startswith("STREAMING-")


def without_aws_chunked(content_encoding: str) -> str:
    """A Content-Encoding as the object keeps it: the transfer's own coding left out."""
    kept = [coding.strip() for coding in content_encoding.split(",")]
    return ",".join(coding for coding in kept if coding and coding.lower() != "aws-chunked")


def aws_chunked(request: Request, signer: ChunkSigner | None = None) -> AwsChunkedBody:
    """The decoded body of an aws-chunked request; `signer` has its signatures checked, where the client signs chunks.

    Raises MissingContentLength without X-Amz-Decoded-Content-Length, InvalidRequest for a trailer nobody knows.
    """
    length = request.headers.get("x-amz-decoded-content-length")
    if length is None or not length.isascii() or not length.isdigit() or len(length) > 15:
        raise aws_error("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)
    kind = request.headers.get("x-amz-content-sha256") or ""
    announced = [
        name.strip().lower()
        for value in request.headers.get_all("x-amz-trailer")
        for name in value.split(",")
        if name.strip()
    ]
    for name in announced:
        if name.startswith(HEADER) and name.removeprefix(HEADER) not in CHECKSUMS:
            raise aws_error(
                "InvalidRequest", f"The value specified in the x-amz-trailer header is not supported: {name}"
            )
    return AwsChunkedBody(
        request.body,
        decoded_length=int(length),
        signer=signer if kind.startswith("STREAMING-AWS4-HMAC-") else None,
        announced=announced,
    )


class AwsChunkedBody:
    """A body that decodes another. `checksums` is complete once it has been read: base64 by name."""

    def __init__(
        self, inner: Body, *, decoded_length: int, signer: ChunkSigner | None = None, announced: Iterable[str] = ()
    ) -> None:
        self._inner = inner
        self._decoder = Decoder(decoded_length, signer, announced)
        self.decoded_length = decoded_length

    @property
    def trailers(self) -> HeaderList:
        """The trailer's fields; complete once the body has been read to its end."""
        return self._decoder.trailers

    @property
    def checksums(self) -> dict[str, str]:
        """The announced checksums, verified, in base64 by name (`crc32`); complete at the body's end."""
        return self._decoder.checksums

    async def read(self, limit: int | None = None) -> bytes:
        """The whole decoded body; raises BodyTooLarge past `limit` bytes, or an S3 error when it is not right."""
        if limit is not None and self.decoded_length > limit:
            raise BodyTooLarge(limit)
        return b"".join([piece async for piece in self.stream()])

    def at_hand(self) -> bytes | None:
        """The whole decoded body, if it has arrived already, else None. Raises what `read` does."""
        if type(self._inner) is not BufferedBody:
            return None
        content = b"".join(self._decoder.feed(self._inner.content))
        self._decoder.finish()
        return content

    async def stream(self) -> AsyncIterator[bytes]:
        """The decoded body as it arrives; an S3 error, at the latest at its end, when it is not right."""
        decoder = self._decoder
        async for piece in self._inner.stream():
            for content in decoder.feed(piece):
                yield content
        decoder.finish()


class Decoder:
    """The decoder, without input or output: `feed` takes bytes and gives content, `finish` says they were all."""

    def __init__(self, decoded_length: int, signer: ChunkSigner | None, announced: Iterable[str]) -> None:
        self.trailers: HeaderList = []
        self.checksums: dict[str, str] = {}
        self._expected = decoded_length
        self._announced = list(announced)
        names = [name.removeprefix(HEADER) for name in self._announced if name.startswith(HEADER)]
        self._running: dict[str, Checksum] = {name: checksum(name) for name in names if name in CHECKSUMS}
        self._chunk = None if signer is None else _SignedChunks(signer)
        self._seen = 0
        self._buffer = bytearray()
        self._remaining = 0
        self._state = self._head

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Content that has become known with `piece`; raises an AwsError at what is not right."""
        self._buffer += piece
        while (content := self._state()) is not None:
            if content:
                yield content

    def finish(self) -> None:
        """Raise unless everything has come."""
        if self._state != self._end:
            raise _incomplete("The request body terminated unexpectedly")

    # Each state takes what it can from the buffer: content, b"" for "go on", None for "wait for more bytes".

    def _head(self) -> bytes | None:
        line = self._line()
        if line is None:
            return None
        match = _HEAD.fullmatch(line)
        if match is None:
            raise _incomplete("The request body is not aws-chunked: a chunk begins with its size in hexadecimal digits")
        self._remaining = int(match[1], 16)
        self._seen += self._remaining
        if self._seen > self._expected:
            raise _incomplete(f"The chunks hold more than the {self._expected} bytes of x-amz-decoded-content-length")
        if self._chunk is not None:
            self._chunk.begin((match[2] or b"").decode())
        if self._remaining == 0:
            self._close_last_chunk()
            self._state = self._trailer
        else:
            self._state = self._content
        return b""

    def _content(self) -> bytes | None:
        if not self._buffer:
            return None
        with memoryview(self._buffer) as view:
            content = bytes(view[: self._remaining])
        del self._buffer[: self._remaining]
        self._remaining -= len(content)
        for running in self._running.values():
            running.update(content)
        if self._chunk is not None:
            self._chunk.update(content)
        if self._remaining == 0:
            if self._chunk is not None:
                self._chunk.end()
            self._state = self._content_end
        return content

    def _content_end(self) -> bytes | None:
        if len(self._buffer) < 2:
            return None
        if self._buffer[:2] != b"\r\n":
            raise _incomplete("The request body is not aws-chunked: a chunk is longer than its size says")
        del self._buffer[:2]
        self._state = self._head
        return b""

    def _trailer(self) -> bytes | None:
        line = self._line()
        if line is None:
            return None
        if not line:
            self._check_trailer()
            self._state = self._end
            return b""
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name.strip() or len(self.trailers) >= TRAILER_LIMIT:
            raise _malformed_trailer()
        self.trailers.append((name.strip().lower(), value.strip()))
        return b""

    def _end(self) -> bytes | None:
        if self._buffer:
            raise _incomplete("The request body goes on after its last chunk")
        return None

    def _line(self) -> bytes | None:
        """The next line, without its end (some clients end trailers with \\n\\r\\n); None when it is not there yet."""
        end = self._buffer.find(b"\r\n", 0, LINE_LIMIT + 2)
        if end < 0:
            if len(self._buffer) > LINE_LIMIT:
                raise _incomplete("The request body is not aws-chunked: a line is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line.rstrip(b"\n")

    def _close_last_chunk(self) -> None:
        if self._seen != self._expected:
            raise _incomplete(f"The chunks hold {self._seen} bytes, x-amz-decoded-content-length says {self._expected}")
        if self._chunk is not None:
            self._chunk.end()

    def _check_trailer(self) -> None:
        stated = dict(self.trailers)
        if self._chunk is not None and (self._announced or self.trailers):
            self._chunk.check_trailer(self.trailers)
        if any(name not in stated for name in self._announced):
            raise _malformed_trailer()
        for name, running in self._running.items():
            self.checksums[name] = check_digest(name, stated[HEADER + name], running.digest(), "trailing header")


class _SignedChunks:
    """The chain of chunk signatures: each covers its content and the signature before it."""

    def __init__(self, signer: ChunkSigner) -> None:
        self._signer = signer
        self._previous = signer.seed
        self._stated = ""
        self._hash = hashlib.sha256()

    def begin(self, stated: str) -> None:
        """A chunk begins that says it has this signature."""
        self._stated = stated
        self._hash = hashlib.sha256()

    def update(self, content: bytes) -> None:
        """Content of the chunk."""
        self._hash.update(content)

    def end(self) -> None:
        """The chunk is over: its signature must be right."""
        self._previous = _same(self._signer.chunk(self._previous, self._hash.hexdigest()), self._stated)

    def check_trailer(self, trailers: HeaderList) -> None:
        """The trailer's signature must be right, and the last line."""
        signed = [(name, value) for name, value in trailers if name != _TRAILER_SIGNATURE]
        lines = "".join(f"{name}:{value}\n" for name, value in signed)
        content_hash = hashlib.sha256(lines.encode("latin-1")).hexdigest()
        _same(self._signer.trailer(self._previous, content_hash), dict(trailers).get(_TRAILER_SIGNATURE, ""))


def check_digest(name: str, stated: str, computed: bytes, place: str = "header") -> str:
    """The checksum `name` in base64; raises InvalidRequest or BadDigest where `stated` is not what was computed."""
    digest = decoded(stated, name)
    if digest is None:
        raise aws_error("InvalidRequest", f"Value for {HEADER}{name} {place} is invalid.")
    if not hmac.compare_digest(digest, computed):
        raise aws_error("BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")
    return encoded(computed)


def _same(computed: str, stated: str) -> str:
    if not hmac.compare_digest(computed.encode(), stated.encode()):
        raise aws_error(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            status=403,
        )
    return computed


def _incomplete(message: str) -> AwsError:
    return aws_error("IncompleteBody", message)


def _malformed_trailer() -> AwsError:
    return aws_error(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
