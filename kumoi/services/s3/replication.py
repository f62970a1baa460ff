"""What is to be replicated: put down in the transaction of the write, taken off in that of the replica.

A version that falls under a rule is PENDING, with a row for each destination, until every one has it (COMPLETED) or one
will not get it (FAILED). The rows are what a replicator works through (`replicator.py`); transactions are bound to the
home of the bucket that is replicated. Rules: "What does Amazon S3 replicate?" in the S3 user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from kumoi.services.s3.records import Bucket, ObjectVersion, Replication, row_text
from kumoi.services.s3.replication_rules import Rule, chosen, rules_of
from kumoi.services.s3.settings import read_setting
from kumoi.services.s3.topics import LATE
from kumoi.services.s3.versions import rewrite, version_at
from kumoi.state import Key, Transaction
from kumoi.state.space import Space

PENDING, COMPLETED, FAILED, REPLICA = "PENDING", "COMPLETED", "FAILED", "REPLICA"


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """That a version of a key has to come to a destination, by a rule. `altered` is one that the destination has, whose
    tags, lock or grants have changed. `missed` is whether it was told that it takes too long.
    """

    bucket: int
    key: bytes
    seq: int
    destination: str
    rule: str
    since: float
    size: int
    altered: bool = False
    missed: bool = False


pending: Space[Pending] = Space("s3.replicating", Pending, lambda one: (one.bucket, one.key, one.seq, one.destination))


def late_key(one: Pending) -> str:
    """The key of the timer that looks whether something takes too long."""
    return f"{one.bucket}.{one.seq}.{one.destination}.{one.key.hex()}"  # late replicas of two keys may have one number


async def rules_for(tx: Transaction, bucket: Bucket) -> Sequence[Rule]:
    """A bucket's enabled rules."""
    return await read_setting(tx, bucket, "Replication", rules_of) or ()


async def written(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> list[tuple[Pending, Rule]]:
    """A version was written, or a delete marker laid; what is to be done about it, stored."""
    if version.null:
        return []
    found = chosen(await rules_for(tx, bucket), version)
    if not found:
        return []
    version = await rewrite(tx, version, replication=Replication(PENDING, tx.now, version.seq))
    return await _put_down(tx, version, found, altered=False)


async def altered(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> list[tuple[Pending, Rule]]:
    """Tags, lock or grants of a version have changed: those follow it which it was replicated to."""
    known = version.replication
    if known is None:
        return []
    rules = await rules_for(tx, bucket)
    if known.id:  # a replica, whose changes go back where a rule says so
        rules = [rule for rule in rules if rule.replicas]
    found = chosen(rules, version)
    if not found:
        return []
    version = await rewrite(tx, version, replication=msgspec.structs.replace(known, status=PENDING))
    return await _put_down(tx, version, found, altered=True)


async def _put_down(
    tx: Transaction, version: ObjectVersion, rules: Iterable[Rule], *, altered: bool
) -> list[tuple[Pending, Rule]]:
    found = []
    key = row_text(version.key)
    for rule in rules:
        if altered and await pending.get(tx, version.bucket, key, version.seq, rule.bucket) is not None:
            continue  # it has not come there yet: what comes is what it is then
        one = Pending(
            bucket=version.bucket,
            key=key,
            seq=version.seq,
            destination=rule.bucket,
            rule=rule.id,
            since=tx.now,
            size=version.size,
            altered=altered,
        )
        await pending.put(tx, one)
        await count(tx, one, 1)
        found.append((one, rule))
    return found


def counter(bucket: int, destination: str, rule: str, what: str) -> Key:
    """Where it is counted how many operations, or bytes, are pending by a rule, and how many have failed."""
    return "s3.replication-count", bucket, destination, rule, what


async def count(tx: Transaction, one: Pending, by: int) -> None:
    """Count something that is pending, or is no longer."""
    await tx.tally(counter(one.bucket, one.destination, one.rule, "operations"), by)
    await tx.tally(counter(one.bucket, one.destination, one.rule, "bytes"), by * one.size)


async def settle(tx: Transaction, bucket: Bucket, one: Pending, *, failed: bool) -> None:
    """A destination has a version, or will not get it."""
    await pending.delete(tx, *pending.key(one))
    await count(tx, one, -1)
    if failed:
        await tx.tally(counter(one.bucket, one.destination, one.rule, "failed"), 1)
    tx.cancel_timer(LATE, late_key(one))
    version = await version_at(tx, bucket, one.key, one.seq)
    known = None if version is None else version.replication
    if version is None or known is None:
        return
    if failed:
        status = FAILED
    elif known.status == PENDING and not await pending.list(tx, one.bucket, one.key, one.seq, limit=1):
        status = REPLICA if known.id else COMPLETED
    else:
        return
    await rewrite(tx, version, replication=msgspec.structs.replace(known, status=status))
