"""DeleteObject and DeleteObjects."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import changed, locking, s3
from kumoi.services.s3.access import refused_keys
from kumoi.services.s3.conditions import not_implemented, precondition_failed
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.records import Bucket, current
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.version_ids import NULL
from kumoi.services.s3.versions import add_marker, find, no_such_key, remove, row_key, told_version
from kumoi.services.s3.writing import written_at
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

MAX_OBJECTS = 1000
_BATCH = 100


@s3.operation
async def delete_object(
    call: Call,
    Bucket: str,
    Key: str,
    VersionId: str | None = None,
    BypassGovernanceRetention: bool = False,
    ExpectedBucketOwner: str | None = None,
    IfMatch: str | None = None,
    IfMatchLastModifiedTime: Any = None,
    IfMatchSize: int | None = None,
    MFA: str | None = None,
    RequestPayer: str | None = None,
) -> dict[str, Any]:
    """Remove an object, or lay a delete marker over it; a version by its id goes for good."""
    if IfMatchLastModifiedTime is not None:
        raise not_implemented("x-amz-if-match-last-modified-time")
    if IfMatchSize is not None:
        raise not_implemented("x-amz-if-match-size")
    return await _delete_one(
        call.state, call, Bucket, Key, VersionId, IfMatch, ExpectedBucketOwner, BypassGovernanceRetention
    )


@transactional
async def _delete_one(
    tx: Transaction,
    call: Call,
    name: str,
    key: str,
    version_id: str | None,
    if_match: str | None,
    expected_owner: str | None,
    bypass: bool,
) -> dict[str, Any]:
    bucket = await find_bucket(tx, name, expected_owner)
    _check_bypass(bucket, bypass)
    if version_id is not None and version_id != NULL and not bucket.versioning:
        raise aws_error(
            "InvalidArgument", "Invalid version id specified", ArgumentName="versionId", ArgumentValue=version_id
        )
    return await delete(home(tx, bucket), call, bucket, key, version_id, if_match, bypass=bypass)


def _check_bypass(bucket: Bucket, bypass: bool) -> None:
    if bypass and not bucket.lock:
        raise aws_error(
            "InvalidArgument",
            "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
            ArgumentName="x-amz-bypass-governance-retention",
        )


async def delete(
    tx: Transaction,
    call: Call,
    bucket: Bucket,
    key: str,
    version_id: str | None = None,
    if_match: str | None = None,
    *,
    bypass: bool = False,
) -> dict[str, Any]:
    """Delete in a transaction at the bucket's home; answers DeleteObject's members."""
    row = row_key(key)
    if if_match is not None:
        target = await find(tx, bucket, row, version_id)
        if target is None or target.marker:
            raise no_such_key(key)
        if if_match != "*" and if_match.strip('"') != target.etag:
            raise precondition_failed("If-Match")
    if version_id is None and bucket.versioning:
        marker = await add_marker(tx, call.part(Sequences), bucket, row, key, written_at(tx.now))
        await changed.object_removed(tx, call, bucket, marker, "ObjectRemoved:DeleteMarkerCreated")
        return {"DeleteMarker": True, "VersionId": told_version(bucket, marker)}
    version = await (current.get(tx, bucket.id, row) if version_id is None else find(tx, bucket, row, version_id))
    answer: dict[str, Any] = {}
    if version_id is not None and bucket.versioning:
        answer["VersionId"] = version_id
    if version is None:
        return answer
    locking.check_removal(version.lock, tx.now, bypass=bypass)
    await remove(tx, call.part(Sequences), bucket, row, version)
    await changed.object_removed(tx, call, bucket, version, "ObjectRemoved:Delete")
    if version.marker:
        answer["DeleteMarker"] = True
    return answer


@s3.operation
async def delete_objects(
    call: Call,
    Bucket: str,
    Delete: dict[str, Any] | None = None,
    BypassGovernanceRetention: bool = False,
    ExpectedBucketOwner: str | None = None,
    ChecksumAlgorithm: str | None = None,
    MFA: str | None = None,
    RequestPayer: str | None = None,
) -> dict[str, Any]:
    """Delete up to 1,000 objects; each is answered for itself."""
    if call.http is not None and not any(
        name == "content-md5" or name.startswith(("x-amz-checksum-", "x-amz-trailer"))
        for name in call.http.headers.index
    ):
        raise aws_error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    wanted = (Delete or {}).get("Objects") or []
    if not 1 <= len(wanted) <= MAX_OBJECTS or not all(one.get("Key") for one in wanted):
        raise malformed()
    deleted: list[dict[str, Any]] = []
    refused = await refused_keys(call, Bucket, wanted, bypass=BypassGovernanceRetention)
    errors: list[dict[str, Any]] = [
        {"Key": one["Key"], "VersionId": one.get("VersionId"), "Code": "AccessDenied", "Message": "Access Denied"}
        for one in wanted
        if one["Key"] in refused
    ]
    wanted = [one for one in wanted if one["Key"] not in refused]
    for first in range(0, len(wanted), _BATCH):
        some = wanted[first : first + _BATCH]
        gone, failed = await _delete_some(
            call.state, call, Bucket, some, ExpectedBucketOwner, BypassGovernanceRetention
        )
        deleted += gone
        errors += failed
    answer: dict[str, Any] = {"Errors": errors}
    if not (Delete or {}).get("Quiet"):
        answer["Deleted"] = deleted
    return answer


@transactional
async def _delete_some(
    tx: Transaction,
    call: Call,
    name: str,
    wanted: list[dict[str, Any]],
    expected_owner: str | None,
    bypass: bool,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(what was deleted, what failed), in one transaction."""
    bucket = await find_bucket(tx, name, expected_owner)
    _check_bypass(bucket, bypass)
    tx = home(tx, bucket)
    gone: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for one in wanted:
        key, version_id = one["Key"], one.get("VersionId") or None
        named = {"Key": key} | ({"VersionId": version_id} if version_id is not None else {})
        try:
            done = await _delete_listed(tx, call, bucket, one, version_id, bypass=bypass)
        except AwsError as error:
            failed.append({**named, "Code": error.code, "Message": error.message})
        else:
            if done.get("DeleteMarker"):
                named |= {"DeleteMarker": True, "DeleteMarkerVersionId": done["VersionId"]}
            gone.append(named)
    return gone, failed


async def _delete_listed(
    tx: Transaction, call: Call, bucket: Bucket, one: dict[str, Any], version_id: str | None, *, bypass: bool
) -> dict[str, Any]:
    for member, header in (("LastModifiedTime", "LastModifiedTime"), ("Size", "Size")):
        if one.get(member) is not None:
            raise not_implemented(header)
    key: str = one["Key"]
    if version_id is not None and version_id != NULL:
        missing = aws_error("NoSuchVersion", "The specified version does not exist.")
        try:
            if await find(tx, bucket, row_key(key), version_id) is None:
                raise missing
        except AwsError as error:
            raise missing from error
    return await delete(tx, call, bucket, key, version_id, one.get("ETag"), bypass=bypass)
