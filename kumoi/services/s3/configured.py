"""What a bucket's configuration says about a write or an answer. Transactions are bound to the bucket's home."""

from __future__ import annotations

from kumoi.services.s3.records import MANAGED, Bucket, Encryption, ObjectVersion
from kumoi.state import Transaction


async def default_encryption(tx: Transaction, bucket: Bucket) -> Encryption:
    """How an object is encrypted that does not say it."""
    return MANAGED


async def expiration(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> str | None:
    """The x-amz-expiration of a current version: None where no lifecycle rule expires it."""
    return None
