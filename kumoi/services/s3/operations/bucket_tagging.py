"""Tags of buckets: PutBucketTagging, GetBucketTagging, DeleteBucketTagging."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.s3 import s3
from kumoi.services.s3.lookup import find_bucket
from kumoi.services.s3.records import buckets
from kumoi.services.s3.tags import bucket_tags, tag_set
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error
from kumoi.wire.xml_shapes import malformed


@s3.operation
async def put_bucket_tagging(
    call: Call,
    Bucket: str,
    Tagging: dict[str, Any] | None = None,
    ContentMD5: str | None = None,
    ChecksumAlgorithm: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> None:
    """Replace the tags of a bucket."""
    if Tagging is None or Tagging.get("TagSet") is None:
        raise malformed()
    await _replace(call.state, Bucket, ExpectedBucketOwner, bucket_tags(Tagging["TagSet"]))


@s3.operation
async def delete_bucket_tagging(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> None:
    """Remove all tags of a bucket."""
    await _replace(call.state, Bucket, ExpectedBucketOwner, {})


@s3.operation
async def get_bucket_tagging(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
    """The tags of a bucket; NoSuchTagSet where it has none."""
    tags = await _tags(call.state, Bucket, ExpectedBucketOwner)
    if not tags:
        raise aws_error("NoSuchTagSet", "The TagSet does not exist", BucketName=Bucket)
    return {"TagSet": tag_set(tags)}


@transactional
async def _replace(tx: Transaction, name: str, expected_owner: str | None, tags: dict[str, str]) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    await buckets.put(tx, msgspec.structs.replace(bucket, tags=tags))


@transactional
async def _tags(tx: Transaction, name: str, expected_owner: str | None) -> dict[str, str]:
    return (await find_bucket(tx, name, expected_owner)).tags
