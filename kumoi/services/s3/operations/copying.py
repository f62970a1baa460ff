"""CopyObject: a new record that shares the source's bytes, at a cost that does not depend on their size."""

from __future__ import annotations

import base64
from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import changed, checksums, configured, copy_source, encryption, s3
from kumoi.services.s3.bodies import blobs_of, use
from kumoi.services.s3.conditions import check_write, check_write_headers
from kumoi.services.s3.copy_source import Named, Source, find_source
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.metadata import system_headers
from kumoi.services.s3.records import Bucket, Checksum, Encryption, ObjectVersion, current
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.settings import settings_of
from kumoi.services.s3.tags import header_tags
from kumoi.services.s3.version_ids import id_of
from kumoi.services.s3.versions import row_key, told_version, write
from kumoi.services.s3.writing import (
    MAX_PUT,
    described,
    etag_of,
    protected,
    refuse_half_a_part,
    refuse_unserved,
    storage_class,
    written_at,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_ENCRYPTING = ("ServerSideEncryption", "SSECustomerAlgorithm", "SSECustomerKey", "SSEKMSKeyId")


@s3.operation
async def copy_object(call: Call, Bucket: str, Key: str, CopySource: str, **members: Any) -> dict[str, Any]:
    """Copy an object to another key or bucket, or onto itself with changes."""
    refuse_half_a_part(call)
    refuse_unserved(members)
    check_write_headers(members.get("IfMatch"), members.get("IfNoneMatch"))
    row_key(Key)
    named = copy_source.parse(CopySource)
    for directive in ("MetadataDirective", "TaggingDirective"):
        if members.get(directive) not in (None, "COPY", "REPLACE"):
            raise aws_error("InvalidArgument", "Unknown metadata directive.", ArgumentName=f"x-amz-{directive}")
    members["algorithm"] = checksums.algorithm_named(members.get("ChecksumAlgorithm"))
    storage_class(members)
    source, apart = await _look(call.state, named, Bucket, members)
    checksum, blob = source.version.checksum, ""
    algorithm = members["algorithm"]
    if algorithm and (checksum is None or checksum.algorithm != algorithm):
        body = copy_source.stream(call, source, 0, source.version.size)
        digest = (await copy_source.digests(body, algorithm))[algorithm]
        checksum = Checksum(algorithm, base64.b64encode(digest).decode())
    if apart and source.inline is None:
        # Another account's: it gets bytes of its own, which outlive the source's account.
        blob = (
            await blobs_of(call.doorway).put(copy_source.stream(call, source, 0, source.version.size), hashes=())
        ).id
    try:
        return await _copy(call.state, call, named, source.version.seq, Bucket, Key, members, checksum, blob)
    except Exception:  # one that is cancelled may yet commit: the keeper finds what it leaves
        if blob:
            await blobs_of(call.doorway).delete(blob)
        raise


@transactional
async def _look(tx: Transaction, named: Named, destination: str, members: dict[str, Any]) -> tuple[Source, bool]:
    """(the source, whether it belongs to another account than the destination)."""
    bucket = await find_bucket(tx, destination, members.get("ExpectedBucketOwner"))
    source = await find_source(tx, named, members)
    if source.version.size > MAX_PUT:
        raise aws_error(
            "InvalidRequest",
            f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_PUT}",
        )
    return source, source.bucket.account != bucket.account


@transactional
async def _copy(
    tx: Transaction,
    call: Call,
    named: Named,
    seq: int,
    name: str,
    key: str,
    members: dict[str, Any],
    checksum: Checksum | None,
    blob: str,
) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    source = await find_source(tx, named, members)
    if source.version.seq != seq:
        raise aws_error(
            "OperationAborted",
            "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        )
    tx, row = home(tx, bucket), row_key(key)
    old = await current.get(tx, bucket.id, row)
    check_write(key, old, members.get("IfMatch"), members.get("IfNoneMatch"))
    safety = await protected(tx, bucket, await settings_of(tx, bucket), members, call.caller.account)
    fields = _fields(source.version, key, members) | safety
    if old is not None and source.bucket.id == bucket.id and source.version.key == key and old.seq == seq:
        _check_onto_itself(members, fields)
    fields["etag"] = _etag(source.version, safety["encryption"])
    fields["checksum"] = checksum
    fields["modified"] = written_at(tx.now)
    if blob:
        fields |= {"blob": blob, "manifest": "", "parts": 0}
    # The copy's use comes before a version that shares the bytes is written over.
    if fields["blob"] or fields["manifest"]:
        await use(tx, fields["blob"] or fields["manifest"])
    version = await write(tx, call.part(Sequences), bucket, row, old, fields, source.inline)
    await changed.object_created(tx, call, bucket, version, "ObjectCreated:Copy")
    result = {"ETag": f'"{version.etag}"', "LastModified": version.modified} | checksums.told(version.checksum)
    answer: dict[str, Any] = {"CopyObjectResult": result} | encryption.told(version.encryption)
    answer["CopySourceVersionId"] = source_version(source.bucket, source.version)
    if bucket.versioning == "Enabled":
        answer["VersionId"] = told_version(bucket, version)
    answer["Expiration"] = await configured.expiration(tx, bucket, version)
    return answer


def source_version(bucket: Bucket, version: ObjectVersion) -> str | None:
    """The version id of a source, as a copy's answer tells it."""
    if not bucket.versioning:
        return None
    return id_of(bucket, version)


def _fields(source: ObjectVersion, key: str, members: dict[str, Any]) -> dict[str, Any]:
    """The copy's fields: the source's, save those that are replaced or never copied."""
    if members.get("MetadataDirective") == "REPLACE":
        fields = described({**members, "Tagging": None})
    else:
        kept = {name: value for name, value in source.headers.items() if name != "WebsiteRedirectLocation"}
        redirect = system_headers({"WebsiteRedirectLocation": members.get("WebsiteRedirectLocation")})
        fields = {
            "storage_class": storage_class(members),
            "content_type": source.content_type,
            "headers": kept | redirect,
            "metadata": source.metadata,
        }
    if members.get("TaggingDirective") == "REPLACE":
        fields["tags"] = header_tags(members.get("Tagging") or "")
    else:
        fields["tags"] = source.tags
    return fields | {
        "key": key,
        "size": source.size,
        "blob": source.blob,
        "manifest": source.manifest,
        "parts": source.parts,
    }


def _check_onto_itself(members: dict[str, Any], fields: dict[str, Any]) -> None:
    if (
        members.get("MetadataDirective") == "REPLACE"
        or members.get("StorageClass") is not None
        or "WebsiteRedirectLocation" in fields["headers"]
        or any(members.get(name) is not None for name in _ENCRYPTING)
    ):
        return
    raise aws_error(
        "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's"
        " metadata, storage class, website redirect location or encryption attributes.",
    )


def _etag(source: ObjectVersion, encrypted: Encryption) -> str:
    """The copy's ETag: the source's, unless a key that hides the MD5 is, or was, used."""
    return etag_of(encrypted, source.etag)
