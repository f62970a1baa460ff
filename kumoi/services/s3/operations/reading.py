"""GetObject and HeadObject."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.s3 import archive, checksums, configured, encryption, locking, manifests, s3
from kumoi.services.s3.access import told_missing
from kumoi.services.s3.bodies import Readers, blobs_of, inline_body
from kumoi.services.s3.conditions import CONDITIONS, check_read
from kumoi.services.s3.glimpse import glimpse
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.metadata import told_metadata
from kumoi.services.s3.ranges import content_range, read_range
from kumoi.services.s3.records import MANAGED, Bucket, ObjectVersion, Part
from kumoi.services.s3.versions import find_object, told_version
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import FileBody

_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


_CONDITIONS = frozenset(CONDITIONS)
_PLAIN = frozenset({"ChecksumMode"})
"""What a read may say that asks for nothing but the object."""


class Reading(msgspec.Struct, frozen=True):
    """What a read found: the answer's headers, and where the bytes are that it carries."""

    answer: dict[str, Any]
    bucket: Bucket
    version: ObjectVersion
    offset: int
    length: int
    inline: bytes | None = None


@s3.operation
async def get_object(call: Call, Bucket: str, Key: str, **members: Any) -> dict[str, Any]:
    """An object, or a part of it: bytes, a file of the platform's, or a stream."""
    reading = await _found(call, Bucket, Key, members, "GET")
    answer = reading.answer
    answer["Body"] = reading.inline if reading.inline is not None else body_of(call, reading)
    call.response_bytes = reading.length
    return answer


@s3.operation
async def head_object(call: Call, Bucket: str, Key: str, **members: Any) -> dict[str, Any]:
    """What GetObject would answer, without the bytes."""
    return (await _found(call, Bucket, Key, members, "HEAD")).answer


async def _found(call: Call, bucket: str, key: str, members: dict[str, Any], method: str) -> Reading:
    if _PLAIN.issuperset(members) and (plain := await glimpse(call.state, bucket, key)) is not None:
        return _whole(*plain, checksum=members.get("ChecksumMode") == "ENABLED")
    overrides = {} if _OVERRIDES.keys().isdisjoint(members) else _overrides(call, members)
    try:
        return await _read(call.state, bucket, key, members, overrides, method)
    except AwsError as error:
        told = await told_missing(call, error, bucket)
        raise told from None


def _whole(bucket: Bucket, version: ObjectVersion, *, checksum: bool) -> Reading:
    """The reading of a whole object as it is stored."""
    answer = told_object(bucket, version)
    answer["ContentLength"] = version.size
    if checksum:
        answer |= checksums.told(version.checksum)
    return Reading(answer, bucket, version, 0, version.size, version.body or None)


def body_of(call: Call, reading: Reading) -> Any:
    """The bytes of a reading whose body is not inline: a file for the gateway, a stream for callers inside."""
    version = reading.version
    if not reading.length:
        return b""
    if version.manifest:
        state = call.state.at(reading.bucket.account, reading.bucket.region)
        readers = call.part(Readers)
        return manifests.stream(
            state, blobs_of(call.doorway), readers, version.manifest, reading.offset, reading.length
        )
    path = blobs_of(call.doorway).path(version.blob) if call.http is not None else None
    if path is not None:
        return FileBody(path, reading.offset, reading.length)
    return blobs_of(call.doorway).stream(version.blob, reading.offset, reading.length)


def _overrides(call: Call, members: dict[str, Any]) -> dict[str, str]:
    """The headers that response-… overrides; raises InvalidRequest or InvalidArgument."""
    found = {name: members[given] for given, name in _OVERRIDES.items() if members.get(given) is not None}
    if not found:
        return found
    if call.http is not None and call.caller.access_key is None:
        raise aws_error(
            "InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests."
        )
    for given in _OVERRIDES:
        value = members.get(given)
        if isinstance(value, str) and any(ord(character) > 255 for character in value):
            raise aws_error(
                "InvalidArgument",
                "Header value cannot be represented using ISO-8859-1.",
                ArgumentName=f"response-{'-'.join(_words(given.removeprefix('Response')))}",
                ArgumentValue=value,
            )
    return found


def _words(member: str) -> list[str]:
    """The words of a member's name in lower case."""
    text = "".join(f" {character.lower()}" if character.isupper() else character for character in member)
    return text.split()


@transactional
async def _read(
    tx: Transaction, name: str, key: str, members: dict[str, Any], overrides: dict[str, str], method: str
) -> Reading:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    version = await find_object(tx, bucket, key, members.get("VersionId"), method)
    encryption.check_access(version.encryption, encryption.customer_key(members))
    if not _CONDITIONS.isdisjoint(members):
        check_read(version, tx.now, *(members.get(condition) for condition in CONDITIONS))
    if method == "GET" and version.storage_class != "STANDARD":
        archive.check_readable(version, tx.now)
    answer = told_object(bucket, version)
    if version.restored is not None:
        answer["Restore"] = archive.told(version, tx.now)
    expiration = await configured.expiration(tx, bucket, version)
    if expiration is not None:
        answer["Expiration"] = expiration
    offset, length, whole, part = 0, version.size, True, None
    asked_range, number = members.get("Range"), members.get("PartNumber")
    if number is not None:
        if asked_range is not None:
            raise aws_error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
        offset, length, part = await _part(tx, version, number)
        whole = part is None
        if version.manifest:
            answer["PartsCount"] = version.parts
        if length:
            answer["ContentRange"] = content_range(offset, length, version.size)
    elif asked_range is not None and (found := read_range(asked_range, version.size)) is not None:
        offset, length = found
        whole = length == version.size
        answer["ContentRange"] = content_range(offset, length, version.size)
    answer["ContentLength"] = length
    if members.get("ChecksumMode") == "ENABLED":
        if whole:
            answer |= checksums.told(version.checksum)
        elif part is not None and part.checksum is not None and version.checksum is not None:
            answer |= checksums.told(part.checksum)
            answer["ChecksumType"] = "COMPOSITE" if version.checksum.composite else "FULL_OBJECT"
    if overrides:
        answer |= overrides
    inline = None
    if method == "GET" and not version.blob and not version.manifest:
        inline = await inline_body(tx, version)
        if length != version.size:
            inline = inline[offset : offset + length]
    return Reading(answer, bucket, version, offset, length, inline)


def told_object(bucket: Bucket, version: ObjectVersion) -> dict[str, Any]:
    """An answer's members about an object, without its length."""
    answer: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": version.modified,
        "ETag": f'"{version.etag}"',
        "ContentType": version.content_type,
    }
    if version.encryption is MANAGED:  # as nearly every object's
        answer["ServerSideEncryption"] = "AES256"
    else:
        answer |= encryption.told(version.encryption)
    if version.headers:
        answer |= version.headers
    if version.metadata:
        answer["Metadata"] = told_metadata(version.metadata)
    if bucket.versioning:
        answer["VersionId"] = told_version(bucket, version)
    if version.storage_class != "STANDARD":
        answer["StorageClass"] = version.storage_class
    if version.replication is not None:
        answer["ReplicationStatus"] = version.replication.status
    if version.tags:
        answer["TagCount"] = len(version.tags)
    if bucket.lock:
        answer |= locking.told(version.lock)
    return answer


async def _part(tx: Transaction, version: ObjectVersion, number: int) -> tuple[int, int, Part | None]:
    """(offset, length, part) of a part by its number; raises InvalidArgument or InvalidPartNumber."""
    if not 1 <= number <= 10_000:
        raise aws_error(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=number,
        )
    if number > max(1, version.parts):
        raise aws_error(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            status=416,
            ActualPartCount=max(1, version.parts),
            PartNumberRequested=number,
        )
    if version.manifest:
        async for _, start, part in manifests.parts_from(tx, version.manifest, number - 1):
            return start, part.size, part
    return 0, version.size, None
