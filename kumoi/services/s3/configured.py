"""What a bucket's configuration says about a write or an answer. Transactions are bound to the bucket's home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from kumoi.services.s3 import lifecycle_rules
from kumoi.services.s3.encryption import KMS, kms_key_arn
from kumoi.services.s3.records import MANAGED, Bucket, Encryption, ObjectVersion, current, row_text
from kumoi.services.s3.settings import read_setting
from kumoi.state import Transaction
from kumoi.wire.timestamps import rfc822


def default_encryption(kinds: Mapping[str, Any], bucket: Bucket) -> Encryption:
    """How an object is encrypted that does not say it; `kinds` are the bucket's configurations."""
    stored = kinds.get("Encryption")
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
    rules = await read_setting(tx, bucket, "Lifecycle", lifecycle_rules.rules_of)
    found = lifecycle_rules.expiry(rules, version) if rules else None
    if found is None:
        return None
    if bucket.versioning:
        latest = await current.get(tx, bucket.id, row_text(version.key))
        if latest is None or latest.seq != version.seq:
            return None
    return f'expiry-date="{rfc822(found[0])}", rule-id="{quote(found[1], safe="")}"'
