"""Metrics of replication, put each minute in which something is pending or has failed by a rule that has them.

Source: "Using S3 Replication metrics": what is pending, how far a destination is behind, and how much has failed.
"""

from __future__ import annotations

import logging
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.services.s3.notifier import SERVICE
from kumoi.services.s3.records import Bucket, buckets
from kumoi.services.s3.replication import counter, pending, rules_for
from kumoi.services.s3.replication_rules import Rule
from kumoi.services.s3.topics import MEASURING
from kumoi.state import Timer, Transaction, transactional
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

MINUTE = 60
_AT_ONCE = 1000
"""Data that PutMetricData takes; a bucket may have as many rules, each with four."""
_LOOKED_AT = 1000
"""Versions that are looked at for the one that waits longest: the first by key."""


def measure(tx: Transaction, bucket: Bucket) -> None:
    """Have the metrics of a bucket put at the end of this minute."""
    tx.timer((int(tx.now) // MINUTE + 1) * MINUTE, MEASURING, bucket.name.encode(), key=str(bucket.id))


async def put_metrics(doorway: Doorway, timer: Timer) -> None:
    """Put the metrics of a minute; CloudWatch that takes none is warned of, as they are best effort."""
    place = doorway.state.at(timer.account, timer.region)
    name = timer.payload.decode()
    data = await _measured(place, name, timer)
    if not data:
        return
    caller = Principal.of_service(timer.account, SERVICE, f"s3:{name}", f"arn:aws:s3:::{name}")
    try:
        for at in range(0, len(data), _AT_ONCE):
            params = {"Namespace": "AWS/S3", "MetricData": data[at : at + _AT_ONCE]}
            await doorway.ask("cloudwatch", "PutMetricData", params, caller, timer.region)
    except AwsError as error:
        logger.warning("the replication of %s is not measured: %s", name, error)


@transactional
async def _measured(tx: Transaction, name: str, timer: Timer) -> list[dict[str, Any]]:
    tx.complete_timer(timer)
    bucket = await buckets.get(tx, name)
    if bucket is None:
        return []
    data: list[dict[str, Any]] = []
    goes_on = False
    since: dict[tuple[str, str], float] = {}
    for one in await pending.list(tx, bucket.id, limit=_LOOKED_AT):
        by = one.destination, one.rule
        since[by] = min(one.since, since.get(by, one.since))
    for rule in await rules_for(tx, bucket):
        if not rule.metrics:
            continue
        operations, size, failed = [await _count(tx, bucket, rule, what) for what in ("operations", "bytes", "failed")]
        values = {
            "OperationsPendingReplication": (operations, "Count"),
            "BytesPendingReplication": (size, "Bytes"),
            "OperationsFailedReplication": (failed, "Count"),
            "ReplicationLatency": (max(0.0, tx.now - since.get((rule.bucket, rule.id), tx.now)), "Seconds"),
        }
        if failed:
            await tx.add(counter(bucket.id, rule.bucket, rule.id, "failed"), -failed)
        goes_on = goes_on or bool(operations or failed)
        data += [_datum(name, rule, metric, value, unit) for metric, (value, unit) in values.items()]
    if goes_on:
        measure(tx, bucket)
    return data


async def _count(tx: Transaction, bucket: Bucket, rule: Rule, what: str) -> int:
    return await tx.add(counter(bucket.id, rule.bucket, rule.id, what), 0)


def _datum(source: str, rule: Rule, name: str, value: float, unit: str) -> dict[str, Any]:
    dimensions = {"SourceBucket": source, "DestinationBucket": rule.bucket, "RuleId": rule.id}
    return {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        "Value": float(value),
        "Unit": unit,
    }
