"""A version on its way in: what a request says about it, its body taken in and verified.

`Intake` is a body with its digests; `fields` are an ObjectVersion's, as far as the request decides them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.s3 import checksums, configured, encryption, locking, metadata, ownership
from kumoi.services.s3.bodies import blobs_of, store
from kumoi.services.s3.conditions import not_implemented
from kumoi.services.s3.records import INLINE_LIMIT, MANAGED, Bucket, Checksum, Encryption
from kumoi.services.s3.tags import header_tags
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error
from kumoi.wire.query_shapes import fields

MAX_PUT = 5 * 1024**3
"""Bytes of the largest body that one request may bring."""

STORAGE_CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
    }
)
_UNSERVED = {
    "WriteOffsetBytes": "x-amz-write-offset-bytes",
    "ObjectLockEventHold": "x-amz-object-lock-event-hold",
    "ObjectLockEventHoldDurationDays": "x-amz-object-lock-event-hold-duration-days",
    "ObjectLockEventHoldDurationYears": "x-amz-object-lock-event-hold-duration-years",
    "AnnotationDirective": "x-amz-annotation-directive",
}
_DESCRIBING = metadata.STATING | {"StorageClass", "Metadata"}
_PROTECTING = encryption.REQUESTING | locking.REQUESTING | ownership.REQUESTING
"""The members that `described` and `protected` are about: most requests have none of them."""


class Intake(msgspec.Struct, frozen=True):
    """A body that was taken in: inline bytes or a blob, its size, its MD5 in hexadecimal, and its checksum."""

    inline: bytes | None
    blob: str
    size: int
    md5: str
    checksum: Checksum
    hashes: dict[str, bytes]


def refuse_unserved(members: dict[str, Any]) -> None:
    """Raise NotImplemented for members that Kumoi does not act on."""
    if _UNSERVED.keys().isdisjoint(members):
        return
    for member, header in _UNSERVED.items():
        if members.get(member) is not None:
            raise not_implemented(header)


def refuse_half_a_part(call: Call) -> None:
    """Raise InvalidArgument or MethodNotAllowed where the query names a part's number or upload without the other."""
    if call.http is None or not call.http.query:
        return
    names = {name for name, _ in fields(call.http.query)}
    if "partNumber" in names:
        raise aws_error(
            "InvalidArgument",
            "This operation does not accept partNumber without uploadId",
            ArgumentName="partNumber",
            ArgumentValue="partNumber",
        )
    if "uploadId" in names:
        raise aws_error("MethodNotAllowed", "The specified method is not allowed against this resource.")


def content_length(call: Call, body: Any, members: dict[str, Any], *, form: bool = False) -> int | None:
    """The bytes that a body will have, where it is known before: of all but a form's file.

    Raises EntityTooLarge or MissingContentLength.
    """
    if isinstance(body, bytes | bytearray | memoryview):
        size: int | None = len(body)
    elif call.http is None:
        size = members.get("ContentLength")
    else:
        headers = call.http.headers.index
        text = headers.get("x-amz-decoded-content-length") or headers.get("content-length")
        size = int(text) if text is not None and text.isascii() and text.isdigit() else None
        if size is None and not form:
            raise aws_error("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)
    if size is not None and size > MAX_PUT:
        raise aws_error(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            ProposedSize=size,
            MaxSizeAllowed=MAX_PUT,
        )
    return size


def checksum_of(call: Call, members: dict[str, Any], default: str = checksums.DEFAULT) -> tuple[str, str, bool]:
    """(algorithm, stated value, whether the request's own reading computes it) of an upload's checksum.

    The value is empty where it comes in a trailer or nowhere.
    """
    algorithm, value = checksums.stated(members)
    if algorithm:
        return algorithm, value, call.http is not None
    if call.http is not None and "x-amz-trailer" in call.http.headers.index:
        for trailer in call.http.headers.get_all("x-amz-trailer"):
            name = trailer.strip().lower().removeprefix("x-amz-checksum-")
            if name in checksums.MEMBERS:
                return name, "", True
    return checksums.algorithm_named(members.get("ChecksumAlgorithm")) or default, "", False


async def take_in(
    call: Call,
    body: Any,
    members: dict[str, Any],
    default: str = checksums.DEFAULT,
    *,
    also: str = "",
    inline_limit: int = INLINE_LIMIT,
) -> Intake:
    """Take in a request's body, digested by its checksum's algorithm (`default` where it names none), and by `also`.

    Raises S3's errors for digests that are not the body's.
    """
    algorithm, stated, verified = checksum_of(call, members, default)
    hashes = {"md5", also or "md5", "md5" if verified else algorithm}
    stored = await store(blobs_of(call.doorway), body, tuple(hashes), inline_limit=inline_limit)
    try:
        if verified:
            value = getattr(body, "checksums", {}).get(algorithm) or stated
        else:
            value = checksums.check_stated(algorithm, stated, stored.hashes[algorithm])
    except BaseException:
        if stored.blob:
            await blobs_of(call.doorway).delete(stored.blob)
        raise
    call.request_bytes = stored.size
    md5 = stored.hashes["md5"].hex()
    return Intake(stored.inline, stored.blob, stored.size, md5, Checksum(algorithm, value), stored.hashes)


def storage_class(members: dict[str, Any]) -> str:
    """The storage class of a request; raises InvalidStorageClass."""
    asked: str = members.get("StorageClass") or "STANDARD"
    if asked not in STORAGE_CLASSES:
        raise aws_error(
            "InvalidStorageClass", "The storage class you specified is not valid", StorageClassRequested=asked
        )
    return asked


def described(members: dict[str, Any]) -> dict[str, Any]:
    """The fields of a version that describe it, as a request says them."""
    fields: dict[str, Any] = {}
    if not _DESCRIBING.isdisjoint(members):
        fields["storage_class"] = storage_class(members)
        fields["headers"] = metadata.system_headers(members)
        fields["metadata"] = metadata.user_metadata(members.get("Metadata"))
    if members.get("ContentType"):
        fields["content_type"] = members["ContentType"]
    if members.get("Tagging"):
        fields["tags"] = header_tags(members["Tagging"])
    return fields


async def protected(
    tx: Transaction, bucket: Bucket, kinds: Mapping[str, Any], members: dict[str, Any], writer: str
) -> dict[str, Any]:
    """The fields of a version about encryption, lock and access, by a request of the account `writer`, and the bucket's
    defaults; `kinds` are its configurations.
    """
    if not kinds and bucket.retention is None and writer == bucket.account and _PROTECTING.isdisjoint(members):
        return {"encryption": MANAGED}
    default = configured.default_encryption(kinds, bucket)
    return {
        "encryption": encryption.requested(members, default, bucket.account, bucket.region),
        "lock": locking.requested(bucket, members, tx.now),
        **await ownership.owned(tx, bucket, members, writer),
    }


def etag_of(encrypted: Encryption, md5: str) -> str:
    """An object's ETag: its MD5, or random digits where a key of KMS's or of the customer's is used."""
    return md5 if encryption.has_md5_etag(encrypted) else hex_id(32)


def written_at(now: float) -> int:
    """LastModified of what is written now: whole seconds, rounded up."""
    return math.ceil(now)
