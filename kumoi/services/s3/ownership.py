"""Whose an object is, and which list of grants it has: what a bucket's object ownership makes of a writer's wishes.

Transactions are bound to the bucket's home. Rules: "Controlling ownership of objects" and "Blocking public access" in
the S3 user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.s3 import acls
from kumoi.services.s3.kinds import ENFORCED, block_of, ownership_of
from kumoi.services.s3.lookup import canonical_id
from kumoi.services.s3.records import Bucket, Grant, ObjectVersion
from kumoi.services.s3.settings import configure, settings_of
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error

_NOTHING_NEW = (None, "private", "bucket-owner-full-control")
REQUESTING = frozenset(("ACL", *acls.HEADERS))
"""The members that say who may have access to an object."""


async def owned(tx: Transaction, bucket: Bucket, members: Mapping[str, Any], writer: str) -> dict[str, Any]:
    """The fields of a version about whose it is, by a request of the account `writer`.

    Raises AccessControlListNotSupported, or AccessDenied for a public list where those are blocked.
    """
    given = not REQUESTING.isdisjoint(members) and any(members.get(member) is not None for member in REQUESTING)
    if not given and writer == bucket.account:
        return {"acl": None, "owner": ""}
    preferred = await _check_enforced(tx, bucket, members)
    if preferred is None:
        return {"acl": None, "owner": ""}
    bucket_owner = canonical_id(bucket.account)
    takes_over = preferred and members.get("ACL") == "bucket-owner-full-control"
    owner = bucket.account if takes_over else writer
    grants = acls.of_members(members, canonical_id(owner), bucket_owner)
    if grants is not None:
        await check_public(tx, bucket, grants)
    return {"acl": grants, "owner": "" if owner == bucket.account else owner}


async def _check_enforced(tx: Transaction, bucket: Bucket, members: Mapping[str, Any]) -> bool | None:
    """Whether the bucket's owner is preferred; None where objects are the bucket owner's, whoever writes them."""
    ownership = await ownership_of(tx, bucket)
    if ownership != ENFORCED:
        return ownership == "BucketOwnerPreferred"
    acls.of_members(members, "", "")  # what is no list is told first
    if members.get("ACL") not in _NOTHING_NEW or any(members.get(member) is not None for member in acls.HEADERS):
        raise aws_error("AccessControlListNotSupported", "The bucket does not allow ACLs")
    return None


async def check_changeable(tx: Transaction, bucket: Bucket, members: Mapping[str, Any]) -> bool:
    """Whether lists count in a bucket; raises AccessControlListNotSupported for one that says anything."""
    if members.get("AccessControlPolicy") is not None and await ownership_of(tx, bucket) == ENFORCED:
        raise aws_error("AccessControlListNotSupported", "The bucket does not allow ACLs")
    return await _check_enforced(tx, bucket, members) is not None


async def check_public(tx: Transaction, bucket: Bucket, grants: tuple[Grant, ...]) -> None:
    """Raise AccessDenied for a public list in a bucket that blocks them."""
    if acls.is_public(grants) and (await block_of(tx, bucket))["BlockPublicAcls"]:
        raise aws_error("AccessDenied", "Access Denied")


async def made(tx: Transaction, bucket: Bucket, settings: Mapping[str, Any]) -> None:
    """Keep what CreateBucket says of ownership and grants; raises what does not go together with the defaults."""
    ownership = settings.get("ObjectOwnership")
    if ownership is not None:
        await configure(tx, bucket, "OwnershipControls", {"Rules": [{"ObjectOwnership": ownership}]})
    owner = canonical_id(bucket.account)
    grants = acls.of_members(settings, owner, owner)
    if grants is None or grants == acls.owned_by(owner):
        return
    if ownership in (None, ENFORCED):
        raise aws_error(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
            BucketName=bucket.name,
        )
    if acls.is_public(grants):
        raise aws_error(
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
            BucketName=bucket.name,
        )
    await put_bucket_grants(tx, bucket, grants)


async def put_bucket_grants(tx: Transaction, bucket: Bucket, grants: tuple[Grant, ...]) -> None:
    """Store a bucket's list."""
    await configure(tx, bucket, "Acl", [[grant.grantee, grant.permission] for grant in grants])


async def bucket_grants(tx: Transaction, bucket: Bucket) -> tuple[Grant, ...]:
    """A bucket's list; its owner's alone where lists do not count."""
    stored = (await settings_of(tx, bucket)).get("Acl")
    if stored is None or await ownership_of(tx, bucket) == ENFORCED:
        return acls.owned_by(canonical_id(bucket.account))
    return tuple(Grant(grantee, permission) for grantee, permission in stored)


async def owner_of(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> str:
    """The account that owns an object."""
    return version.owner if version.owner and await ownership_of(tx, bucket) != ENFORCED else bucket.account


async def object_grants(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> tuple[Grant, ...]:
    """An object's list; its owner's alone where lists do not count."""
    owner = await owner_of(tx, bucket, version)
    if version.acl is None or await ownership_of(tx, bucket) == ENFORCED:
        return acls.owned_by(canonical_id(owner))
    return version.acl


async def effective(tx: Transaction, bucket: Bucket, grants: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """The grants of a list that count: no public ones where the bucket ignores them."""
    if acls.is_public(grants) and (await block_of(tx, bucket))["IgnorePublicAcls"]:
        return tuple(grant for grant in grants if grant.grantee not in acls.PUBLIC)
    return grants
