"""RestoreObject: a copy of an archived object that can be read for some days of the platform's clock."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import archive, changed, s3
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.restoring import come_to_it
from kumoi.services.s3.versions import find_object, rewrite
from kumoi.state import Transaction, transactional


@s3.operation
async def restore_object(
    call: Call,
    Bucket: str,
    Key: str,
    RestoreRequest: dict[str, Any] | None = None,
    VersionId: str | None = None,
    RequestPayer: str | None = None,
    ChecksumAlgorithm: str | None = None,
    ExpectedBucketOwner: str | None = None,
) -> dict[str, Any]:
    """Begin to restore an object (202), or keep it restored for longer (200)."""
    already = await _restore(call.state, call, Bucket, Key, VersionId, ExpectedBucketOwner, RestoreRequest)
    return {"StatusCode": 200 if already else 202}


@transactional
async def _restore(
    tx: Transaction,
    call: Call,
    name: str,
    key: str,
    version_id: str | None,
    expected_owner: str | None,
    request: dict[str, Any] | None,
) -> bool:
    """Whether the object is restored already."""
    bucket = await find_bucket(tx, name, expected_owner)
    tx = home(tx, bucket)
    version = await find_object(tx, bucket, key, version_id, "POST", refuse_marker=True)
    days = archive.asked_days(request, version.storage_class)
    restored = archive.restoration(version, days, tx.now)
    version = await rewrite(tx, version, restored=restored)
    await come_to_it(tx, bucket, version)
    if restored.ready <= tx.now:
        return True
    await changed.object_altered(tx, call, bucket, version, "ObjectRestore:Post")
    return False
