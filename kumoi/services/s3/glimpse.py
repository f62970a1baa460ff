"""An object found without a transaction, as most reads ask for one: by its key, and nothing else.

What is remembered of its bucket and the row that is read then are of one moment, since nothing comes between them.
Whatever else a read may ask for, and whatever is not there, is for the transaction that knows all of S3's rules.
"""

from __future__ import annotations

import msgspec

from kumoi.services.s3.records import MANAGED, Bucket, ObjectVersion, buckets, current
from kumoi.services.s3.settings import settings
from kumoi.services.s3.versions import row_key
from kumoi.state import State

_decode = msgspec.msgpack.Decoder(ObjectVersion).decode


async def glimpse(state: State, name: str, key: str) -> tuple[Bucket, ObjectVersion] | None:
    """(bucket, current version) of a key, where a read of it answers just that; None where more must be looked at."""
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
    row = await home.read((current.name, bucket.id, row_key(key)))
    if row is None:
        return None
    version = _decode(row)
    beside = version.size and not (version.body or version.blob or version.manifest)
    archived = version.storage_class != "STANDARD" or version.restored is not None
    return None if beside or archived or version.encryption is not MANAGED else (bucket, version)
