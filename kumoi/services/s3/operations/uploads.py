"""Multipart uploads: created, listed, completed, aborted."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

import msgspec

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.s3 import changed, checksums, configured, encryption, lifecycle, manifests, s3
from kumoi.services.s3.bodies import release_part, remove_later, use
from kumoi.services.s3.completion import Wanted, assembled, wanted_parts
from kumoi.services.s3.conditions import check_write, check_write_headers
from kumoi.services.s3.lookup import canonical_id, find_bucket, home
from kumoi.services.s3.operations.listing import encoder, page_size
from kumoi.services.s3.records import (
    Bucket,
    Checksum,
    CompletedUpload,
    ObjectVersion,
    Upload,
    completed,
    current,
    row_text,
    uploaded,
    uploads,
)
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.settings import settings_of
from kumoi.services.s3.versions import end_upload, last_change, row_key, told_version, write
from kumoi.services.s3.walk import group_of
from kumoi.services.s3.writing import described, protected, refuse_unserved, written_at
from kumoi.state import Transaction, transactional
from kumoi.state.interface import Key
from kumoi.wire.errors import AwsError, aws_error

KEPT = 86_400
"""Seconds for which completing an upload again answers what it answered."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def no_such_upload(upload_id: str) -> AwsError:
    """NoSuchUpload."""
    return aws_error(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or"
        " completed.",
        UploadId=upload_id,
    )


async def find_upload(tx: Transaction, bucket: Bucket, key: str, upload_id: str) -> Upload:
    """An upload under way, in a transaction at the bucket's home; raises NoSuchUpload."""
    found = await uploads.get(tx, bucket.id, row_text(key), upload_id) if _ID.fullmatch(upload_id) else None
    if found is None:
        raise no_such_upload(upload_id)
    return found


@s3.operation
async def create_multipart_upload(call: Call, Bucket: str, Key: str, **members: Any) -> dict[str, Any]:
    """Begin an upload in parts; what the object will be is said here."""
    refuse_unserved(members)
    algorithm = checksums.algorithm_named(members.get("ChecksumAlgorithm"))
    composite = checksums.upload_type(algorithm, members.get("ChecksumType"))
    upload, abortion = await _create(
        call.state, call, Bucket, Key, row_key(Key), described(members), members, (algorithm, composite)
    )
    answer: dict[str, Any] = {"Bucket": Bucket, "Key": Key, "UploadId": upload.id}
    answer |= encryption.told(upload.version.encryption)
    if abortion is not None:
        answer["AbortDate"], answer["AbortRuleId"] = abortion
    if algorithm:
        answer["ChecksumAlgorithm"] = algorithm.upper()
        answer["ChecksumType"] = "COMPOSITE" if composite else "FULL_OBJECT"
    return answer


@transactional
async def _create(
    tx: Transaction,
    call: Call,
    name: str,
    key: str,
    row: bytes,
    fields: dict[str, Any],
    members: dict[str, Any],
    checksum: tuple[str, bool],
) -> tuple[Upload, tuple[int, str] | None]:
    """The upload, and (when, by which rule's id) it will be aborted."""
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    kinds = await settings_of(tx, bucket)
    fields = {**fields, **await protected(tx, bucket, kinds, members, call.caller.account)}
    upload = Upload(
        bucket=bucket.id,
        key=key,
        id=f"{int(tx.now * 1000):012x}-{hex_id(51)}",  # they sort as they began
        created=tx.now,
        began=await call.part(Sequences).next(tx, bucket),
        owner=call.account,
        version=ObjectVersion(bucket=bucket.id, key=key, seq=0, modified=0, **fields),
        algorithm=checksum[0],
        composite=checksum[1],
    )
    await uploads.put(tx, upload)
    return upload, await lifecycle.begun(tx, bucket, upload)


@s3.operation
async def abort_multipart_upload(
    call: Call,
    Bucket: str,
    Key: str,
    UploadId: str,
    RequestPayer: str | None = None,
    ExpectedBucketOwner: str | None = None,
    IfMatchInitiatedTime: Any = None,
) -> None:
    """Give an upload up; its parts go."""
    if IfMatchInitiatedTime is not None:
        raise aws_error(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            Header="x-amz-if-match-initiated-time",
        )
    await _abort(call.state, Bucket, Key, UploadId, ExpectedBucketOwner)


@transactional
async def _abort(tx: Transaction, name: str, key: str, upload_id: str, expected_owner: str | None) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    await end_upload(tx, await find_upload(tx, bucket, key, upload_id))
    await remove_later(tx, upload_id, "parts")


@s3.operation
async def complete_multipart_upload(
    call: Call, Bucket: str, Key: str, UploadId: str, MultipartUpload: dict[str, Any] | None = None, **members: Any
) -> dict[str, Any]:
    """Make an object of the parts; no byte of them is moved."""
    check_write_headers(members.get("IfMatch"), members.get("IfNoneMatch"))
    answer = await _complete(call.state, call, Bucket, Key, UploadId, MultipartUpload, members)
    host = call.http.host if call.http is not None else "s3.amazonaws.com"
    scheme = call.http.scheme if call.http is not None else "https"
    return {"Location": f"{scheme}://{host}/{Bucket}/{quote(Key, safe='')}", "Bucket": Bucket, "Key": Key, **answer}


@transactional
async def _complete(
    tx: Transaction,
    call: Call,
    name: str,
    key: str,
    upload_id: str,
    given: dict[str, Any] | None,
    members: dict[str, Any],
) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx, row = home(tx, bucket), row_key(key)
    done = await completed.get(tx, upload_id) if _ID.fullmatch(upload_id) else None
    if done is not None and done.key == key:
        return dict(done.answer)
    upload = await find_upload(tx, bucket, key, upload_id)
    wanted: list[Wanted] = wanted_parts(given, upload_id)
    present = {one.part.number: one.part for one in await uploaded.list(tx, upload_id)}
    parts = assembled(upload, wanted, present, members)
    old = await current.get(tx, bucket.id, row)
    if members.get("IfMatch") is not None or members.get("IfNoneMatch") is not None:
        check_write(key, old, members.get("IfMatch"), members.get("IfNoneMatch"))
        if await last_change(tx, bucket, row) > upload.began:
            raise aws_error(
                "ConditionalRequestConflict",
                "The conditional request cannot succeed due to a conflicting operation against this resource.",
                status=409,
                Condition="If-Match" if members.get("IfMatch") is not None else "If-None-Match",
                Key=key,
            )
    chosen = {part.number for part in parts}
    for part in present.values():
        if part.number not in chosen:
            await release_part(tx, part)
    await uploaded.delete_all(tx, upload_id)
    await end_upload(tx, upload)
    checksum = _checksum(upload, parts, members)
    manifest = hex_id(32)
    kept = parts if upload.algorithm else [msgspec.structs.replace(part, checksum=None) for part in parts]
    await manifests.write_manifest(tx, manifest, kept)
    await use(tx, manifest)
    fields = msgspec.structs.asdict(upload.version) | {
        "size": sum(part.size for part in parts),
        "etag": _etag(parts),
        "modified": written_at(tx.now),
        "manifest": manifest,
        "parts": len(parts),
        "checksum": checksum,
    }
    for decided in ("bucket", "seq", "null", "body"):
        del fields[decided]
    version = await write(tx, call.part(Sequences), bucket, row, old, fields, None)
    await changed.object_created(tx, call, bucket, version, "ObjectCreated:CompleteMultipartUpload")
    answer: dict[str, Any] = (
        {"ETag": f'"{version.etag}"'} | checksums.told(checksum) | encryption.told(version.encryption)
    )
    if bucket.versioning == "Enabled":
        answer["VersionId"] = told_version(bucket, version)
    expiration = await configured.expiration(tx, bucket, version)
    if expiration is not None:
        answer["Expiration"] = expiration
    kept_answer = {member: value for member, value in answer.items() if isinstance(value, str)}
    await completed.put(tx, CompletedUpload(id=upload_id, key=key, answer=kept_answer))
    await remove_later(tx, upload_id, "completed", KEPT)
    return answer


def _etag(parts: list[Any]) -> str:
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
    return f"{digest.hexdigest()}-{len(parts)}"


def _checksum(upload: Upload, parts: list[Any], members: dict[str, Any]) -> Checksum | None:
    """The checksum of the whole; raises BadDigest where the client states another."""
    if any(part.checksum is None for part in parts):
        return None
    algorithm = upload.algorithm or checksums.DEFAULT
    value = checksums.composite(algorithm, parts) if upload.composite else checksums.joined(algorithm, parts)
    stated = members.get(checksums.MEMBERS[algorithm])
    if stated is not None and stated not in (value, value.partition("-")[0]):
        raise aws_error("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
    return Checksum(algorithm, value, upload.composite)


@s3.operation
async def list_multipart_uploads(
    call: Call,
    Bucket: str,
    Delimiter: str | None = None,
    EncodingType: str | None = None,
    KeyMarker: str | None = None,
    MaxUploads: int | None = None,
    Prefix: str | None = None,
    UploadIdMarker: str | None = None,
    ExpectedBucketOwner: str | None = None,
    RequestPayer: str | None = None,
) -> dict[str, Any]:
    """Uploads under way by key, the oldest first."""
    encode, most = encoder(EncodingType), page_size(MaxUploads, "max-uploads")
    found, more = await _uploads(
        call.state,
        Bucket,
        ExpectedBucketOwner,
        Prefix or "",
        Delimiter or "",
        KeyMarker or "",
        UploadIdMarker or "",
        most,
    )
    answer: dict[str, Any] = {
        "Bucket": Bucket,
        "KeyMarker": encode(KeyMarker or ""),
        "UploadIdMarker": UploadIdMarker or "",
        "MaxUploads": most,
        "IsTruncated": more,
        "EncodingType": EncodingType,
        "Prefix": encode(Prefix) if Prefix else None,
        "Delimiter": encode(Delimiter) if Delimiter else None,
        "Uploads": [_told(one, encode) for one in found if isinstance(one, Upload)],
        "CommonPrefixes": [{"Prefix": encode(one)} for one in found if isinstance(one, str)],
        "NextKeyMarker": "",
        "NextUploadIdMarker": "",
    }
    if found:
        last = found[-1]
        answer["NextKeyMarker"] = encode(last.key if isinstance(last, Upload) else last)
        answer["NextUploadIdMarker"] = last.id if isinstance(last, Upload) else ""
    return answer


def owner_of(account: str) -> dict[str, str]:
    """An owner or initiator as multipart answers name them."""
    return {"ID": canonical_id(account), "DisplayName": account}


def _told(upload: Upload, encode: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "UploadId": upload.id,
        "Key": encode(upload.key),
        "Initiated": upload.created,
        "StorageClass": upload.version.storage_class,
        "Owner": owner_of(upload.owner),
        "Initiator": owner_of(upload.owner),
    }
    if upload.algorithm:
        told["ChecksumAlgorithm"] = upload.algorithm.upper()
        told["ChecksumType"] = "COMPOSITE" if upload.composite else "FULL_OBJECT"
    return told


@transactional
async def _uploads(
    tx: Transaction,
    name: str,
    expected_owner: str | None,
    prefix: str,
    delimiter: str,
    key_marker: str,
    id_marker: str,
    most: int,
) -> tuple[list[Upload | str], bool]:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    marker = row_text(key_marker)
    if id_marker and key_marker and not await uploads.get(tx, bucket.id, marker, id_marker):
        raise aws_error(
            "InvalidArgument",
            "Invalid uploadId marker",
            ArgumentName="upload-id-marker",
            ArgumentValue=id_marker,
        )
    found: list[Upload | str] = []
    grouped = row_text(prefix), row_text(delimiter)
    hidden = group_of(marker, *grouped) if marker.startswith(grouped[0]) else None
    after: Key | None = (bucket.id, marker, id_marker) if marker else None
    while rows := await uploads.list(tx, bucket.id, after=after, limit=1000):
        for upload in rows:
            key = row_text(upload.key)
            if not key.startswith(grouped[0]) or (marker and not id_marker and key == marker):
                continue
            group = group_of(key, *grouped)
            if group is not None and (group == hidden or (found and found[-1] == group.decode("utf-8", "replace"))):
                continue
            if len(found) == most:
                return found, most > 0
            found.append(upload if group is None else group.decode("utf-8", "replace"))
        last = rows[-1]
        after = (bucket.id, row_text(last.key), last.id)
    return found, False
