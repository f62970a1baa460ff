"""Access control lists as policies, so that one engine weighs them with all others.

Each permission of a list stands for actions. What a list grants a group it grants its members themselves; what it
grants a canonical user it grants the account, whose own policies say to whom. Rules: "Mapping of ACL permissions and
access policy permissions" in the S3 user guide.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import orjson

from kumoi.policy import Policy, compile_policy
from kumoi.services.s3 import acls, ownership
from kumoi.services.s3.lookup import canonical_id
from kumoi.services.s3.records import Bucket, Grant, row_text
from kumoi.services.s3.versions import find
from kumoi.state import Transaction
from kumoi.wire.errors import AwsError

_ON_BUCKETS = {
    "READ": ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"),
    "WRITE": ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    "READ_ACP": ("s3:GetBucketAcl",),
    "WRITE_ACP": ("s3:PutBucketAcl",),
}
_ON_OBJECTS = {
    "READ": ("s3:GetObject", "s3:GetObjectVersion"),
    "WRITE": (),
    "READ_ACP": ("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
    "WRITE_ACP": ("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
}
_OF_THE_BUCKET = frozenset(action for actions in _ON_BUCKETS.values() for action in actions)
_OF_AN_OBJECT = frozenset(action for actions in _ON_OBJECTS.values() for action in actions)


async def policies_for(
    tx: Transaction, bucket: Bucket, action: str, key: str, version_id: str | None, account: str
) -> tuple[str, list[Policy]]:
    """(the account that owns what an action is on, what lists grant the caller there, as policies).

    It is on the bucket or, with a `key`, on an object of it. `account` is the caller's, empty for nobody in particular.
    The transaction is bound to the bucket's home.
    """
    owner, actions, needed = bucket.account, _ON_BUCKETS, action
    if action in _OF_THE_BUCKET:
        grants = await ownership.bucket_grants(tx, bucket)
    elif action in _OF_AN_OBJECT and key:
        try:
            version = await find(tx, bucket, row_text(key), version_id)
        except AwsError:  # what is no version id is the operation's to tell
            version = None
        if version is None or version.marker:
            needed = "s3:ListBucket"  # whoever sees the keys may be told that there is no such one
            grants = await ownership.bucket_grants(tx, bucket)
        else:
            owner, actions = await ownership.owner_of(tx, bucket, version), _ON_OBJECTS
            grants = await ownership.object_grants(tx, bucket, version)
    else:
        return owner, []
    effective = await ownership.effective(tx, bucket, grants)
    for_all, for_account = _permissions(effective, account)
    found = []
    if any(needed in actions[permission] for permission in for_all):
        found.append(_policy(action, "*"))
    if any(needed in actions[permission] for permission in for_account):
        found.append(_policy(action, account))
    return owner, found


def _permissions(grants: Iterable[Grant], account: str) -> tuple[set[str], set[str]]:
    """(permissions of everybody like the caller, permissions of the caller's account)."""
    groups = acls.PUBLIC if account else {acls.ALL_USERS}
    owner = canonical_id(account) if account else None
    for_all = {grant.permission for grant in grants if grant.grantee in groups}
    for_account = {grant.permission for grant in grants if grant.grantee == owner}
    return _spelled(for_all), _spelled(for_account)


def _spelled(permissions: set[str]) -> set[str]:
    return set(_ON_BUCKETS) if "FULL_CONTROL" in permissions else permissions


@lru_cache(256)
def _policy(action: str, principal: str) -> Policy:
    """The policy that allows an action to everybody, or to an account."""
    statement = {
        "Sid": "AccessControlList",
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": principal},
        "Action": action,
        "Resource": "*",
    }
    document = orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()
    return compile_policy(document, "resource", "access control list")
