"""GetObjectAttributes."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import checksums, encryption, manifests, s3
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.operations.listing import page_size
from kumoi.services.s3.records import Bucket, ObjectVersion, Part
from kumoi.services.s3.versions import find_object, told_version
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


@s3.operation
async def get_object_attributes(
    call: Call, Bucket: str, Key: str, ObjectAttributes: list[str] | None = None, **members: Any
) -> dict[str, Any]:
    """The attributes that are asked for: ETag, checksum, parts, storage class, size."""
    if not ObjectAttributes:
        raise aws_error(
            "InvalidRequest",
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        )
    if any(name not in ATTRIBUTES for name in ObjectAttributes):
        raise aws_error("InvalidArgument", "Invalid attribute name specified.", ArgumentName="x-amz-object-attributes")
    most = page_size(members.get("MaxParts"), "max-parts")
    after = max(0, members.get("PartNumberMarker") or 0)
    bucket, version, parts = await _read(
        call.state, Bucket, Key, members, (after, most + 1) if "ObjectParts" in ObjectAttributes else None
    )
    answer: dict[str, Any] = {"LastModified": version.modified, "VersionId": told_version(bucket, version)}
    if "ETag" in ObjectAttributes:
        answer["ETag"] = version.etag
    if "Checksum" in ObjectAttributes and version.checksum is not None:
        answer["Checksum"] = checksums.told(version.checksum)
    if "StorageClass" in ObjectAttributes:
        answer["StorageClass"] = version.storage_class
    if "ObjectSize" in ObjectAttributes:
        answer["ObjectSize"] = version.size
    if "ObjectParts" in ObjectAttributes and version.manifest:
        answer["ObjectParts"] = _parts(version, parts, after, most)
    return answer


def _parts(version: ObjectVersion, parts: list[Part], after: int, most: int) -> dict[str, Any]:
    told: dict[str, Any] = {"TotalPartsCount": version.parts}
    if not parts or parts[0].checksum is None:
        return told
    shown = parts[:most]
    return told | {
        "PartNumberMarker": after,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": most,
        "IsTruncated": len(parts) > most,
        "Parts": [
            {"PartNumber": part.number, "Size": part.size}
            | ({checksums.MEMBERS[part.checksum.algorithm]: part.checksum.value} if part.checksum is not None else {})
            for part in shown
        ],
    }


@transactional
async def _read(
    tx: Transaction, name: str, key: str, members: dict[str, Any], wanted: tuple[int, int] | None
) -> tuple[Bucket, ObjectVersion, list[Part]]:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    version = await find_object(tx, bucket, key, members.get("VersionId"))
    encryption.check_access(version.encryption, encryption.customer_key(members))
    parts: list[Part] = []
    if wanted is not None and version.manifest:
        after, most = wanted
        async for _, _, part in manifests.parts_from(tx, version.manifest, 0):
            if part.number > after:
                parts.append(part)
            if len(parts) == most:
                break
    return bucket, version, parts
