"""An object found without a transaction of several steps, as most reads ask for one: by its key, and nothing else.

What is remembered of its bucket and the row that is read then are of one moment, since nothing comes between them.
Whatever else a read may ask for, and whatever is not there, is for the transaction that knows all of S3's rules.
"""

from __future__ import annotations

from kumoi.services.s3.bodies import inline_body
from kumoi.services.s3.records import MANAGED, Bucket, ObjectVersion, buckets, current
from kumoi.services.s3.settings import settings
from kumoi.services.s3.versions import row_key
from kumoi.state import State, Transaction, transactional


async def glimpse(state: State, name: str, key: str) -> tuple[Bucket, ObjectVersion, bytes | None] | None:
    """(bucket, current version, its bytes where they are inline) of a key; None where more must be looked at."""
    try:
        bucket = buckets.glance(state, name)
        if bucket is None:
            return None
        home = state.at(bucket.account, bucket.region)
        configured = settings.glance(home, bucket.id)
    except LookupError:
        return None
    if configured is not None and "Lifecycle" in configured.kinds:
        return None
    found = await _current(home, bucket, row_key(key))
    return None if found is None else (bucket, *found)


@transactional
async def _current(tx: Transaction, bucket: Bucket, key: bytes) -> tuple[ObjectVersion, bytes | None] | None:
    version = await current.get(tx, bucket.id, key)
    if (
        version is None
        or version.encryption is not MANAGED
        or version.storage_class != "STANDARD"
        or version.restored is not None
    ):
        return None
    return version, None if version.blob or version.manifest else await inline_body(tx, version)
