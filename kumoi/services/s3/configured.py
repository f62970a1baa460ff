"""What a bucket's configuration says about a write or an answer. Transactions are bound to the bucket's home."""

from __future__ import annotations

from urllib.parse import quote

from kumoi.services.s3 import lifecycle_rules
from kumoi.services.s3.encryption import KMS, kms_key_arn
from kumoi.services.s3.records import MANAGED, Bucket, Encryption, ObjectVersion, current, row_text
from kumoi.services.s3.settings import settings_of
from kumoi.state import Transaction
from kumoi.wire.timestamps import rfc822


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
    """The x-amz-expiration of a version: None where no lifecycle rule expires it, or where others lie over it."""
    content = (await settings_of(tx, bucket)).get("Lifecycle")
    found = None if content is None else lifecycle_rules.expiry(lifecycle_rules.rules_of(content), version)
    if found is None:
        return None
    if bucket.versioning:
        latest = await current.get(tx, bucket.id, row_text(version.key))
        if latest is None or latest.seq != version.seq:
            return None
    return f'expiry-date="{rfc822(found[0])}", rule-id="{quote(found[1], safe="")}"'
