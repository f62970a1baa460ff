"""A request's payload, verified while it is read: what the client declared about it must hold.

In: an S3 request. Out: a body that gives the content as it arrives, and that raises at its end when a declared SHA-256,
Content-MD5 or x-amz-checksum-… is not the content's. Source: "Checking object integrity in Amazon S3".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator

from kumoi.wire.aws_chunked import AwsChunkedBody, aws_chunked, check_digest, is_aws_chunked
from kumoi.wire.checksums import CHECKSUMS, HEADER, Checksum, checksum, decoded, encoded
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Body, BodyTooLarge, BufferedBody, HeaderList, Request
from kumoi.wire.sigv4 import ChunkSigner

_SHA256 = re.compile(r"[0-9a-f]{64}")
_STATED = {HEADER + name: name for name in CHECKSUMS}


def payload(request: Request, signer: ChunkSigner | None = None, *, signed_hash: bool = True) -> Payload:
    """The payload of a request, whatever way it is sent; `signer` has the signatures of chunks checked.

    Without `signed_hash`, x-amz-content-sha256 is not compared: it belongs to the signature, and where that is not
    verified either, hashing would be the dearest part of an upload.
    Raises InvalidDigest or InvalidRequest for what cannot be a digest, and `aws_chunked`'s errors.
    """
    headers = request.headers.index
    body = aws_chunked(request, signer) if is_aws_chunked(request) else request.body
    stated: dict[str, str] = {}
    if not _STATED.keys().isdisjoint(headers):  # most uploads state none
        stated = {name: headers[header] for header, name in _STATED.items() if header in headers}
    for name, value in stated.items():
        if decoded(value, name) is None:
            raise aws_error("InvalidRequest", f"Value for {HEADER}{name} header is invalid.")
    md5 = headers.get("content-md5")
    if md5 is not None and decoded(md5, "md5") is None:
        raise aws_error("InvalidDigest", "The Content-MD5 you specified was invalid.")
    sha256 = (headers.get("x-amz-content-sha256") or "") if signed_hash else ""
    return Payload(body, stated, content_md5=md5, sha256=sha256 if sha256 and _SHA256.fullmatch(sha256) else None)


class Payload:
    """A body that checks itself. `checksums` (base64 by name) is complete once it has been read to its end."""

    def __init__(
        self, inner: Body, stated: dict[str, str], *, content_md5: str | None = None, sha256: str | None = None
    ) -> None:
        self.checksums: dict[str, str] = {}
        self._inner = inner
        self._stated = stated
        self._md5 = content_md5
        self._sha256 = sha256
        self._running: dict[str, Checksum] = {name: checksum(name) for name in stated}
        if content_md5:
            self._running["md5"] = checksum("md5")
        if sha256:
            self._running["sha256"] = checksum("sha256")

    @property
    def trailers(self) -> HeaderList:
        """The trailer's fields; complete once the body has been read to its end."""
        return self._inner.trailers

    async def read(self, limit: int | None = None) -> bytes:
        """The whole content; raises BodyTooLarge past `limit` bytes, or an S3 error when it is not as declared."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self.stream():
            size += len(piece)
            if limit is not None and size > limit:
                raise BodyTooLarge(limit)
            pieces.append(piece)
        return b"".join(pieces)

    def at_hand(self) -> bytes | None:
        """The whole content, if it has arrived already; None where it must be waited for. Raises what `read` does.

        Most uploads are small: there is nothing to wait for, and no need of the way through streams.
        """
        if type(self._inner) is BufferedBody:
            content = self._inner.content
        elif isinstance(self._inner, AwsChunkedBody) and (decoded := self._inner.at_hand()) is not None:
            content = decoded
        else:
            return None
        if self._running:
            for running in self._running.values():
                running.update(content)
            self._check()
        elif isinstance(self._inner, AwsChunkedBody):
            self.checksums.update(self._inner.checksums)
        return content

    async def stream(self) -> AsyncIterator[bytes]:
        """The content as it arrives; an S3 error, at the latest at its end, when it is not as declared."""
        async for piece in self._inner.stream():
            for running in self._running.values():
                running.update(piece)
            yield piece
        self._check()

    def _check(self) -> None:
        digests = {name: running.digest() for name, running in self._running.items()}
        if self._sha256 is not None and not hmac.compare_digest(digests["sha256"].hex(), self._sha256):
            raise aws_error(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                ClientComputedContentSHA256=self._sha256,
                S3ComputedContentSHA256=digests["sha256"].hex(),
            )
        if self._md5 is not None and decoded(self._md5, "md5") != digests["md5"]:
            raise aws_error(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                ExpectedDigest=self._md5,
                CalculatedDigest=encoded(digests["md5"]),
            )
        for name, value in self._stated.items():
            self.checksums[name] = check_digest(name, value, digests[name])
        if isinstance(self._inner, AwsChunkedBody):
            self.checksums.update(self._inner.checksums)
