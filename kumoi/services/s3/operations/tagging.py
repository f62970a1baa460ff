"""Tags of objects: PutObjectTagging, GetObjectTagging, DeleteObjectTagging."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import changed, s3
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.records import Bucket, ObjectVersion
from kumoi.services.s3.tags import object_tags, tag_set
from kumoi.services.s3.versions import find_object, rewrite, told_version
from kumoi.state import Transaction, transactional
from kumoi.wire.xml_shapes import malformed


@s3.operation
async def put_object_tagging(
    call: Call,
    Bucket: str,
    Key: str,
    Tagging: dict[str, Any] | None = None,
    VersionId: str | None = None,
    ContentMD5: str | None = None,
    ChecksumAlgorithm: str | None = None,
    ExpectedBucketOwner: str | None = None,
    RequestPayer: str | None = None,
) -> dict[str, Any]:
    """Replace the tags of an object."""
    if Tagging is None or "TagSet" not in Tagging:
        raise malformed()
    tags = object_tags(Tagging["TagSet"])
    bucket, version = await _change(call.state, call, Bucket, Key, VersionId, ExpectedBucketOwner, tags, "PUT")
    return {"VersionId": told_version(bucket, version)}


@s3.operation
async def delete_object_tagging(
    call: Call, Bucket: str, Key: str, VersionId: str | None = None, ExpectedBucketOwner: str | None = None
) -> dict[str, Any]:
    """Remove all tags of an object."""
    bucket, version = await _change(call.state, call, Bucket, Key, VersionId, ExpectedBucketOwner, {}, "DELETE")
    return {"VersionId": told_version(bucket, version)}


@s3.operation
async def get_object_tagging(
    call: Call,
    Bucket: str,
    Key: str,
    VersionId: str | None = None,
    ExpectedBucketOwner: str | None = None,
    RequestPayer: str | None = None,
) -> dict[str, Any]:
    """The tags of an object."""
    bucket, version = await _find(call.state, Bucket, Key, VersionId, ExpectedBucketOwner)
    return {"TagSet": tag_set(version.tags), "VersionId": told_version(bucket, version)}


@transactional
async def _find(
    tx: Transaction, name: str, key: str, version_id: str | None, expected_owner: str | None
) -> tuple[Bucket, ObjectVersion]:
    bucket = await find_bucket(tx, name, expected_owner)
    return bucket, await find_object(home(tx, bucket), bucket, key, version_id, refuse_marker=True)


@transactional
async def _change(
    tx: Transaction,
    call: Call,
    name: str,
    key: str,
    version_id: str | None,
    expected_owner: str | None,
    tags: dict[str, str],
    method: str,
) -> tuple[Bucket, ObjectVersion]:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    version = await find_object(tx, bucket, key, version_id, method, refuse_marker=True)
    version = await rewrite(tx, version, tags=tags)
    await changed.object_altered(
        tx, call, bucket, version, "ObjectTagging:Put" if method == "PUT" else "ObjectTagging:Delete"
    )
    return bucket, version
