"""Which permissions S3's calls need: many operations are an action of another name, on a bucket or on an object.

Source: "Actions, resources, and condition keys for Amazon S3" of the service authorization reference, and "Required
permissions for Amazon S3 API operations" of the S3 user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import PASS_ROLE, no_permission, pass_role
from kumoi.names import partition_of
from kumoi.services.s3 import copy_source, policies
from kumoi.services.s3.acl_policies import policies_for
from kumoi.services.s3.actions import ACTIONS
from kumoi.services.s3.kinds import block_of
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.settings import settings_of
from kumoi.services.s3.tags import header_tags
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


def resource(call: Call) -> str:
    """The object that a call names, else the bucket."""
    params = call.params
    key = params.get("Key")
    return arn(call, params.get("Bucket", ""), key if isinstance(key, str) else None)


def arn(call: Call, bucket: str, key: str | None = None) -> str:
    """The ARN of a bucket or object: S3's have neither region nor account."""
    return f"arn:{partition_of(call.region)}:s3:::{bucket}" + ("" if key is None else f"/{key}")


_GRANTS = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_WITH_PUT = (
    ("Tagging", "PutObjectTagging"),
    ("ObjectLockRetainUntilDate", "PutObjectRetention"),
    ("ObjectLockLegalHoldStatus", "PutObjectLegalHold"),
)
"""Members of a write that need a permission beside that to write."""


_ROOTS = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
"""What no bucket policy can take from the root of the bucket's account."""


def _of_version(call: Call) -> Iterator[Ask]:
    """`GetObjectVersion` where a version is named, `GetObject` where none is."""
    action = AUTHORIZATION.action("GetObject" if call.operation == "HeadObject" else call.operation)
    if call.params.get("VersionId"):
        action = action.replace("Object", "ObjectVersion", 1)
    yield Ask(action, resource(call))
    if call.params.get("BypassGovernanceRetention"):
        yield Ask("s3:BypassGovernanceRetention", resource(call))


def _retention(call: Call) -> Iterator[Ask]:
    yield Ask("s3:PutObjectRetention", resource(call))
    if call.params.get("BypassGovernanceRetention"):
        yield Ask("s3:BypassGovernanceRetention", resource(call))


def _attributes(call: Call) -> Iterator[Ask]:
    version = "Version" if call.params.get("VersionId") else ""
    yield Ask(f"s3:GetObject{version}", resource(call))
    yield Ask(f"s3:GetObject{version}Attributes", resource(call))


def _put(call: Call) -> Iterator[Ask]:
    yield Ask("s3:PutObject", resource(call))
    if any(call.params.get(member) for member in _GRANTS):
        yield Ask("s3:PutObjectAcl", resource(call))
    for member, action in _WITH_PUT:
        if call.params.get(member):
            yield Ask(f"s3:{action}", resource(call))


def _copy(call: Call) -> Iterator[Ask]:
    """Reading the source, and writing the copy."""
    with suppress(AwsError):
        source = copy_source.parse(call.params.get("CopySource", ""))
        yield Ask(f"s3:GetObject{'Version' if source.version_id else ''}", arn(call, source.bucket, source.key))
    yield from _put(call)


def _replicate(call: Call) -> Iterator[Ask]:
    """Reading a version for replication, and laying its replica (a call of S3's own, in the configuration's role)."""
    params = call.params
    source = params.get("Source", "")
    original = arn(call, source, params.get("Key", ""))
    yield Ask("s3:GetReplicationConfiguration", arn(call, source))
    if params.get("Marker"):
        yield Ask("s3:ReplicateDelete", resource(call))
        return
    yield Ask("s3:GetObjectVersionForReplication", original)
    yield Ask("s3:GetObjectVersionAcl", original)
    yield Ask("s3:ReplicateObject", resource(call))
    if params.get("Tagged"):
        yield Ask("s3:GetObjectVersionTagging", original)
        yield Ask("s3:ReplicateTags", resource(call))
    if params.get("OwnerOverride"):
        yield Ask("s3:ObjectOwnerOverrideToBucketOwner", resource(call))


def _put_replication(call: Call) -> Iterator[Ask]:
    yield Ask("s3:PutReplicationConfiguration", resource(call))
    content: Any = call.params.get("ReplicationConfiguration")
    yield from pass_role(call, content.get("Role") if isinstance(content, dict) else None, "s3.amazonaws.com")


def _everywhere(call: Call) -> Iterable[Ask]:
    return (Ask("s3:ListAllMyBuckets", "*"),)


_KEYS = (
    ("Prefix", "s3:prefix"),
    ("Delimiter", "s3:delimiter"),
    ("MaxKeys", "s3:max-keys"),
    ("VersionId", "s3:versionid"),
    ("ACL", "s3:x-amz-acl"),
    ("ServerSideEncryption", "s3:x-amz-server-side-encryption"),
    ("SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"),
    ("StorageClass", "s3:x-amz-storage-class"),
    ("CopySource", "s3:x-amz-copy-source"),
    ("MetadataDirective", "s3:x-amz-metadata-directive"),
    ("GrantRead", "s3:x-amz-grant-read"),
    ("GrantWrite", "s3:x-amz-grant-write"),
    ("GrantReadACP", "s3:x-amz-grant-read-acp"),
    ("GrantWriteACP", "s3:x-amz-grant-write-acp"),
    ("GrantFullControl", "s3:x-amz-grant-full-control"),
    ("WebsiteRedirectLocation", "s3:x-amz-website-redirect-location"),
    ("ObjectLockMode", "s3:object-lock-mode"),
    ("ObjectLockLegalHoldStatus", "s3:object-lock-legal-hold"),
)


def context(call: Call) -> dict[str, Sequence[str]]:
    """S3's own condition keys."""
    params = call.params
    keys: dict[str, Sequence[str]] = {key: (str(params[member]),) for member, key in _KEYS if member in params}
    constraint: Any = params.get("CreateBucketConfiguration")
    if isinstance(constraint, dict) and "LocationConstraint" in constraint:
        keys["s3:locationconstraint"] = (str(constraint["LocationConstraint"]),)
    tagging = params.get("Tagging")
    if isinstance(tagging, str):
        with suppress(AwsError):
            tags = header_tags(tagging)
            keys["s3:requestobjecttagkeys"] = tuple(tags)
            keys.update({f"s3:requestobjecttag/{name.lower()}": (value,) for name, value in tags.items()})
    return keys


async def owned(call: Call, ask: Ask) -> Owned:
    """Whose a bucket or object is, and what its policy and access control lists say; raises NoSuchBucket.

    A public policy of a bucket that restricts such ones counts within the bucket's account.
    """
    if ask.action == PASS_ROLE:
        return Owned(call.account)
    bucket, _, key = ask.resource.partition(":::")[2].partition("/")
    if not bucket:
        return Owned("")
    return await _side(call.doorway.state, call, ask, bucket, key)


@transactional
async def _side(tx: Transaction, call: Call, ask: Ask, name: str, key: str) -> Owned:
    if ask.action == "s3:CreateBucket":
        return Owned("")
    bucket = await find_bucket(tx, name)
    tx, caller = home(tx, bucket), call.caller
    if ask.action in _ROOTS and caller.is_root and caller.account == bucket.account:
        return Owned(bucket.account)  # whoever locks themselves out can take the policy away
    known = "" if caller.is_anonymous or caller.is_service else caller.account
    owner, found = await policies_for(tx, bucket, ask.action, key, _version_id(call, ask), known)
    text = (await settings_of(tx, bucket)).get("Policy")
    if text is not None and owner == bucket.account:
        restricts = policies.is_public(text) and (await block_of(tx, bucket))["RestrictPublicBuckets"]
        if not restricts or (known == bucket.account and not caller.is_anonymous):
            found.append(policies.compiled(text))
    return Owned(owner, found)


def _version_id(call: Call, ask: Ask) -> str | None:
    """The version that a permission is asked on: the one a request names, or the source of a copy."""
    if "CopySource" in call.params and ask.action.startswith("s3:GetObject"):
        with suppress(AwsError):
            return copy_source.parse(call.params["CopySource"]).version_id
    found = call.params.get("VersionId")
    return found if isinstance(found, str) else None


AUTHORIZATION = Authorization(
    "s3",
    resource=resource,
    actions=ACTIONS,
    asks={
        "ListBuckets": _everywhere,
        "GetObjectAttributes": _attributes,
        "PutObject": _put,
        "PutBucketReplication": _put_replication,
        "ReplicateObject": _replicate,
        "PutObjectRetention": _retention,
        "CreateMultipartUpload": _put,
        "CopyObject": _copy,
        "UploadPartCopy": _copy,
        "DeleteObjects": no_permission,  # asked for each key, and refused for each (`access.refused_keys`)
        **dict.fromkeys(
            (
                *("GetObject", "HeadObject", "DeleteObject", "GetObjectAcl", "PutObjectAcl"),
                *("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"),
            ),
            _of_version,
        ),
    },
    context=context,
    policy=owned,
    error="AccessDenied",
)
