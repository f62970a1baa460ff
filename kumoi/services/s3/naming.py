"""How a bucket may be named and where it may be made, as pure rules.

Rules: "Bucket naming rules" in the S3 user guide, and CreateBucket in the API reference.
"""

from __future__ import annotations

import re

from kumoi.wire.errors import aws_error

HOME = "us-east-1"
"""The region of S3's global endpoint."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_bucket_name(name: str) -> None:
    """Raise InvalidBucketName for what cannot be the name of a bucket; NotImplemented for a directory bucket's."""
    if name.endswith("--x-s3"):
        raise aws_error("NotImplemented", "Kumoi does not serve directory buckets; docs/s3.md lists what it does.")
    if (
        _NAME.fullmatch(name) is None
        or ".." in name
        or _ADDRESS.fullmatch(name) is not None
        or name.startswith(_RESERVED_STARTS)
        or name.endswith(_RESERVED_ENDS)
    ):
        raise aws_error("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)


def is_region(text: str) -> bool:
    """Whether a text has the form of a region's name."""
    return _REGION.fullmatch(text) is not None


def region_for(constraint: str | None, endpoint: str) -> str:
    """The region of a bucket made at the `endpoint` of a region with a LocationConstraint (None: not given)."""
    if endpoint == HOME:
        if constraint is None:
            return HOME
        if constraint == "EU":
            return "eu-west-1"
        if constraint == HOME or not is_region(constraint):
            raise aws_error(
                "InvalidLocationConstraint",
                "The specified location-constraint is not valid",
                LocationConstraint=constraint,
            )
        return constraint
    if constraint != endpoint:
        named = "unspecified" if constraint is None else constraint
        raise aws_error(
            "IllegalLocationConstraintException",
            f"The {named} location constraint is incompatible for the region specific endpoint this request was"
            " sent to.",
        )
    return endpoint
