"""Versions of an object: found, written over one another, and removed, inside a transaction at the bucket's home.

A key's row among the `current` ones is there only while its latest version is an object; all else lies among `others`,
newest first. What was written while versioning was not enabled is the key's null version, of which there is one at
most. Rules: "Retaining multiple versions of objects with S3 Versioning".
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.services.s3.bodies import body_key, release_body
from kumoi.services.s3.records import (
    OWN_LIMIT,
    Bucket,
    Mark,
    NullVersion,
    ObjectVersion,
    Upload,
    current,
    foreign,
    marks,
    nulls,
    others,
    row_text,
    uploads,
)
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.version_ids import NULL, id_of, own_sequence
from kumoi.state import Transaction
from kumoi.wire.errors import AwsError, aws_error

MAX_KEY = 1024


def row_key(key: str) -> bytes:
    """A key as rows have it; raises KeyTooLongError."""
    raw = row_text(key)
    if len(raw) > MAX_KEY:
        raise aws_error("KeyTooLongError", "Your key is too long", Size=len(raw), MaxSizeAllowed=MAX_KEY)
    return raw


def no_such_key(key: str) -> AwsError:
    """NoSuchKey."""
    return aws_error("NoSuchKey", "The specified key does not exist.", Key=key)


def told_version(bucket: Bucket, version: ObjectVersion) -> str | None:
    """The version id that an answer tells; None where the bucket never had versions."""
    if not bucket.versioning:
        return None
    return id_of(bucket, version)


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def latest(tx: Transaction, bucket: Bucket, key: bytes) -> ObjectVersion | None:
    """The latest version of a key, an object or a delete marker."""
    found = await current.get(tx, bucket.id, key)
    if found is None and bucket.versioning:
        found = next(iter(await others.list(tx, bucket.id, key, limit=1)), None)
    return found


async def find(tx: Transaction, bucket: Bucket, key: bytes, wanted: str | None) -> ObjectVersion | None:
    """The latest version, or the one of an id; raises InvalidArgument for what is no id."""
    if wanted is None:
        return await latest(tx, bucket, key)
    if wanted == NULL:
        found = await current.get(tx, bucket.id, key)
        if found is not None and found.null:
            return found
        pointer = await nulls.get(tx, bucket.id, key)
        return None if pointer is None else await others.get(tx, bucket.id, key, -pointer.seq)
    seq = await sequence(tx, bucket, key, wanted)
    found = None if seq is None else await version_at(tx, bucket, key, seq)
    return found if found is not None and not found.null else None


async def version_at(tx: Transaction, bucket: Bucket, key: bytes, seq: int) -> ObjectVersion | None:
    """The version of a key with a sequence number."""
    found = await current.get(tx, bucket.id, key)
    return found if found is not None and found.seq == seq else await others.get(tx, bucket.id, key, -seq)


async def sequence(tx: Transaction, bucket: Bucket, key: bytes, wanted: str) -> int | None:
    """The sequence number that an id stands for, a replica's included; None for none. Raises InvalidArgument."""
    seq = own_sequence(bucket, wanted)
    if seq is None:
        replica = await foreign.get(tx, bucket.id, key, wanted)
        seq = None if replica is None else replica.seq
    return seq


async def find_object(
    tx: Transaction,
    bucket: Bucket,
    key: str,
    wanted: str | None = None,
    method: str = "GET",
    *,
    refuse_marker: bool = False,
) -> ObjectVersion:
    """The object that a request names; raises NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker.

    A marker that is just the latest version counts as no object, unless `refuse_marker`.
    """
    row = row_key(key)
    found = await (latest(tx, bucket, row) if wanted is None else find(tx, bucket, row, wanted))
    if found is None:
        if wanted is None:
            raise no_such_key(key)
        raise aws_error("NoSuchVersion", "The specified version does not exist.", Key=key, VersionId=wanted)
    if not found.marker:
        return found
    about = [("x-amz-delete-marker", "true"), ("x-amz-version-id", told_version(bucket, found) or NULL)]
    if wanted is None and not refuse_marker:
        raise no_such_key(key).with_headers(*about)
    raise aws_error(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        Method=method,
        ResourceType="DeleteMarker",
    ).with_headers(*about, ("Allow", "DELETE"))


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def write(
    tx: Transaction,
    sequences: Sequences,
    bucket: Bucket,
    key: bytes,
    old: ObjectVersion | None,
    fields: dict[str, Any],
    body: bytes | None,
) -> ObjectVersion:
    """Lay a new version over a key; `old` is what `current` has of it, `body` the bytes of an inline one."""
    enabled = bucket.versioning == "Enabled"
    seq = await sequences.next(tx, bucket)
    own = body if body and len(body) <= OWN_LIMIT else b""
    version = ObjectVersion(bucket=bucket.id, seq=seq, null=not enabled, body=own, **fields)
    beside = body if not own else None
    await _make_way(tx, bucket, key, old, keep_null=enabled, reused=bool(beside))
    await current.put(tx, version)
    if beside:
        await tx.put(body_key(version), beside)
    return version


async def add_marker(
    tx: Transaction, sequences: Sequences, bucket: Bucket, key: bytes, name: str, modified: int
) -> ObjectVersion:
    """Lay a delete marker over a key of a bucket that has versions."""
    enabled = bucket.versioning == "Enabled"
    seq = await sequences.next(tx, bucket)
    marker = ObjectVersion(bucket=bucket.id, key=name, seq=seq, modified=modified, null=not enabled, marker=True)
    await _make_way(tx, bucket, key, await current.get(tx, bucket.id, key), keep_null=enabled, reused=False)
    await current.delete(tx, bucket.id, key)
    await put_aside(tx, key, marker)
    return marker


async def remove(tx: Transaction, sequences: Sequences, bucket: Bucket, key: bytes, version: ObjectVersion) -> None:
    """Remove a version for good; the next newest becomes the current one, if it is an object."""
    await release_body(tx, version)
    present = await current.get(tx, bucket.id, key)
    if present is not None and present.seq == version.seq:
        await current.delete(tx, bucket.id, key)
        present = None
    else:
        await _take_out(tx, key, version)
    if version.replication is not None and version.replication.id:
        await foreign.delete(tx, bucket.id, key, version.replication.id)
    if present is None and bucket.versioning:
        newest = next(iter(await others.list(tx, bucket.id, key, limit=1)), None)
        if newest is not None and not newest.marker:
            await _take_out(tx, key, newest)
            await current.put(tx, newest)
    if await uploads.list(tx, bucket.id, key, limit=1):
        await marks.put(tx, Mark(bucket=bucket.id, key=key, seq=await sequences.next(tx, bucket)))


async def end_upload(tx: Transaction, upload: Upload) -> None:
    """Forget an upload; its parts are the caller's matter."""
    row = row_text(upload.key)
    await uploads.delete(tx, upload.bucket, row, upload.id)
    if await marks.get(tx, upload.bucket, row) and not await uploads.list(tx, upload.bucket, row, limit=1):
        await marks.delete(tx, upload.bucket, row)


async def last_change(tx: Transaction, bucket: Bucket, key: bytes) -> int:
    """The sequence number of a key's last change, 0 for none that uploads under way have to know of."""
    newest, mark = await latest(tx, bucket, key), await marks.get(tx, bucket.id, key)
    return max(newest.seq if newest is not None else 0, mark.seq if mark is not None else 0)


async def rewrite(tx: Transaction, version: ObjectVersion, **changes: Any) -> ObjectVersion:
    """Change what is not the body of a version: tags, lock."""
    changed = msgspec.structs.replace(version, **changes)
    present = await current.get(tx, version.bucket, row_text(version.key))
    await (current if present is not None and present.seq == version.seq else others).put(tx, changed)
    return changed


async def _make_way(
    tx: Transaction, bucket: Bucket, key: bytes, old: ObjectVersion | None, *, keep_null: bool, reused: bool
) -> None:
    """Put the current version aside, or end the null version that is written over.

    `reused` says that the body of an inline null version, which lies beside its row, is about to be overwritten there.
    """
    if old is not None and (keep_null or not old.null):
        await put_aside(tx, key, old)
    if keep_null:
        return
    if old is not None and old.null:
        if not (reused and not old.blob and not old.manifest):
            await release_body(tx, old)
    elif bucket.versioning:
        pointer = await nulls.get(tx, bucket.id, key)
        if pointer is not None:
            former = await others.get(tx, bucket.id, key, -pointer.seq)
            if former is not None:
                await release_body(tx, former)
                await _take_out(tx, key, former)


async def put_aside(tx: Transaction, key: bytes, version: ObjectVersion) -> None:
    """Put a version among those that GET does not answer."""
    await others.put(tx, version)
    if version.null:
        await nulls.put(tx, NullVersion(bucket=version.bucket, key=key, seq=version.seq))


async def _take_out(tx: Transaction, key: bytes, version: ObjectVersion) -> None:
    await others.delete(tx, version.bucket, key, -version.seq)
    if version.null:
        await nulls.delete(tx, version.bucket, key)
