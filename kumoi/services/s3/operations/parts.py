"""Parts of multipart uploads: UploadPart, UploadPartCopy, ListParts."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import checksums, copy_source, encryption, s3
from kumoi.services.s3.bodies import blobs_of, release_part, use
from kumoi.services.s3.copy_source import Named, Source, find_source, segments_of
from kumoi.services.s3.lifecycle import rules_for
from kumoi.services.s3.lifecycle_rules import abortion
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.operations.copying import source_version
from kumoi.services.s3.operations.listing import instant, page_size
from kumoi.services.s3.operations.uploads import find_upload, owner_of
from kumoi.services.s3.ranges import copy_range
from kumoi.services.s3.records import Bucket, Checksum, Part, Segment, Upload, UploadedPart, uploaded
from kumoi.services.s3.writing import checksum_of, content_length, take_in, written_at
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_PARTS = 10_000


def _check_number(number: int) -> None:
    if not 1 <= number <= MAX_PARTS:
        raise aws_error(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=number,
        )


@s3.operation
async def upload_part(
    call: Call, Bucket: str, Key: str, PartNumber: int, UploadId: str, Body: Any = None, **members: Any
) -> dict[str, Any]:
    """Take in a part; one of the same number that came before is replaced."""
    _check_number(PartNumber)
    content_length(call, Body, members)
    _, upload = await _find(call.state, Bucket, Key, UploadId, members)
    algorithm = checksum_of(call, members, "")[0]
    if upload.algorithm and algorithm != upload.algorithm and (algorithm or upload.composite):
        raise aws_error(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm},"
            f" actual checksum Type: {algorithm or 'null'}",
        )
    default = upload.algorithm or checksums.DEFAULT
    intake = await take_in(call, Body, members, default, also="" if algorithm == default else default, inline_limit=0)
    segments = (Segment(intake.blob, 0, intake.size),) if intake.blob else ()
    told = intake.checksum if algorithm or upload.algorithm else None
    kept = intake.checksum
    if kept.algorithm != default:
        kept = Checksum(default, base64.b64encode(intake.hashes[default]).decode())
    part = Part(PartNumber, intake.size, intake.md5, call.now, segments, kept)
    try:
        await _add(call.state, Bucket, Key, UploadId, members, part)
    except Exception:  # one that is cancelled may yet commit: the keeper finds what it leaves
        if intake.blob:
            await blobs_of(call.doorway).delete(intake.blob)
        raise
    answer: dict[str, Any] = {"ETag": f'"{intake.md5}"'} | encryption.told(upload.version.encryption)
    if told is not None:
        answer[checksums.MEMBERS[told.algorithm]] = told.value
    return answer


@transactional
async def _find(tx: Transaction, name: str, key: str, upload_id: str, members: dict[str, Any]) -> tuple[Bucket, Upload]:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    upload = await find_upload(home(tx, bucket), bucket, key, upload_id)
    wanted, given = upload.version.encryption.customer_key, encryption.customer_key(members)
    if wanted and not given:
        raise aws_error(
            "InvalidRequest",
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate"
            " encryption parameters.",
        )
    if wanted != given:
        raise aws_error("InvalidRequest", "The provided encryption parameters did not match the ones used originally.")
    return bucket, upload


@transactional
async def _add(tx: Transaction, name: str, key: str, upload_id: str, members: dict[str, Any], part: Part) -> None:
    bucket, _ = await _find(tx, name, key, upload_id, members)
    tx = home(tx, bucket)
    for segment in part.segments:
        await use(tx, segment.blob)
    await put_part(tx, upload_id, part)


async def put_part(tx: Transaction, upload_id: str, part: Part) -> None:
    """Store a part in place of the one of its number, if there is one."""
    former = await uploaded.get(tx, upload_id, part.number)
    if former is not None:
        await release_part(tx, former.part)
    await uploaded.put(tx, UploadedPart(upload=upload_id, part=part))


@s3.operation
async def upload_part_copy(
    call: Call, Bucket: str, Key: str, PartNumber: int, UploadId: str, CopySource: str, **members: Any
) -> dict[str, Any]:
    """Make a part of an object's bytes, or of a range of them; they are shared, not moved."""
    _check_number(PartNumber)
    named = copy_source.parse(CopySource)
    upload, source, apart = await _look(call.state, named, Bucket, Key, UploadId, members)
    version = source.version
    asked = members.get("CopySourceRange")
    offset, length = copy_range(asked, version.size) if asked is not None else (0, version.size)
    whole = length == version.size
    known = version.checksum if whole else None
    wanted = upload.algorithm or checksums.DEFAULT
    if known is not None and (known.algorithm != wanted or known.composite):
        known = None
    blob = ""
    if (apart or source.inline is not None) and length:
        body = copy_source.stream(call, source, offset, length)
        stored = await blobs_of(call.doorway).put(body, hashes=("md5", wanted))
        blob, digests = stored.id, dict(stored.hashes)
    elif upload.algorithm and known is None:
        digests = await copy_source.digests(copy_source.stream(call, source, offset, length), "md5", wanted)
    else:
        digests = {}
    if digests:
        etag, known = digests["md5"].hex(), Checksum(wanted, base64.b64encode(digests[wanted]).decode())
    elif whole and "-" not in version.etag:
        etag = version.etag
    else:  # told by the source and the range: its bytes are not read
        text = f"{version.etag} {offset} {length}"
        etag = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    part = Part(PartNumber, length, etag, call.now, (Segment(blob, 0, length),) if blob else (), known)
    try:
        await _add_copy(call.state, named, version.seq, Bucket, Key, UploadId, members, part, offset)
    except Exception:  # one that is cancelled may yet commit: the keeper finds what it leaves
        if blob:
            await blobs_of(call.doorway).delete(blob)
        raise
    result: dict[str, Any] = {"ETag": f'"{etag}"', "LastModified": written_at(part.modified)}
    if upload.algorithm and known is not None:
        result[checksums.MEMBERS[wanted]] = known.value
    answer: dict[str, Any] = {"CopyPartResult": result, "CopySourceVersionId": source_version(source.bucket, version)}
    return answer | encryption.told(upload.version.encryption)


@transactional
async def _look(
    tx: Transaction, named: Named, name: str, key: str, upload_id: str, members: dict[str, Any]
) -> tuple[Upload, Source, bool]:
    bucket, upload = await _find(tx, name, key, upload_id, members)
    source = await find_source(tx, named, members)
    return upload, source, source.bucket.account != bucket.account


@transactional
async def _add_copy(
    tx: Transaction,
    named: Named,
    seq: int,
    name: str,
    key: str,
    upload_id: str,
    members: dict[str, Any],
    part: Part,
    offset: int,
) -> None:
    source = await find_source(tx, named, members)
    if source.version.seq != seq:
        raise aws_error(
            "OperationAborted",
            "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        )
    if not part.segments and part.size:
        segments = await segments_of(tx, source, offset, part.size)
        part = Part(part.number, part.size, part.etag, part.modified, segments, part.checksum)
    await _add(tx, name, key, upload_id, members, part)


@s3.operation
async def list_parts(
    call: Call,
    Bucket: str,
    Key: str,
    UploadId: str,
    MaxParts: int | None = None,
    PartNumberMarker: int | None = None,
    RequestPayer: str | None = None,
    ExpectedBucketOwner: str | None = None,
    **members: Any,
) -> dict[str, Any]:
    """The parts that came so far, by number."""
    most = page_size(MaxParts, "max-parts")
    marker = max(0, PartNumberMarker or 0)
    upload, parts, aborted = await _parts(call.state, Bucket, Key, UploadId, ExpectedBucketOwner, marker, most)
    shown = parts[:most]
    answer: dict[str, Any] = {
        "Bucket": Bucket,
        "Key": Key,
        "UploadId": UploadId,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": most,
        "IsTruncated": len(parts) > most > 0,
        "Initiator": owner_of(upload.owner),
        "Owner": owner_of(upload.owner),
        "StorageClass": upload.version.storage_class,
        "Parts": [_told(part, upload) for part in shown],
    }
    if aborted is not None:
        answer["AbortDate"], answer["AbortRuleId"] = aborted
    if upload.algorithm:
        answer["ChecksumAlgorithm"] = upload.algorithm.upper()
        answer["ChecksumType"] = "COMPOSITE" if upload.composite else "FULL_OBJECT"
    return answer


def _told(part: Part, upload: Upload) -> dict[str, Any]:
    told: dict[str, Any] = {
        "PartNumber": part.number,
        "LastModified": instant(written_at(part.modified)),
        "ETag": f'"{part.etag}"',
        "Size": part.size,
    }
    if upload.algorithm and part.checksum is not None:
        told[checksums.MEMBERS[part.checksum.algorithm]] = part.checksum.value
    return told


@transactional
async def _parts(
    tx: Transaction, name: str, key: str, upload_id: str, expected_owner: str | None, marker: int, most: int
) -> tuple[Upload, list[Part], tuple[int, str] | None]:
    """(the upload, its parts behind a number, when and by which rule it will be aborted)."""
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    upload = await find_upload(tx, bucket, key, upload_id)
    rows = await uploaded.list(tx, upload_id, after=(upload_id, min(marker, MAX_PARTS)), limit=most + 1)
    aborted = abortion(await rules_for(tx, bucket), key, upload.created)
    return upload, [row.part for row in rows], aborted
