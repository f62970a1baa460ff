"""CloudFront's names: ids, versions (ETags), domain names, ARNs, and where a new thing is found."""

from __future__ import annotations

import secrets
import string

from kumoi.names import arn

REGION = "us-east-1"
"""Where CloudFront's control plane, and all that belongs to no region, is at home."""

_UPPER = string.ascii_uppercase + string.digits
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def new_id(prefix: str = "E") -> str:
    """An id (or a version) as CloudFront makes them."""
    return prefix + "".join(secrets.choice(_UPPER) for _ in range(13))


def new_label() -> str:
    """The first part of a distribution's domain name."""
    return "d" + "".join(secrets.choice(_BASE32) for _ in range(13))


def cloudfront_arn(account: str, resource: str) -> str:
    """The ARN of a thing of CloudFront's."""
    return arn("cloudfront", "", account, resource)


def location(path: str) -> str:
    """The Location of what was created."""
    return f"https://cloudfront.amazonaws.com/2020-05-31/{path}"
