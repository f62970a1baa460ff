"""Access control lists of buckets and objects: GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import acls, changed, ownership, s3
from kumoi.services.s3.lookup import canonical_id, find_bucket, home
from kumoi.services.s3.records import Grant
from kumoi.services.s3.versions import find_object, rewrite
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@s3.operation
async def get_bucket_acl(call: Call, Bucket: str, ExpectedBucketOwner: str | None = None) -> dict[str, Any]:
    """The grants on a bucket."""
    return await _of_bucket(call.state, Bucket, ExpectedBucketOwner)


@transactional
async def _of_bucket(tx: Transaction, name: str, expected_owner: str | None) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, expected_owner)
    return acls.told(canonical_id(bucket.account), await ownership.bucket_grants(home(tx, bucket), bucket))


@s3.operation
async def put_bucket_acl(call: Call, Bucket: str, **members: Any) -> None:
    """Replace the grants on a bucket."""
    _check_ways(members)
    await _put_bucket(call.state, Bucket, members)


@transactional
async def _put_bucket(tx: Transaction, name: str, members: dict[str, Any]) -> None:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    if await ownership.check_changeable(tx, bucket, members):
        owner = canonical_id(bucket.account)
        grants = _granted(members, owner, owner)
        await ownership.check_public(tx, bucket, grants)
        await ownership.put_bucket_grants(tx, bucket, grants)


@s3.operation
async def get_object_acl(
    call: Call,
    Bucket: str,
    Key: str,
    VersionId: str | None = None,
    RequestPayer: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> dict[str, Any]:
    """The grants on an object."""
    return await _of_object(call.state, Bucket, Key, VersionId, ExpectedBucketOwner)


@transactional
async def _of_object(
    tx: Transaction, name: str, key: str, version_id: str | None, expected_owner: str | None
) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    version = await find_object(tx, bucket, key, version_id, "GET", refuse_marker=True)
    owner = await ownership.owner_of(tx, bucket, version)
    return acls.told(canonical_id(owner), await ownership.object_grants(tx, bucket, version))


@s3.operation
async def put_object_acl(
    call: Call, Bucket: str, Key: str, VersionId: str | None = None, **members: Any
) -> dict[str, Any]:
    """Replace the grants on an object."""
    _check_ways(members)
    await _put_object(call.state, call, Bucket, Key, VersionId, members)
    return {}


@transactional
async def _put_object(
    tx: Transaction, call: Call, name: str, key: str, version_id: str | None, members: dict[str, Any]
) -> None:
    bucket = await find_bucket(tx, name, members.get("ExpectedBucketOwner"))
    tx = home(tx, bucket)
    version = await find_object(tx, bucket, key, version_id, "PUT", refuse_marker=True)
    if await ownership.check_changeable(tx, bucket, members):
        owner = canonical_id(await ownership.owner_of(tx, bucket, version))
        grants = _granted(members, owner, canonical_id(bucket.account))
        await ownership.check_public(tx, bucket, grants)
        version = await rewrite(tx, version, acl=grants)
        await changed.object_altered(tx, call, bucket, version, "ObjectAcl:Put")


def _check_ways(members: dict[str, Any]) -> None:
    """A list comes in one way: a document, a canned one, or grants in headers; raises for none or several."""
    in_headers = members.get("ACL") is not None or any(members.get(member) is not None for member in acls.HEADERS)
    if members.get("AccessControlPolicy") is None:
        if not in_headers:
            raise aws_error(
                "MissingSecurityHeader", "Your request was missing a required header", MissingHeaderName="x-amz-acl"
            )
    elif in_headers:
        raise aws_error("UnexpectedContent", "This request does not support content")


def _granted(members: dict[str, Any], owner: str, bucket_owner: str) -> tuple[Grant, ...]:
    document = members.get("AccessControlPolicy")
    if document is not None:
        return acls.of_document(document, owner)
    return acls.of_members(members, owner, bucket_owner) or ()
