"""Conditional requests: whether a read, a write, a delete or a copy may go on, as pure rules.

ETags are compared with or without quotes, dates to the second. Rules: "Conditional requests" in the S3 user guide, and
recorded answers of the service.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import formatdate

from kumoi.services.s3.records import ObjectVersion
from kumoi.wire.errors import AwsError, aws_error

CONDITIONS = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
"""The members of a read's conditions, in the order in which `check_read` takes them."""

_FAILED = "At least one of the pre-conditions you specified did not hold"
_NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented"


def precondition_failed(condition: str) -> AwsError:
    """PreconditionFailed for the header that did not hold."""
    return aws_error("PreconditionFailed", _FAILED, Condition=condition)


def not_implemented(header: str, additional: str | None = None) -> AwsError:
    """NotImplemented for a header, or a value of one, that S3 does not take here."""
    return aws_error("NotImplemented", _NOT_IMPLEMENTED, Header=header, additionalMessage=additional)


def matches(condition: str, etag: str) -> bool:
    """Whether an ETag (without quotes) is among those of an If-Match or If-None-Match."""
    return any(
        one in ("*", etag) for one in (part.strip().removeprefix("W/").strip('"') for part in condition.split(","))
    )


def check_read(
    version: ObjectVersion,
    now: float,
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_modified_since: datetime | None = None,
    if_unmodified_since: datetime | None = None,
) -> None:
    """Raise PreconditionFailed or NotModified where a GET or HEAD must not go on."""
    if if_match is not None:
        if not matches(if_match, version.etag):
            raise precondition_failed("If-Match")
    elif if_unmodified_since is not None and version.modified > int(if_unmodified_since.timestamp()):
        raise precondition_failed("If-Unmodified-Since")
    if if_none_match is not None:
        if matches(if_none_match, version.etag):
            raise _not_modified(version)
    elif if_modified_since is not None and version.modified <= int(if_modified_since.timestamp()) <= now + 1:
        raise _not_modified(version)


def check_copy_source(
    version: ObjectVersion,
    now: float,
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_modified_since: datetime | None = None,
    if_unmodified_since: datetime | None = None,
) -> None:
    """Raise PreconditionFailed where a copy must not go on: a source is never answered with 304."""
    if if_match is not None:
        if not matches(if_match, version.etag):
            raise precondition_failed("x-amz-copy-source-If-Match")
    elif if_unmodified_since is not None and version.modified > int(if_unmodified_since.timestamp()):
        raise precondition_failed("x-amz-copy-source-If-Unmodified-Since")
    if if_none_match is not None and matches(if_none_match, version.etag):
        raise precondition_failed("x-amz-copy-source-If-None-Match")
    if if_modified_since is not None and version.modified <= int(if_modified_since.timestamp()) <= now + 1:
        raise precondition_failed("x-amz-copy-source-If-Modified-Since")


def check_write_headers(if_match: str | None, if_none_match: str | None) -> None:
    """Raise NotImplemented for values of the two headers that S3 does not take with a write."""
    if if_match is not None and if_none_match is not None:
        raise not_implemented("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    if if_none_match is not None and if_none_match != "*":
        raise not_implemented(
            "If-None-Match", "We don't accept the provided value of If-None-Match header for this API"
        )
    if if_match == "*":
        raise not_implemented("If-Match", "We don't accept the provided value of If-Match header for this API")


def check_write(key: str, existing: ObjectVersion | None, if_match: str | None, if_none_match: str | None) -> None:
    """Raise PreconditionFailed or NoSuchKey where a write over `existing` (None, or a delete marker) must not go on."""
    etag = existing.etag if existing is not None and not existing.marker else None
    if if_none_match is not None and etag is not None:
        raise precondition_failed("If-None-Match")
    if if_match is not None:
        if etag is None:
            raise aws_error("NoSuchKey", "The specified key does not exist.", Key=key)
        if if_match.strip('"') != etag:
            raise precondition_failed("If-Match")


def _not_modified(version: ObjectVersion) -> AwsError:
    return aws_error("NotModified", "Not Modified").with_headers(
        ("ETag", f'"{version.etag}"'), ("Last-Modified", formatdate(version.modified, usegmt=True))
    )
