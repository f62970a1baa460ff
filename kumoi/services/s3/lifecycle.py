"""Lifecycle rules at work: a bucket is gone through when something in it is due, a page a transaction.

A bucket with rules has a `Round`: when the next is due at the earliest (every write that brings something earlier says
so), and, while one is under way, how far it has come. So a round goes on after a crash where it was, no page holds up
the event loop, and a bucket in which nothing is due costs nothing. Rules: "Managing the lifecycle of objects" in the S3
user guide.
"""

from __future__ import annotations

import asyncio
from os.path import commonprefix

import msgspec

from kumoi.doorway import Doorway
from kumoi.names import uuid
from kumoi.services.s3.bodies import remove_later
from kumoi.services.s3.lifecycle_decisions import (
    about_current,
    about_lone_marker,
    about_noncurrent,
    earliest,
    watches_others,
)
from kumoi.services.s3.lifecycle_rules import Rule, abortion, midnight_after, rules_of
from kumoi.services.s3.locking import is_retained
from kumoi.services.s3.notification_events import Occasion
from kumoi.services.s3.notifier import Notifier
from kumoi.services.s3.records import Bucket, ObjectVersion, Upload, buckets, current, others, row_text, uploads
from kumoi.services.s3.sequences import Sequences
from kumoi.services.s3.settings import read_setting, settings_of
from kumoi.services.s3.topics import LIFECYCLE
from kumoi.services.s3.versions import add_marker, end_upload, remove, rewrite
from kumoi.services.s3.walk import before
from kumoi.services.s3.writing import written_at
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.interface import Key
from kumoi.state.space import Space

PAGE = 100
"""Rows that one transaction looks at."""
ACTS = 10
"""Things that one transaction does at most."""
SLICE = 100
"""Transactions after which other timers get their turn."""

PHASES = ("objects", "versions", "uploads")


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What is next in a bucket: `due` is when something is, 0 for never. `phase` is empty between rounds; within one,
    `key`, `seq` (and for an upload `id`) are of the row behind which it goes on, `since` and `newer` what is known of
    the next version of that key.
    """

    bucket: int
    name: str
    due: int = 0
    phase: str = ""
    key: bytes = b""
    seq: int = 0
    id: str = ""
    since: int = 0
    newer: int = 0


rounds: Space[Round] = Space("s3.round", Round, lambda one: (one.bucket,))


async def rules_for(tx: Transaction, bucket: Bucket) -> list[Rule]:
    """A bucket's enabled rules."""
    return await read_setting(tx, bucket, "Lifecycle", rules_of) or []


# ── what is due, and when ─────────────────────────────────────────────────────────────────────────────────────────────


async def reconfigured(tx: Transaction, bucket: Bucket) -> None:
    """The rules have changed: the next midnight sees to what is there; without rules nothing does."""
    await forgotten(tx, bucket)
    if await rules_for(tx, bucket):
        await _expect(tx, bucket, midnight_after(tx.now))


async def forgotten(tx: Transaction, bucket: Bucket) -> None:
    """Nothing is due in a bucket any more."""
    if await rounds.delete(tx, bucket.id):
        tx.cancel_timer(LIFECYCLE, str(bucket.id))


async def written(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> None:
    """A version was laid over a key: it, or what it lies over, may be due earlier than all else."""
    if not (rules := await rules_for(tx, bucket)):
        return
    moment = None if version.marker else _next(rules, version, tx.now)
    if bucket.versioning and watches_others(rules):
        days = [rule.noncurrent_days for rule in rules if rule.noncurrent_days is not None]
        days += [days for rule in rules for days, _, _ in rule.noncurrent_transitions]
        days += [rule.days or 0 for rule in rules if rule.lone_markers or rule.days is not None]
        moment = earliest(moment, midnight_after(tx.now, min(days)))
    if moment is not None:
        await _expect(tx, bucket, moment)


async def altered(tx: Transaction, bucket: Bucket, version: ObjectVersion) -> None:
    """A version was changed, its tags perhaps: another rule may be about it now."""
    if rules := await rules_for(tx, bucket):
        moment = midnight_after(tx.now) if bucket.versioning else _next(rules, version, tx.now)
        if moment is not None:
            await _expect(tx, bucket, moment)


async def removed(tx: Transaction, bucket: Bucket) -> None:
    """A version was removed: what it lay over, or a delete marker over it, may be due."""
    if bucket.versioning and await rules_for(tx, bucket):
        await _expect(tx, bucket, midnight_after(tx.now))


def _next(rules: list[Rule], version: ObjectVersion, now: float) -> int | None:
    """When something is done to a current object; what is due already is, at the next midnight."""
    decision = about_current(rules, version, now)
    return midnight_after(now) if decision.acts else decision.again


async def begun(tx: Transaction, bucket: Bucket, upload: Upload) -> tuple[int, str] | None:
    """An upload was begun; (when, by which rule's id) it will be aborted."""
    found = abortion(await rules_for(tx, bucket), upload.key, upload.created)
    if found is not None:
        await _expect(tx, bucket, found[0])
    return found


async def _expect(tx: Transaction, bucket: Bucket, moment: int) -> None:
    known = await rounds.get(tx, bucket.id) or Round(bucket=bucket.id, name=bucket.name)
    if known.due and known.due <= moment:
        return
    await rounds.put(tx, msgspec.structs.replace(known, due=moment))
    if not known.phase:
        tx.timer(moment, LIFECYCLE, bucket.name.encode(), key=str(bucket.id))


# ── a round ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def go_round(doorway: Doorway, notifier: Notifier, timer: Timer) -> None:
    """Go through a bucket in which something is due, or go on doing so."""
    state = doorway.state.at(timer.account, timer.region)
    name = timer.payload.decode()
    for _ in range(SLICE):
        if not await _step(state, notifier, doorway.parts[Sequences], name):
            return
        await asyncio.sleep(0)
    await _go_on(state, name)


@transactional
async def _go_on(tx: Transaction, name: str) -> None:
    bucket = await buckets.get(tx, name)
    if bucket is not None:
        tx.timer(tx.now, LIFECYCLE, name.encode(), key=str(bucket.id))


@transactional
async def _step(tx: Transaction, notifier: Notifier, sequences: Sequences, name: str) -> bool:
    """Look at a page of a bucket and do what is due there; whether there is more to look at."""
    bucket = await buckets.get(tx, name)
    known = None if bucket is None else await rounds.get(tx, bucket.id)
    if bucket is None or known is None:
        return False
    rules = await rules_for(tx, bucket)
    if not known.phase:
        if not known.due or known.due > tx.now:
            return False
        known = Round(bucket=bucket.id, name=name, phase=PHASES[0])
    work = _Page(tx, notifier, sequences, bucket, rules, known)
    following = await work.done()
    await rounds.put(tx, following)
    if following.phase:
        return True
    if following.due:
        tx.timer(following.due, LIFECYCLE, name.encode(), key=str(bucket.id))
    return False


class _Page:
    """One transaction's worth of a round."""

    def __init__(
        self,
        tx: Transaction,
        notifier: Notifier,
        sequences: Sequences,
        bucket: Bucket,
        rules: list[Rule],
        known: Round,
    ) -> None:
        self._tx = tx
        self._sequences = sequences
        self._notifier = notifier
        self._bucket = bucket
        self._rules = rules
        self._known = known
        self._prefix: str = commonprefix([rule.prefix for rule in rules])  # noqa: RUF071  (keys are no paths)
        self._acts = 0
        self._due: int | None = known.due or None

    async def done(self) -> Round:
        """Do the page; the round as it is then."""
        work = {"objects": self._objects, "versions": self._versions, "uploads": self._uploads}[self._known.phase]
        more = await work()
        phase = self._known.phase
        if more is None:
            at = PHASES.index(phase) + 1
            phase = PHASES[at] if at < len(PHASES) else ""
            more = Round(bucket=self._bucket.id, name=self._bucket.name)
        return msgspec.structs.replace(more, phase=phase, due=self._due or 0)

    def _again(self, moment: int | None) -> None:
        self._due = earliest(self._due, moment)

    def _bound(self, *behind: int | str) -> Key | None:
        """The row behind which the page begins."""
        if self._known.key:
            return (self._bucket.id, self._known.key, *behind)
        first = before(row_text(self._prefix))
        return None if first is None else (self._bucket.id, first)

    async def _objects(self) -> Round | None:
        """Current objects; the row that ended the page, or None at the end."""
        tx, bucket = self._tx, self._bucket
        if not any(rule.days is not None or rule.date is not None or rule.transitions for rule in self._rules):
            return None
        rows = await current.list(tx, bucket.id, after=self._bound(), limit=PAGE)
        for version in rows:
            if not version.key.startswith(self._prefix):
                return None
            decision = about_current(self._rules, version, tx.now)
            if decision.acts:
                if self._acts == ACTS:
                    break
                self._acts += 1
            key = row_text(version.key)
            if decision.expires:
                await self._expire(key, version)
            else:
                if decision.storage_class:
                    await self._move(version, decision.storage_class)
                self._again(decision.again)
            self._known = msgspec.structs.replace(self._known, key=key)
        else:
            if len(rows) < PAGE:
                return None
        return self._known

    async def _versions(self) -> Round | None:
        """Versions that are no current objects; the row that ended the page, or None at the end."""
        tx, bucket, known = self._tx, self._bucket, self._known
        if not bucket.versioning or not watches_others(self._rules):
            return None
        rows = await others.list(tx, bucket.id, after=self._bound(-known.seq), limit=PAGE)
        key, since, newer = known.key, known.since, known.newer
        for version in rows:
            if not version.key.startswith(self._prefix):
                return None
            if self._acts == ACTS:
                break
            row = row_text(version.key)
            latest = False
            if row != key:
                over = await current.get(tx, bucket.id, row)
                latest, since, newer = over is None, 0 if over is None else over.modified, 0
            if not latest:
                await self._see_to_noncurrent(row, version, since, newer)
                newer += not version.marker
            elif version.marker:
                await self._see_to_marker(row, version)
            key, since = row, version.modified
            self._known = msgspec.structs.replace(known, key=key, seq=version.seq, since=since, newer=newer)
        else:
            if len(rows) < PAGE:
                return None
        return self._known

    async def _see_to_noncurrent(self, key: bytes, version: ObjectVersion, since: int, newer: int) -> None:
        decision = about_noncurrent(self._rules, version, since, newer, self._tx.now)
        self._acts += decision.acts
        if decision.expires:
            if is_retained(version.lock, self._tx.now):
                self._again(midnight_after(max(self._tx.now, version.lock.until)))
                return
            await remove(self._tx, self._sequences, self._bucket, key, version)
            await self._tell(version, "LifecycleExpiration:Delete")
            self._again(midnight_after(self._tx.now) if self._clears_markers() else None)
            return
        if decision.storage_class:
            await self._move(version, decision.storage_class)
        self._again(decision.again)

    def _clears_markers(self) -> bool:
        return any(rule.lone_markers or rule.days is not None for rule in self._rules)

    async def _see_to_marker(self, key: bytes, marker: ObjectVersion) -> None:
        if len(await others.list(self._tx, self._bucket.id, key, limit=2)) > 1:
            return
        decision = about_lone_marker(self._rules, marker, self._tx.now)
        self._again(decision.again)
        if decision.expires:
            self._acts += 1
            await remove(self._tx, self._sequences, self._bucket, key, marker)
            await self._tell(marker, "LifecycleExpiration:Delete")

    async def _uploads(self) -> Round | None:
        """Uploads under way; the one that ended the page, or None at the end."""
        tx, bucket = self._tx, self._bucket
        if not any(rule.abort_days is not None for rule in self._rules):
            return None
        rows = await uploads.list(tx, bucket.id, after=self._bound(self._known.id), limit=ACTS)
        for upload in rows:
            if not upload.key.startswith(self._prefix):
                return None
            found = abortion(self._rules, upload.key, upload.created)
            if found is not None and found[0] <= tx.now:
                await end_upload(tx, upload)
                await remove_later(tx, upload.id, "parts")
            elif found is not None:
                self._again(found[0])
            self._known = msgspec.structs.replace(self._known, key=row_text(upload.key), id=upload.id)
        return None if len(rows) < ACTS else self._known

    async def _expire(self, key: bytes, version: ObjectVersion) -> None:
        if self._bucket.versioning:
            marker = await add_marker(
                self._tx, self._sequences, self._bucket, key, version.key, written_at(self._tx.now)
            )
            await self._tell(marker, "LifecycleExpiration:DeleteMarkerCreated")
        else:
            await remove(self._tx, self._sequences, self._bucket, key, version)
            await self._tell(version, "LifecycleExpiration:Delete")

    async def _move(self, version: ObjectVersion, storage_class: str) -> None:
        moved = await rewrite(self._tx, version, storage_class=storage_class)
        await self._tell(moved, "LifecycleTransition")

    async def _tell(self, version: ObjectVersion, event: str) -> None:
        if (await settings_of(self._tx, self._bucket)).get("Notification") is not None:
            occasion = Occasion.of_lifecycle(self._tx.now, uuid())
            await self._notifier.tell(self._tx, occasion, self._bucket, version, event)
