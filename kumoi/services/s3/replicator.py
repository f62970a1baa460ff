"""The replicator: takes what is to be replicated to its destinations, and says what became of it.

Each version for a destination is a delivery of an outbox, stored in the transaction of the write, so that what was
acknowledged comes there whatever happens. It is handed over by a call of its own (`ReplicateObject`) in the role of the
configuration, which lays the replica and takes the work off in one transaction. What cannot be is FAILED at once; what
may yet be (a declared fault, a pause) is tried again for a day.

Declared faults on `Replicate` of S3, from a bucket (`s3:BUCKET`) to what is `s3:DESTINATION/KEY`, hold replication up.
What one holds up that lets nothing through is not tried before it is over: there may be very many.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Outbox, RetryPolicy
from kumoi.delivery.retry import failure_of, pause
from kumoi.doorway import CallDropped, Doorway, Fault, Principal
from kumoi.names import arn, uuid
from kumoi.policy import Caller, Policies, Request, decide
from kumoi.services.s3 import replication
from kumoi.services.s3.notification_events import Occasion
from kumoi.services.s3.notifier import SERVICE, Notifier
from kumoi.services.s3.records import Bucket, ObjectVersion, buckets
from kumoi.services.s3.replication import Pending, pending, rules_for, settle
from kumoi.services.s3.replication_metrics import measure, put_metrics
from kumoi.services.s3.replication_rules import THRESHOLD, Rule
from kumoi.services.s3.settings import settings_of
from kumoi.services.s3.topics import LATE, MEASURING
from kumoi.services.s3.versions import version_at
from kumoi.state import Timer, Transaction, transactional
from kumoi.state.timers import TimerRunner
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.timestamps import milliseconds

TOPIC = "s3.replication"
SESSION = "s3-replication"
PATIENCE = RetryPolicy(retries=100_000, age=86_400)
LONGEST_PAUSE = 30.0
"""Seconds between two tries at most: soon after a pause has ended, replication goes on."""

REASONS = {
    "s3:GetObjectVersionAcl": "SrcGetAclNotPermitted",
    "s3:GetObjectVersionForReplication": "SrcGetObjectNotPermitted",
    "s3:GetObjectVersionTagging": "SrcGetTaggingNotPermitted",
    "s3:GetReplicationConfiguration": "SrcGetObjectNotPermitted",
    "s3:ListBucket": "SrcHeadObjectNotPermitted",
    "s3:ObjectOwnerOverrideToBucketOwner": "DstPutAclNotPermitted",
    "s3:ReplicateDelete": "DstDelObjNotPermitted",
    "s3:ReplicateObject": "DstPutObjNotPermitted",
    "s3:ReplicateTags": "DstPutTaggingNotPermitted",
}
"""By the action that is denied, what "Amazon S3 replication failure reasons" calls that."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery holds: which version of which key is to come to which bucket."""

    bucket: str
    key: bytes
    seq: int
    destination: str


class Plan(NamedTuple):
    """How a task is done: in which role, in which region, by a call with which members."""

    role: str
    region: str
    params: dict[str, Any]


class Replicator:
    """Works through what is to be replicated. One of it belongs to a platform."""

    def __init__(self, doorway: Doorway, timers: TimerRunner, notifier: Notifier) -> None:
        self._doorway = doorway
        self._notifier = notifier
        self._decode = msgspec.msgpack.Decoder(Task).decode
        self.outbox = Outbox(
            TOPIC,
            state=doorway.state,
            clock=doorway.clock,
            timers=timers,
            attempt=self._attempt,
            give_up=self._give_up,
            pause=self._pause,
            lasts=self._lasts,
        )
        self._holding: dict[str, Fault] = {}
        self._delays: dict[str, float] = {}
        timers.on(LATE, self._late)
        timers.on(MEASURING, partial(put_metrics, doorway))

    async def written(self, tx: Transaction, bucket: Bucket, version: ObjectVersion) -> None:
        """A version was written, or a delete marker laid, in a bucket that is replicated."""
        await self._accept(tx, bucket, await replication.written(tx, bucket, version))

    async def altered(self, tx: Transaction, bucket: Bucket, version: ObjectVersion) -> None:
        """Tags, lock or grants of a version have changed in a bucket that is replicated."""
        await self._accept(tx, bucket, await replication.altered(tx, bucket, version))

    async def _accept(self, tx: Transaction, bucket: Bucket, found: Iterable[tuple[Pending, Rule]]) -> None:
        deliveries = []
        for one, rule in found:
            task = Task(bucket=bucket.name, key=one.key, seq=one.seq, destination=one.destination)
            content = msgspec.msgpack.encode(task)
            if rule.metrics:
                measure(tx, bucket)
            if rule.timed:
                tx.timer(tx.now + THRESHOLD * 60, LATE, content, key=replication.late_key(one))
            deliveries.append(
                Delivery(
                    id=uuid(),
                    account=bucket.account,
                    region=bucket.region,
                    lane=f"{bucket.name} {one.destination}",
                    content=content,
                    accepted=tx.now,
                    policy=PATIENCE,
                )
            )
        await self.outbox.accept(tx, deliveries)

    async def _attempt(self, delivery: Delivery) -> None:
        task = self._decode(delivery.content)
        place = self._doorway.state.at(delivery.account, delivery.region)
        try:
            plan = await _plan(place, task)
            if plan is None:
                return
            await self._pass(delivery, task, plan.region)
            await self._check_trust(delivery.account, plan.role)
            caller = Principal.of_role(delivery.account, plan.role, SESSION, f"s3:{task.bucket}")
            await self._doorway.ask("s3", "ReplicateObject", plan.params, caller, plan.region)
        except AwsError as error:
            if failure_of(error).retry:
                raise
            await _fail(place, self._notifier, task, reason_of(error))

    async def _pass(self, delivery: Delivery, task: Task, region: str) -> None:
        """Go on where no declared fault holds a version up; raises what it says, or CallDropped.

        What is delayed is tried again then, as if it had failed, so that it keeps no other waiting.
        """
        faults = self._doorway.faults
        if not faults.active:
            return
        source, node = f"s3:{task.bucket}", f"s3:{task.destination}/{task.key.decode('utf-8', 'replace')}"
        fault = faults.choose(delivery.account, source, "s3", "Replicate", node, region=region)
        if fault is not None and fault.action == "delay":
            if not delivery.attempts:
                self._delays[delivery.id] = fault.delay_ms / 1000
                raise DeliveryFailed("DELAYED", f"The fault {fault.id} delays it.", retry=True)
        elif fault is not None:
            try:
                await faults.strike(fault, "s3", f"{source}>{node}#Replicate")
            except (AwsError, CallDropped) as error:
                failure = failure_of(error)
                if not fault.steady or not failure.retry:
                    raise
                name = f"{fault.id} {id(fault)}"  # another may be declared under its id
                self._holding[name] = fault
                raise DeliveryFailed(failure.code, failure.message, retry=True, held=name) from None

    def _lasts(self, held: str) -> bool:
        fault = self._holding.get(held)
        if fault is not None and self._doorway.faults.holds(fault):
            return True
        self._holding.pop(held, None)
        return False

    def _pause(self, delivery: Delivery, attempts: int) -> float:
        delay = self._delays.pop(delivery.id, None)
        return min(pause(delivery.id, attempts), LONGEST_PAUSE) if delay is None else delay

    async def _check_trust(self, account: str, role: str) -> None:
        """Where policies are enforced, raise AssumeRoleNotPermitted for a role that does not trust S3."""
        identity = self._doorway.identity
        source = identity.authoriser.source
        if not identity.enforces or source is None:
            return
        role = await source.passed(role, account)
        trust = await source.trust(role)
        keys = {"aws:sourceaccount": (account,)}
        request = Request(Caller(account, service=SERVICE), "sts:AssumeRole", role, keys)
        policies = Policies(resource=() if trust is None else (trust,), owner=account, what="role trust policy")
        if not decide(request, policies).allowed:
            raise aws_error("AssumeRoleNotPermitted", f"S3 may not assume {role}.")

    async def _give_up(self, delivery: Delivery, failure: Failure) -> None:
        place = self._doorway.state.at(delivery.account, delivery.region)
        reason = failure.message.partition(":")[0] if failure.code != "TIMEOUT" else "DstPutObjNotPermitted"
        await _fail(place, self._notifier, self._decode(delivery.content), reason)

    async def _late(self, timer: Timer) -> None:
        place = self._doorway.state.at(timer.account, timer.region)
        await _missed(place, self._notifier, self._decode(timer.payload), timer)


def reason_of(error: AwsError) -> str:
    """What the service calls a failure."""
    for action, reason in REASONS.items():
        if error.code == "AccessDenied" and f"{action} " in error.message:
            return reason
    return error.code


@transactional
async def _plan(tx: Transaction, task: Task) -> Plan | None:
    """How a task is done; None where nothing is left of it. Raises what keeps it from being done."""
    bucket, one = await _find(tx, task)
    if bucket is None or one is None:
        return None
    version = await version_at(tx, bucket, one.key, one.seq)
    if version is None:  # it was removed before it came there
        await settle(tx, bucket, one, failed=False)
        return None
    rule = await rule_of(tx, bucket, one)
    destination = await buckets.get(tx, task.destination)
    if destination is None:
        raise aws_error("DstBucketNotFound", f"The bucket {task.destination} does not exist.")
    params = {
        "Bucket": task.destination,
        "Key": version.key,
        "Source": task.bucket,
        "Sequence": one.seq,
        "Marker": version.marker,
        "Tagged": bool(version.tags),
        "OwnerOverride": rule.owner_override,
        "Apart": destination.account != bucket.account,
    }
    return Plan(str((await settings_of(tx, bucket))["Replication"]["Role"]), destination.region, params)


async def _find(tx: Transaction, task: Task) -> tuple[Bucket | None, Pending | None]:
    bucket = await buckets.get(tx, task.bucket)
    if bucket is None:
        return None, None
    return bucket, await pending.get(tx, bucket.id, task.key, task.seq, task.destination)


async def rule_of(tx: Transaction, bucket: Bucket, one: Pending) -> Rule:
    """The rule by which something is replicated; raises SrcBucketReplicationConfigMissing where there is none now."""
    for rule in await rules_for(tx, bucket):
        if rule.id == one.rule and rule.bucket == one.destination:
            return rule
    raise aws_error("SrcBucketReplicationConfigMissing", f"The rule {one.rule} is gone.")


@transactional
async def _fail(tx: Transaction, notifier: Notifier, task: Task, reason: str) -> None:
    """A version will not come to a destination."""
    bucket, one = await _find(tx, task)
    if bucket is not None and one is not None:
        await settle(tx, bucket, one, failed=True)
        await tell(tx, notifier, bucket, one, "OperationFailedReplication", failureReason=reason)


@transactional
async def _missed(tx: Transaction, notifier: Notifier, task: Task, timer: Timer) -> None:
    """The time is over in which a version should have come to a destination."""
    tx.complete_timer(timer)
    bucket, one = await _find(tx, task)
    if bucket is not None and one is not None:
        await pending.put(tx, msgspec.structs.replace(one, missed=True))
        await tell(tx, notifier, bucket, one, "OperationMissedThreshold", threshold=str(THRESHOLD))


async def tell(tx: Transaction, notifier: Notifier, bucket: Bucket, one: Pending, event: str, **details: str) -> None:
    """Notify of what became of a version, where its rule is measured."""
    kinds = await settings_of(tx, bucket)
    version = await version_at(tx, bucket, one.key, one.seq)
    rules = [rule for rule in await rules_for(tx, bucket) if rule.id == one.rule]
    if kinds.get("Notification") is None or version is None or not any(rule.metrics for rule in rules):
        return
    about = {
        "replicationRuleId": one.rule,
        "destinationBucket": arn("s3", "", "", one.destination),
        "s3Operation": "OBJECT_DELETE" if version.marker else "OBJECT_PUT",
        "requestTime": milliseconds(one.since),
        **details,
    }
    occasion = Occasion.of_lifecycle(tx.now, uuid())
    await notifier.tell(tx, occasion, bucket, version, f"Replication:{event}", {"replicationEventData": about})
