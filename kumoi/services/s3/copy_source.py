"""What a copy copies: the source as requests name it, found, allowed and under conditions.

Rules: CopyObject and UploadPartCopy in the API reference ("x-amz-copy-source").
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from kumoi.blobs.hashing import Hashes
from kumoi.doorway import Call
from kumoi.services.s3 import archive, encryption, manifests
from kumoi.services.s3.bodies import Readers, blobs_of, inline_body
from kumoi.services.s3.conditions import check_copy_source
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.records import Bucket, ObjectVersion, Segment
from kumoi.services.s3.versions import find_object
from kumoi.state import Transaction
from kumoi.wire.errors import AwsError, aws_error


class Named(NamedTuple):
    """A source by name."""

    bucket: str
    key: str
    version_id: str | None


class Source(NamedTuple):
    """A source that was found; `inline` are its bytes where they lie in state."""

    bucket: Bucket
    version: ObjectVersion
    inline: bytes | None


def parse(text: str) -> Named:
    """Read `[/]bucket/key[?versionId=id]`, URL-encoded; raises InvalidArgument."""
    path, _, query = text.partition("?")
    name, slash, key = unquote(path).removeprefix("/").partition("/")
    version_id: str | None = None
    if query:
        member, _, value = query.partition("=")
        if member != "versionId" or not value:
            raise _invalid(text)
        version_id = unquote(value)
    if not name or not slash or not key or name.startswith("arn:"):
        raise _invalid(text)
    return Named(name, key, version_id)


def _invalid(text: str) -> AwsError:
    return aws_error(
        "InvalidArgument",
        "Invalid copy source object key",
        ArgumentName="x-amz-copy-source",
        ArgumentValue=text,
    )


async def find_source(tx: Transaction, named: Named, members: dict[str, Any]) -> Source:
    """The source of a copy; raises what keeps it from being copied."""
    bucket = await find_bucket(tx, named.bucket, members.get("ExpectedSourceBucketOwner"))
    tx = home(tx, bucket)
    try:
        version = await find_object(tx, bucket, named.key, named.version_id)
    except AwsError as error:
        if error.code != "MethodNotAllowed":
            raise
        raise aws_error(
            "InvalidRequest",
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        ) from None
    encryption.check_access(version.encryption, encryption.customer_key(members, "CopySource"))
    check_copy_source(
        version,
        tx.now,
        members.get("CopySourceIfMatch"),
        members.get("CopySourceIfNoneMatch"),
        members.get("CopySourceIfModifiedSince"),
        members.get("CopySourceIfUnmodifiedSince"),
    )
    archive.check_readable(version, tx.now)
    inline = await inline_body(tx, version) if not version.blob and not version.manifest else None
    return Source(bucket, version, inline)


async def segments_of(tx: Transaction, source: Source, offset: int, length: int) -> tuple[Segment, ...]:
    """The pieces of blobs that hold a range of a source whose body is not inline."""
    version = source.version
    if version.blob:
        return (Segment(version.blob, offset, length),)
    found: list[Segment] = []
    tx, end = home(tx, source.bucket), offset + length
    while offset < end:
        chunk = await manifests.chunk_at(tx, version.manifest, offset)
        pieces = manifests.segments_between(chunk, offset, end) if chunk is not None else []
        if not pieces:
            break
        found += pieces
        offset += sum(piece.length for piece in pieces)
    return tuple(found)


def stream(call: Call, source: Source, offset: int, length: int) -> AsyncIterator[bytes]:
    """The bytes of a range of a source."""
    version = source.version
    if source.inline is not None:
        return _once(source.inline[offset : offset + length])
    if version.blob:
        return blobs_of(call.doorway).stream(version.blob, offset, length)
    state = call.state.at(source.bucket.account, source.bucket.region)
    return manifests.stream(state, blobs_of(call.doorway), call.part(Readers), version.manifest, offset, length)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def digests(pieces: AsyncIterator[bytes], *names: str) -> dict[str, bytes]:
    """Digests of a stream, each piece off the loop where it is large."""
    hashes = Hashes(names)
    async for piece in pieces:
        await hashes.take(piece)
    return hashes.digests()
