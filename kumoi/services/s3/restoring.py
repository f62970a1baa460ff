"""What becomes of a restoration: at its moment it is complete, and when its days are over the copy goes.

Both are told to whom it concerns; a timer, set in the transaction before, comes back for each.
"""

from __future__ import annotations

import msgspec

from kumoi.doorway import Doorway
from kumoi.names import uuid
from kumoi.services.s3.notification_events import Occasion
from kumoi.services.s3.notifier import Notifier
from kumoi.services.s3.records import Bucket, ObjectVersion, buckets, current, others, row_text
from kumoi.services.s3.settings import settings_of
from kumoi.services.s3.topics import RESTORED
from kumoi.services.s3.versions import rewrite
from kumoi.state import Timer, Transaction, transactional


class _Named(msgspec.Struct, frozen=True, array_like=True):
    """A version by its place."""

    bucket: str
    key: bytes
    seq: int


_decode = msgspec.msgpack.Decoder(_Named).decode


async def come_to_it(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> None:
    """Have the next thing happen to a version that was restored."""
    restored = version.restored
    if restored is None:
        return
    due = restored.ready if tx.now < restored.ready else float(restored.expires)
    payload = msgspec.msgpack.encode(_Named(bucket.name, row_text(version.key), version.seq))
    tx.timer(due, RESTORED, payload, key=f"{bucket.id}.{version.seq}")


async def go_on(doorway: Doorway, notifier: Notifier, timer: Timer) -> None:
    """Something is due about a restored version, if it is still there."""
    await _go_on(doorway.state.at(timer.account, timer.region), notifier, _decode(timer.payload), timer)


@transactional
async def _go_on(tx: Transaction, notifier: Notifier, named: _Named, timer: Timer) -> None:
    tx.complete_timer(timer)
    bucket = await buckets.get(tx, named.bucket)
    if bucket is None:
        return
    version = await current.get(tx, bucket.id, named.key)
    if version is None or version.seq != named.seq:
        version = await others.get(tx, bucket.id, named.key, -named.seq)
    if version is None or version.restored is None:
        return
    if tx.now < version.restored.expires:
        await _tell(tx, notifier, bucket, version, "ObjectRestore:Completed")
        await come_to_it(tx, bucket, version)
    else:
        await _tell(tx, notifier, bucket, version, "ObjectRestore:Delete")
        await rewrite(tx, version, restored=None)


async def _tell(tx: Transaction, notifier: Notifier, bucket: Bucket, version: ObjectVersion, event: str) -> None:
    if (await settings_of(tx, bucket)).get("Notification") is not None:
        await notifier.tell(tx, Occasion.of_lifecycle(tx.now, uuid()), bucket, version, event)
