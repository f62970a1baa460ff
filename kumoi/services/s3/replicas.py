"""Replicas: versions of another bucket's objects, laid among a key's own, under the ids that they have there.

A key's versions stand in the order in which their originals were written, however late one arrives: so two buckets that
replicate each other come to the same latest version. Transactions are bound to the home of the bucket that gets them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.services.s3 import ownership
from kumoi.services.s3.bodies import body_key
from kumoi.services.s3.kinds import ENFORCED, ownership_of
from kumoi.services.s3.records import (
    NO_LOCK,
    OWN_LIMIT,
    Bucket,
    Encryption,
    ForeignVersion,
    ObjectVersion,
    Replication,
    current,
    foreign,
    others,
)
from kumoi.services.s3.replication_rules import Rule
from kumoi.services.s3.sequences import ROOM, Sequences
from kumoi.services.s3.version_ids import id_of
from kumoi.services.s3.versions import put_aside, version_at
from kumoi.state import Key, Transaction

_PAGE = 16
_STEPS = 256
"""Which part of the room that is left a late version takes, where they come one after another."""
_LEAST = 8
"""Which part of the room between two late versions is left at either side of a third, at least."""

COPIED = ("key", "modified", "etag", "size", "marker", "content_type", "headers", "metadata", "checksum", "parts")
"""What a replica has of its original as it is."""


def replica_of(source: Bucket, version: ObjectVersion, rule: Rule) -> ObjectVersion:
    """The replica as far as the original and the rule say what it is: without a place, a body, or whose it is."""
    known = version.replication
    at, order = (known.at, known.order) if known is not None else (float(version.modified), version.seq)
    encryption = version.encryption
    if rule.kms_key and encryption.kms_key:
        encryption = Encryption(encryption.algorithm, rule.kms_key, encryption.bucket_key)
    return ObjectVersion(
        **{name: getattr(version, name) for name in COPIED},
        bucket=0,
        seq=0,
        null=False,
        storage_class=rule.storage_class or version.storage_class,
        encryption=encryption,
        replication=Replication("REPLICA", at, order, id_of(source, version)),
    )


async def surroundings(
    tx: Transaction, version: ObjectVersion, owner: str, bucket: Bucket, rule: Rule
) -> dict[str, Any]:
    """What may change later about a replica: tags, the lock that the original has, and whose it is.

    `owner` is the account that owns the original. The replica is the same account's, unless the rule or the bucket's
    object ownership gives it to the bucket's. Raises AccessDenied for a public list where the bucket blocks them.
    """
    fields: dict[str, Any] = {"tags": version.tags, "acl": None, "owner": ""}
    if version.lock != NO_LOCK:
        fields["lock"] = version.lock
    if not rule.owner_override and await ownership_of(tx, bucket) != ENFORCED:
        fields["owner"] = "" if owner == bucket.account else owner
        if version.acl is not None:
            await ownership.check_public(tx, bucket, version.acl)
        fields["acl"] = version.acl
    return fields


async def lay(
    tx: Transaction, sequences: Sequences, bucket: Bucket, key: bytes, replica: ObjectVersion, body: bytes | None
) -> ObjectVersion:
    """Lay a replica among the versions of its key."""
    origin = replica.replication
    assert origin is not None
    present = await current.get(tx, bucket.id, key)
    newest = present or next(iter(await others.list(tx, bucket.id, key, limit=1)), None)
    on_top = newest is None or _age(newest) <= _age(replica)
    seq = await sequences.next(tx, bucket) if on_top else await _between(tx, bucket, key, newest, replica)
    own = body if body and len(body) <= OWN_LIMIT else b""
    replica = msgspec.structs.replace(replica, bucket=bucket.id, seq=seq, body=own)
    if not on_top or replica.marker:
        await put_aside(tx, key, replica)
    if on_top and present is not None:
        await put_aside(tx, key, present)
        await current.delete(tx, bucket.id, key)
    if on_top and not replica.marker:
        await current.put(tx, replica)
    await foreign.put(tx, ForeignVersion(bucket=bucket.id, key=key, id=origin.id, seq=seq))
    if body and not own:
        await tx.put(body_key(replica), body)
    return replica


def _age(version: ObjectVersion) -> tuple[float, int]:
    """When a version was written. LastModified, rounded up, may be a second late: what arrives is newer then."""
    if version.replication is not None:
        return version.replication.at, version.replication.order
    return version.modified - 1.0, version.seq


async def _between(
    tx: Transaction, bucket: Bucket, key: bytes, newer: ObjectVersion | None, replica: ObjectVersion
) -> int:
    """A sequence number below those versions that are younger than a replica, and above the rest."""
    assert newer is not None
    after: Key = (bucket.id, key, -newer.seq)
    elder: ObjectVersion | None = None
    above = newer
    while rows := await others.list(tx, bucket.id, key, after=after, limit=_PAGE):
        for row in rows:
            if _age(row) <= _age(replica):
                elder = row
                break
            above = row
        if elder is not None:
            break
        after = others.key(rows[-1])
    share = 0.5 if elder is None else _share(_age(elder), _age(replica), _age(above))
    seq = place_between(0 if elder is None else elder.seq, above.seq, share)
    while seq < 1 or await version_at(tx, bucket, key, seq) is not None:
        seq += 1  # no room is left: among those a little younger
    return seq


def _share(elder: tuple[float, int], age: tuple[float, int], above: tuple[float, int]) -> float:
    """How far an age lies from the elder to the younger one, from 0 to 1."""
    which = 0 if elder[0] < above[0] else 1
    span = above[which] - elder[which]
    return (age[which] - elder[which]) / span if span else 0.5


def place_between(elder: int, above: int, share: float) -> int:
    """A number between two, 0 being below all: so that thousands find room who come by age, the other way round, or
    neither. `share` is how far up the age lies between the two.

    Those that were not late have the multiples of ROOM. Between two late ones numbers go with ages, within bounds: to
    halve what is left each time would be at an end after a few hundred that come in any order.
    """
    room = above - elder
    if elder % ROOM == 0 and above % ROOM == 0:
        return elder + room // 2
    step = max(room // _STEPS, min(1, room // 2))
    if above % ROOM == 0:
        return elder + step
    if elder % ROOM == 0:
        return above - step
    least = max(room // _LEAST, 1)
    return elder + min(max(int(room * share), least), room - least)
