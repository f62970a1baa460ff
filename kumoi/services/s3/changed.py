"""What follows a change, in the change's own transaction: the one place where notifications and replication join in.

`event` is S3's name for what happened, without `s3:`: `ObjectCreated:Put`, `ObjectRemoved:DeleteMarkerCreated`.
Transactions are bound to the bucket's home.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import lifecycle, ownership
from kumoi.services.s3.notification_events import Occasion
from kumoi.services.s3.notifier import Notifier
from kumoi.services.s3.records import Bucket, ObjectVersion
from kumoi.services.s3.replication import pending
from kumoi.services.s3.replicator import Replicator
from kumoi.services.s3.settings import forget_settings, settings_of
from kumoi.state import Transaction


async def bucket_created(tx: Transaction, call: Call, bucket: Bucket, settings: dict[str, Any]) -> None:
    """A bucket was made; `settings` are CreateBucket's members about access (ACL, grants, ObjectOwnership)."""
    await ownership.made(tx, bucket, settings)


async def bucket_deleted(tx: Transaction, bucket: Bucket) -> None:
    """A bucket was deleted: what it was configured with goes, too."""
    await lifecycle.forgotten(tx, bucket)
    await pending.delete_all(tx, bucket.id)
    await forget_settings(tx, bucket)


async def bucket_configured(tx: Transaction, bucket: Bucket, kind: str) -> None:
    """A configuration of a kind (`Lifecycle`) was put or deleted."""
    if kind == "Lifecycle":
        await lifecycle.reconfigured(tx, bucket)


async def object_created(tx: Transaction, call: Call, bucket: Bucket, version: ObjectVersion, event: str) -> None:
    """A version was written: Put, Post, Copy or CompleteMultipartUpload."""
    await lifecycle.written(tx, bucket, version)
    kinds = await _told(tx, call, bucket, version, event)
    if kinds.get("Replication") is not None:
        await call.part(Replicator).written(tx, bucket, version)


async def replica_laid(tx: Transaction, call: Call, bucket: Bucket, version: ObjectVersion, event: str) -> None:
    """A replica was laid: it is replicated no further."""
    await lifecycle.written(tx, bucket, version)
    await _told(tx, call, bucket, version, event)


async def object_removed(tx: Transaction, call: Call, bucket: Bucket, version: ObjectVersion, event: str) -> None:
    """A version was removed for good, or a delete marker (then it is `version`) laid over it."""
    await (lifecycle.written(tx, bucket, version) if version.marker else lifecycle.removed(tx, bucket))
    kinds = await _told(tx, call, bucket, version, event)
    if event == "ObjectRemoved:DeleteMarkerCreated" and kinds.get("Replication") is not None:
        await call.part(Replicator).written(tx, bucket, version)


async def object_altered(
    tx: Transaction, call: Call, bucket: Bucket, version: ObjectVersion, event: str | None
) -> None:
    """Tags, retention or ACL of a version were changed (`ObjectTagging:Put`), or its legal hold (no event)."""
    if event is not None:
        await lifecycle.altered(tx, bucket, version)
    kinds = await _told(tx, call, bucket, version, event)
    if kinds.get("Replication") is not None:
        await call.part(Replicator).altered(tx, bucket, version)


async def _told(
    tx: Transaction, call: Call, bucket: Bucket, version: ObjectVersion, event: str | None
) -> dict[str, Any]:
    """Notify of an event; the bucket's configurations."""
    kinds = await settings_of(tx, bucket)
    if event is not None and kinds.get("Notification") is not None:
        await call.part(Notifier).tell(tx, Occasion.of(call), bucket, version, event)
    return kinds
