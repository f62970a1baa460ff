"""What a bucket's configuration says about a write or an answer. Transactions are bound to the bucket's home."""

from __future__ import annotations

from kumoi.services.s3.encryption import KMS, kms_key_arn
from kumoi.services.s3.records import MANAGED, Bucket, Encryption, ObjectVersion
from kumoi.services.s3.settings import settings_of
from kumoi.state import Transaction


async def default_encryption(tx: Transaction, bucket: Bucket) -> Encryption:
    """How an object is encrypted that does not say it."""
    stored = (await settings_of(tx, bucket)).get("Encryption")
    if stored is None:
        return MANAGED
    rule = stored["Rules"][0]
    default = rule["ApplyServerSideEncryptionByDefault"]
    if default["SSEAlgorithm"] not in KMS:
        return MANAGED
    key = kms_key_arn(default.get("KMSMasterKeyID"), bucket.account, bucket.region)
    return Encryption(default["SSEAlgorithm"], key, rule["BucketKeyEnabled"])


async def expiration(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> str | None:
    """The x-amz-expiration of a current version: None where no lifecycle rule expires it."""
    return None
