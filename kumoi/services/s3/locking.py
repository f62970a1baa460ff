"""Object Lock: retention and legal hold of versions, as pure rules.

Rules: "Locking objects with Object Lock" in the S3 user guide, and recorded errors.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kumoi.services.s3.records import NO_LOCK, Bucket, Lock
from kumoi.wire.errors import AwsError, aws_error

_DAY = 86_400
REQUESTING = frozenset({"ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"})
"""The members that say how a version is to be locked."""


def protected() -> AwsError:
    """AccessDenied: the version is locked."""
    return aws_error("AccessDenied", "Access Denied because object protected by object lock.")


def not_lockable() -> AwsError:
    """InvalidRequest: the bucket has no Object Lock."""
    return aws_error("InvalidRequest", "Bucket is missing Object Lock Configuration")


def requested(bucket: Bucket, members: dict[str, Any], now: float) -> Lock:
    """The lock of a version to be written: what the request says, else the bucket's default."""
    if REQUESTING.isdisjoint(members):
        return default(bucket, now)
    mode, until = members.get("ObjectLockMode"), members.get("ObjectLockRetainUntilDate")
    hold = members.get("ObjectLockLegalHoldStatus")
    if mode is None and until is None and hold is None:
        return default(bucket, now)
    if not bucket.lock:
        raise not_lockable()
    if (mode is None) != (until is None):
        missing = "x-amz-object-lock-mode" if mode is None else "x-amz-object-lock-retain-until-date"
        raise aws_error(
            "InvalidArgument",
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            ArgumentName=missing,
        )
    lock = default(bucket, now) if mode is None else NO_LOCK
    if mode is not None and until is not None:
        lock = Lock(mode, retain_until(mode, until, now))
    if hold not in (None, "ON", "OFF"):
        raise aws_error(
            "InvalidArgument",
            "Legal Hold must be either of 'ON' or 'OFF'",
            ArgumentValue=hold,
            ArgumentName="x-amz-object-lock-legal-hold",
        )
    return Lock(lock.mode, lock.until, hold or "")


def default(bucket: Bucket, now: float) -> Lock:
    """The lock of a version that says nothing of one."""
    if bucket.retention is None:
        return NO_LOCK
    mode, days, years = bucket.retention
    return Lock(mode, now + (days + 365 * years) * _DAY)


def retain_until(mode: str, until: datetime, now: float) -> float:
    """The moment until which a version is retained; raises InvalidArgument for a mode or a moment that is none."""
    if mode not in ("GOVERNANCE", "COMPLIANCE"):
        raise aws_error(
            "InvalidArgument", "Unknown wormMode directive.", ArgumentName="x-amz-object-lock-mode", ArgumentValue=mode
        )
    moment = until.timestamp()
    if moment <= now:
        raise aws_error(
            "InvalidArgument",
            "The retain until date must be in the future!",
            ArgumentName="RetainUntilDate",
            ArgumentValue=until.strftime("%a %b %d %H:%M:%S UTC %Y"),
        )
    return moment


def check_change(old: Lock, new: Lock, now: float, *, bypass: bool) -> None:
    """Raise AccessDenied for a change of retention that the present one forbids: extending it is always allowed."""
    if not old.mode or old.until <= now:
        return
    extended = new.until >= old.until and (new.mode == old.mode or new.mode == "COMPLIANCE")
    if not extended and not (bypass and old.mode == "GOVERNANCE"):
        raise protected()


def check_removal(lock: Lock, now: float, *, bypass: bool) -> None:
    """Raise AccessDenied where a version must not be removed."""
    if lock.legal_hold == "ON":
        raise protected()
    if lock.mode and lock.until > now and not (bypass and lock.mode == "GOVERNANCE"):
        raise protected()


def is_retained(lock: Lock, now: float) -> bool:
    """Whether a version must not be removed by anybody who has no right to."""
    return lock.legal_hold == "ON" or bool(lock.mode and lock.until > now)


def told(lock: Lock) -> dict[str, Any]:
    """An answer's members about the lock."""
    members: dict[str, Any] = {}
    if lock.mode:
        members |= {"ObjectLockMode": lock.mode, "ObjectLockRetainUntilDate": lock.until}
    if lock.legal_hold:
        members["ObjectLockLegalHoldStatus"] = lock.legal_hold
    return members
