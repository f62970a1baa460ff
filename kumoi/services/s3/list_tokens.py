"""Continuation tokens of listings: the last item of a page, sealed for its bucket."""

from __future__ import annotations

import base64
import hashlib
import hmac

from kumoi.services.s3.records import Bucket
from kumoi.wire.errors import aws_error

_SEAL = 8


def token(bucket: Bucket, item: bytes) -> str:
    """The token that goes on behind `item`."""
    return base64.urlsafe_b64encode(_seal(bucket, item) + item).decode().rstrip("=")


def item_of(bucket: Bucket, text: str) -> bytes:
    """The item that a token goes on behind; InvalidArgument when it is none of this bucket's."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) > _SEAL and hmac.compare_digest(raw[:_SEAL], _seal(bucket, raw[_SEAL:])):
        return raw[_SEAL:]
    raise aws_error(
        "InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token"
    )


def _seal(bucket: Bucket, item: bytes) -> bytes:
    return hashlib.blake2b(item, key=bucket.secret, digest_size=_SEAL).digest()
