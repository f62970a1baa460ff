"""ReplicateObject: a call of S3's own that lays a version of one bucket's as a replica in another.

The replica shares the original's bytes; one in another account gets bytes of its own, in the same parts. What is
already there only gets the original's tags, lock and grants.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.s3 import changed, lifecycle, locking, manifests, ownership, s3
from kumoi.services.s3.bodies import blobs_of, inline_body, use
from kumoi.services.s3.copy_source import Source, stream
from kumoi.services.s3.lookup import home
from kumoi.services.s3.notifier import Notifier
from kumoi.services.s3.records import BlobUse, Bucket, ObjectVersion, Segment, blob_uses, buckets, row_text
from kumoi.services.s3.replicas import lay, replica_of, surroundings
from kumoi.services.s3.replication import Pending, pending, settle
from kumoi.services.s3.replication_rules import Rule
from kumoi.services.s3.replicator import rule_of, tell
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.version_ids import id_of
from kumoi.services.s3.versions import find, rewrite, version_at
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.timestamps import milliseconds


class Work(NamedTuple):
    """What is to be done: the version, where it comes from and to, and the replica where it is there already."""

    one: Pending
    rule: Rule
    source: Bucket
    version: ObjectVersion
    destination: Bucket
    there: ObjectVersion | None


@s3.operation
async def replicate_object(
    call: Call,
    Bucket: str,
    Key: str,
    Source: str,
    Sequence: int,
    Marker: bool,
    Tagged: bool,
    OwnerOverride: bool,
    Apart: bool,
) -> None:
    """Lay the version of `Source` that has a sequence number in `Bucket`; nothing, where that was done before.

    `Apart` says that the two are different accounts'. Raises errors whose codes are S3's reasons for a failed
    replication.
    """
    blob = await _copied(call, Source, Key, Sequence, Bucket) if Apart else ""
    try:
        used = await _replicate(call.state, call, Source, Key, Sequence, Bucket, blob)
    except Exception:  # one that is cancelled may yet commit: the keeper finds what it leaves
        if blob:
            await blobs_of(call.doorway).delete(blob)
        raise
    if blob and not used:
        await blobs_of(call.doorway).delete(blob)


async def _copied(call: Call, source: str, key: str, seq: int, destination: str) -> str:
    """A blob with the bytes of a version, for another account; empty where they are few, or there already."""
    work = await _look(call.state, source, key, seq, destination)
    if work is None or work.there is not None or not (work.version.blob or work.version.manifest):
        return ""
    body = stream(call, Source(work.source, work.version, None), 0, work.version.size)
    return (await blobs_of(call.doorway).put(body, hashes=())).id


@transactional
async def _look(tx: Transaction, source: str, key: str, seq: int, destination: str) -> Work | None:
    return await _work(tx, source, key, seq, destination)


async def _work(tx: Transaction, source_name: str, key: str, seq: int, destination: str) -> Work | None:
    source = await buckets.get(tx, source_name)
    if source is None:
        return None
    here, row = home(tx, source), row_text(key)
    one = await pending.get(here, source.id, row, seq, destination)
    version = await version_at(here, source, row, seq)
    if one is None or version is None:
        return None
    rule = await rule_of(here, source, one)
    bucket = await buckets.get(tx, destination)
    if bucket is None or (rule.account and rule.account != bucket.account):
        raise aws_error("DstBucketNotFound", f"The bucket {destination} does not exist.")
    if bucket.versioning != "Enabled":
        raise aws_error("DstBucketUnversioned", f"Versioning is not enabled for {destination}.")
    if source.lock and not bucket.lock:
        raise aws_error("DstBucketObjectLockConfigMissing", f"Object Lock is not enabled for {destination}.")
    there = await _there(home(tx, bucket), bucket, row, id_of(source, version))
    if there is None and one.altered:
        raise aws_error("DstVersionNotFound", f"{destination} does not have the version.")
    return Work(one, rule, source, version, bucket, there)


async def _there(tx: Transaction, bucket: Bucket, key: bytes, version_id: str) -> ObjectVersion | None:
    """A version by its id: a replica, or the original of what comes back changed."""
    try:
        return await find(tx, bucket, key, version_id)
    except AwsError:
        return None


@transactional
async def _replicate(tx: Transaction, call: Call, source: str, key: str, seq: int, destination: str, blob: str) -> bool:
    """Do it; whether the blob with the bytes of another account is used."""
    work = await _work(tx, source, key, seq, destination)
    if work is None:
        return False
    here, there, version = home(tx, work.source), home(tx, work.destination), work.version
    owner = await ownership.owner_of(here, work.source, version)
    try:
        fields = await surroundings(there, version, owner, work.destination, work.rule)
    except AwsError as error:
        raise aws_error("DstPutAclNotPermitted", error.message) from error
    if work.there is not None:
        replica = await rewrite(there, work.there, **fields)
        await lifecycle.altered(there, work.destination, replica)
    else:
        if not version.marker:
            fields.setdefault("lock", locking.default(work.destination, tx.now))
        replica = msgspec.structs.replace(replica_of(work.source, version, work.rule), **fields)
        await _lay(here, there, call, work, replica, blob)
    await settle(here, work.source, work.one, failed=False)
    if work.one.missed:
        told = {"replicationTime": milliseconds(tx.now)}
        notifier = call.part(Notifier)
        await tell(here, notifier, work.source, work.one, "OperationReplicatedAfterThreshold", **told)
    return work.there is None


async def _lay(
    here: Transaction, there: Transaction, call: Call, work: Work, replica: ObjectVersion, blob: str
) -> None:
    version, inline = work.version, None
    if not blob and (version.blob or version.manifest) and work.source.account != work.destination.account:
        raise aws_error("ServiceUnavailable", "The destination bucket has become another account's.", status=503)
    if blob and version.manifest:
        manifest = hex_id(32)
        await _write_parts(here, there, version, manifest, blob)
        replica = msgspec.structs.replace(replica, manifest=manifest)
    elif version.blob or version.manifest:
        replica = msgspec.structs.replace(replica, blob=blob or version.blob, manifest=version.manifest)
        await use(there, replica.blob or replica.manifest)
    else:
        inline = await inline_body(here, version)
    call.request_bytes = version.size
    replica = await lay(there, call.part(Sequences), work.destination, work.one.key, replica, inline)
    event = "CompleteMultipartUpload" if version.manifest else "Put"
    event = "ObjectRemoved:DeleteMarkerCreated" if version.marker else f"ObjectCreated:{event}"
    await changed.replica_laid(there, call, work.destination, replica, event)


async def _write_parts(here: Transaction, there: Transaction, version: ObjectVersion, manifest: str, blob: str) -> None:
    """The original's parts again, as pieces of one blob that has the whole."""
    parts = [
        msgspec.structs.replace(part, segments=(Segment(blob, start, part.size),))
        async for _, start, part in manifests.parts_from(here, version.manifest, 0)
    ]
    await manifests.write_manifest(there, manifest, parts)
    await use(there, manifest)
    await blob_uses.put(there, BlobUse(blob=blob, account=there.account, count=len(parts)))
