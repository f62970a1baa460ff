"""Ids of versions: a version's place in the bucket's order, enciphered and sealed, so that none can be made up.

In: the bucket's secret and a sequence number. Out: 32 characters of `A-Za-z0-9._`, and back again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from kumoi.services.s3.records import Bucket, ListedVersion
from kumoi.wire.errors import aws_error

NULL = "null"
"""The id of what was written while versioning was not enabled."""


def version_id(bucket: Bucket, seq: int) -> str:
    """The id of the version with that sequence number."""
    plain = seq.to_bytes(8)
    seal = hashlib.blake2b(plain, key=bucket.secret, digest_size=16).digest()
    mask = hashlib.blake2b(seal, key=bucket.secret, digest_size=8).digest()
    hidden = bytes(left ^ right for left, right in zip(plain, mask, strict=True))
    return base64.urlsafe_b64encode(hidden + seal).decode().replace("-", ".")


def id_of(bucket: Bucket, version: ListedVersion) -> str:
    """The id of a version; a replica has its original's."""
    if version.null:
        return NULL
    replication = version.replication
    return replication.id if replication is not None and replication.id else version_id(bucket, version.seq)


def own_sequence(bucket: Bucket, text: str) -> int | None:
    """The sequence number that an id of this bucket's stands for; None for one of another's. InvalidArgument."""
    try:
        raw = base64.b64decode(text.replace(".", "-"), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) == 24:
        hidden, seal = raw[:8], raw[8:]
        mask = hashlib.blake2b(seal, key=bucket.secret, digest_size=8).digest()
        plain = bytes(left ^ right for left, right in zip(hidden, mask, strict=True))
        if hmac.compare_digest(hashlib.blake2b(plain, key=bucket.secret, digest_size=16).digest(), seal):
            return int.from_bytes(plain)
        return None
    raise aws_error("InvalidArgument", "Invalid version id specified", ArgumentName="versionId", ArgumentValue=text)
