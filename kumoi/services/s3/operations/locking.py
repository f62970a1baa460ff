"""Object Lock: the bucket's configuration, and retention and legal hold of versions."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.s3 import changed, locking, s3
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.records import Bucket, Lock, ObjectVersion, buckets
from kumoi.services.s3.versions import find_object, rewrite
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.xml_shapes import malformed

MODES = ("GOVERNANCE", "COMPLIANCE")


@s3.operation
async def put_object_lock_configuration(
    call: Call,
    Bucket: str,
    ObjectLockConfiguration: dict[str, Any] | None = None,
    RequestPayer: str | None = None,
    Token: str | None = None,
    ContentMD5: str | None = None,
    ChecksumAlgorithm: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> dict[str, Any]:
    """Turn Object Lock on, and set or clear the bucket's default retention."""
    if ObjectLockConfiguration is None or ObjectLockConfiguration.get("ObjectLockEnabled") != "Enabled":
        raise malformed()
    rule = ObjectLockConfiguration.get("Rule")
    retention = None if rule is None else _retention(rule.get("DefaultRetention") or {})
    await _configure(call.state, Bucket, ExpectedBucketOwner, retention)
    return {}


def _retention(given: dict[str, Any]) -> tuple[str, int, int]:
    mode, days, years = given.get("Mode"), given.get("Days"), given.get("Years")
    if mode not in MODES or (days is None) == (years is None):
        raise malformed()
    if (days or years or 0) <= 0:
        raise aws_error("InvalidArgument", "Default retention period must be a positive integer value.")
    return mode, days or 0, years or 0


@transactional
async def _configure(
    tx: Transaction, name: str, expected_owner: str | None, retention: tuple[str, int, int] | None
) -> None:
    bucket = await find_bucket(tx, name, expected_owner)
    if bucket.versioning != "Enabled":
        raise aws_error(
            "InvalidBucketState",
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        )
    await buckets.put(tx, msgspec.structs.replace(bucket, lock=True, retention=retention))


@s3.operation
async def get_object_lock_configuration(
    call: Call, Bucket: str, ExpectedBucketOwner: str | None = None
) -> dict[str, Any]:
    """Whether Object Lock is on, with the default retention."""
    bucket = await _bucket(call.state, Bucket, ExpectedBucketOwner)
    if not bucket.lock:
        raise aws_error(
            "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"
        )
    configuration: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if bucket.retention is not None:
        mode, days, years = bucket.retention
        configuration["Rule"] = {"DefaultRetention": {"Mode": mode} | ({"Days": days} if days else {"Years": years})}
    return {"ObjectLockConfiguration": configuration}


@transactional
async def _bucket(tx: Transaction, name: str, expected_owner: str | None) -> Bucket:
    return await find_bucket(tx, name, expected_owner)


@s3.operation
async def put_object_retention(
    call: Call,
    Bucket: str,
    Key: str,
    Retention: dict[str, Any] | None = None,
    RequestPayer: str | None = None,
    VersionId: str | None = None,
    BypassGovernanceRetention: bool = False,
    ContentMD5: str | None = None,
    ChecksumAlgorithm: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> dict[str, Any]:
    """Set, extend or clear the retention of a version."""
    if Retention is None:
        raise malformed()
    mode, until = Retention.get("Mode"), Retention.get("RetainUntilDate")
    if (mode is None) != (until is None) or (mode is not None and mode not in MODES):
        raise malformed()
    moment = 0.0 if mode is None or until is None else locking.retain_until(mode, until, call.now)
    await _lock(
        call.state,
        call,
        (Bucket, Key, VersionId, ExpectedBucketOwner),
        {"mode": mode or "", "until": moment},
        BypassGovernanceRetention,
    )
    return {}


@s3.operation
async def put_object_legal_hold(
    call: Call,
    Bucket: str,
    Key: str,
    LegalHold: dict[str, Any] | None = None,
    RequestPayer: str | None = None,
    VersionId: str | None = None,
    ContentMD5: str | None = None,
    ChecksumAlgorithm: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> dict[str, Any]:
    """Lay a legal hold on a version, or lift it."""
    status = (LegalHold or {}).get("Status")
    if status not in ("ON", "OFF"):
        raise malformed()
    await _lock(call.state, call, (Bucket, Key, VersionId, ExpectedBucketOwner), {"legal_hold": status}, True)
    return {}


@transactional
async def _lock(
    tx: Transaction,
    call: Call,
    named: tuple[str, str, str | None, str | None],
    changes: dict[str, Any],
    bypass: bool,
) -> None:
    bucket, version = await _lockable(tx, *named, "PUT")
    tx = home(tx, bucket)
    lock = msgspec.structs.replace(version.lock, **changes)
    if "mode" in changes:
        locking.check_change(version.lock, lock, tx.now, bypass=bypass)
    version = await rewrite(tx, version, lock=lock)
    event = "ObjectRetention:Put" if "mode" in changes else None
    await changed.object_altered(tx, call, bucket, version, event)


@s3.operation
async def get_object_retention(
    call: Call,
    Bucket: str,
    Key: str,
    VersionId: str | None = None,
    RequestPayer: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> dict[str, Any]:
    """The retention of a version."""
    lock = await _locked(call.state, Bucket, Key, VersionId, ExpectedBucketOwner)
    if not lock.mode:
        raise _never_set()
    return {"Retention": {"Mode": lock.mode, "RetainUntilDate": lock.until}}


@s3.operation
async def get_object_legal_hold(
    call: Call,
    Bucket: str,
    Key: str,
    VersionId: str | None = None,
    RequestPayer: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> dict[str, Any]:
    """The legal hold of a version."""
    lock = await _locked(call.state, Bucket, Key, VersionId, ExpectedBucketOwner)
    if not lock.legal_hold:
        raise _never_set()
    return {"LegalHold": {"Status": lock.legal_hold}}


def _never_set() -> AwsError:
    return aws_error("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")


@transactional
async def _locked(tx: Transaction, name: str, key: str, version_id: str | None, expected_owner: str | None) -> Lock:
    return (await _lockable(tx, name, key, version_id, expected_owner, "GET"))[1].lock


async def _lockable(
    tx: Transaction, name: str, key: str, version_id: str | None, expected_owner: str | None, method: str
) -> tuple[Bucket, ObjectVersion]:
    bucket = await find_bucket(tx, name, expected_owner)
    if not bucket.lock:
        raise locking.not_lockable()
    return bucket, await find_object(home(tx, bucket), bucket, key, version_id, method, refuse_marker=True)
