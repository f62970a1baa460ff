"""CreateBackup and its siblings, RestoreTableFromBackup and RestoreTableToPointInTime.

Backups and restored tables are copies of a table as it was at one moment (`copying.py`), made in the background.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn, hex_id, uuid
from kumoi.services.dynamodb import dynamodb, journal, schema
from kumoi.services.dynamodb.copying import Backup, Copy, backups, begin
from kumoi.services.dynamodb.describe import Count, describe, key_schema, table_arn
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.naming import arn_of, table_name
from kumoi.services.dynamodb.records import Table, Throughput, tables
from kumoi.services.dynamodb.storage import counts, new_id
from kumoi.services.dynamodb.upkeep import erase_rows_later
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

INDEX_MEMBERS = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")
OVERRIDES = (
    "BillingModeOverride",
    "GlobalSecondaryIndexOverride",
    "LocalSecondaryIndexOverride",
    "ProvisionedThroughputOverride",
    "OnDemandThroughputOverride",
    "SSESpecificationOverride",
)


@dynamodb.operation
async def create_backup(call: Call, TableName: str, BackupName: str) -> dict[str, Any]:
    """Begin to copy a table's items, as they are now, to a backup."""
    backup = await _create(call.state, table_name(call, TableName), BackupName)
    return {"BackupDetails": _details(call, backup, None) | {"BackupStatus": "CREATING"}}


@transactional
async def _create(tx: Transaction, name: str, backup_name: str) -> Backup:
    table = await _source(tx, name)
    number = f"0{int(tx.now * 1000)}-{hex_id(8)}"
    created = round(tx.now, 3)
    backup = Backup(id=number, name=backup_name, source=table, rows=await new_id(tx), created=created)
    await backups.put(tx, backup)
    since = await journal.end(tx, table.id)
    await begin(tx, Copy(kind="backup", target=(name, number), rows=table.id, source=name, since=since))
    return backup


@dynamodb.operation
async def describe_backup(call: Call, BackupArn: str) -> dict[str, Any]:
    """A backup and the table it was made of."""
    backup, count = await _find(call.state, _backup_key(call, BackupArn), BackupArn)
    return {"BackupDescription": _description(call, backup, count)}


@dynamodb.operation
async def delete_backup(call: Call, BackupArn: str) -> dict[str, Any]:
    """Drop a backup."""
    backup, count = await _delete(call.state, _backup_key(call, BackupArn), BackupArn)
    description = _description(call, backup, count)
    description["BackupDetails"]["BackupStatus"] = "DELETED"
    return {"BackupDescription": description}


@transactional
async def _delete(tx: Transaction, key: tuple[str, str], arn: str) -> tuple[Backup, Count]:
    backup, count = await _find(tx, key, arn)
    if not backup.available:
        raise aws_error("BackupInUseException", f"Backup is being created: {arn}")
    await backups.delete(tx, *key)
    await erase_rows_later(tx, backup.rows)
    return backup, count


@dynamodb.operation
async def list_backups(
    call: Call,
    TableName: str | None = None,
    Limit: int = 100,
    TimeRangeLowerBound: datetime | None = None,
    TimeRangeUpperBound: datetime | None = None,
    ExclusiveStartBackupArn: str | None = None,
    BackupType: str = "ALL",
) -> dict[str, Any]:
    """Backups by table and age, of all tables or one."""
    name = None if TableName is None else table_name(call, TableName)
    after = None if ExclusiveStartBackupArn is None else _backup_key(call, ExclusiveStartBackupArn)
    found = await _list(call.state, name, after) if BackupType in ("ALL", "USER") else []
    low = TimeRangeLowerBound.timestamp() if TimeRangeLowerBound else 0.0
    high = TimeRangeUpperBound.timestamp() if TimeRangeUpperBound else float("inf")
    found = [(backup, count) for backup, count in found if low <= backup.created < high]
    told = [
        {
            "TableName": backup.source.name,
            "TableId": backup.source.uuid,
            "TableArn": arn_of(call, backup.source.name),
            **_details(call, backup, count),
        }
        for backup, count in found[:Limit]
    ]
    answer: dict[str, Any] = {"BackupSummaries": told}
    if len(found) > Limit:
        answer["LastEvaluatedBackupArn"] = told[-1]["BackupArn"]
    return answer


@transactional
async def _list(tx: Transaction, name: str | None, after: tuple[str, str] | None) -> list[tuple[Backup, Count]]:
    found = await backups.list(tx, *([name] if name else []), after=after)
    return [(backup, (await counts(tx, backup.contents))[backup.rows]) for backup in found]


@dynamodb.operation
async def restore_table_from_backup(
    call: Call,
    TargetTableName: str,
    BackupArn: str,
    BillingModeOverride: str | None = None,
    GlobalSecondaryIndexOverride: list[dict[str, Any]] | None = None,
    LocalSecondaryIndexOverride: list[dict[str, Any]] | None = None,
    ProvisionedThroughputOverride: dict[str, int] | None = None,
    OnDemandThroughputOverride: dict[str, int] | None = None,
    SSESpecificationOverride: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Begin to make a new table of a backup; it is ACTIVE once all items are in."""
    overrides = _overrides(call)
    table = await _restore_backup(
        call.state, table_name(call, TargetTableName), _backup_key(call, BackupArn), BackupArn, overrides
    )
    return _restored(call, table)


@transactional
async def _restore_backup(
    tx: Transaction, name: str, key: tuple[str, str], arn: str, overrides: Mapping[str, Any]
) -> Table:
    backup, _ = await _find(tx, key, arn)
    if not backup.available:
        raise aws_error("BackupInUseException", f"Backup is being created: {arn}")
    source_arn = table_arn(tx.account, tx.region, backup.source.name)
    summary = {"SourceBackupArn": arn, "SourceTableArn": source_arn, "RestoreDateTime": backup.created}
    table = await _new_table(tx, name, backup.source, overrides, summary)
    await begin(tx, Copy(kind="table", target=(name,), rows=backup.rows))
    return table


@dynamodb.operation
async def restore_table_to_point_in_time(
    call: Call,
    TargetTableName: str,
    SourceTableArn: str | None = None,
    SourceTableName: str | None = None,
    UseLatestRestorableTime: bool = False,
    RestoreDateTime: datetime | None = None,
    BillingModeOverride: str | None = None,
    GlobalSecondaryIndexOverride: list[dict[str, Any]] | None = None,
    LocalSecondaryIndexOverride: list[dict[str, Any]] | None = None,
    ProvisionedThroughputOverride: dict[str, int] | None = None,
    OnDemandThroughputOverride: dict[str, int] | None = None,
    SSESpecificationOverride: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Begin to make a new table of a table as it was at a moment within its window of recovery."""
    source = SourceTableName or SourceTableArn
    if source is None:
        raise invalid("One of SourceTableName or SourceTableArn must be specified")
    if UseLatestRestorableTime == (RestoreDateTime is not None):
        raise invalid("Exactly one of UseLatestRestorableTime or RestoreDateTime must be specified")
    overrides = _overrides(call)
    moment = call.now if RestoreDateTime is None else RestoreDateTime.timestamp()
    target = table_name(call, TargetTableName)
    table = await _restore_moment(call.state, target, table_name(call, source), moment, overrides)
    return _restored(call, table)


@transactional
async def _restore_moment(
    tx: Transaction, name: str, source: str, moment: float, overrides: Mapping[str, Any]
) -> Table:
    table = await _source(tx, source)
    if not table.recovery_days:
        raise aws_error(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{source}'",
        )
    earliest = max(table.recovery_since, tx.now - table.recovery_days * 86_400)
    if not earliest <= moment <= tx.now:
        raise aws_error(
            "InvalidRestoreTimeException",
            "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime.",
        )
    arn = table_arn(tx.account, tx.region, source)
    restored = await _new_table(tx, name, table, overrides, {"SourceTableArn": arn, "RestoreDateTime": moment})
    since = await journal.before_time(tx, table.id, moment)
    await begin(tx, Copy(kind="table", target=(name,), rows=table.id, source=source, since=since))
    return restored


def _overrides(call: Call) -> dict[str, Any]:
    """What a restored table has otherwise than its source."""
    return {name: call.params.get(name) for name in OVERRIDES} | {"DefaultKey": call.arn("kms", "alias/aws/dynamodb")}


async def _new_table(
    tx: Transaction, name: str, source: Table, overrides: Mapping[str, Any], summary: dict[str, Any]
) -> Table:
    """The table that is to be filled: keys and indexes of the source, without its stream, expiry, tags and recovery."""
    if await tables.get(tx, name) is not None:
        raise aws_error("TableAlreadyExistsException", f"Table already exists: {name}")
    billing = overrides["BillingModeOverride"] or source.billing
    units, sse = overrides["ProvisionedThroughputOverride"], overrides["SSESpecificationOverride"]
    throughput = (
        source.throughput if units is None and billing == source.billing else schema.billing_mode(billing, units)
    )
    indexes = []
    for index in source.indexes:
        kept = overrides["GlobalSecondaryIndexOverride" if index.is_global else "LocalSecondaryIndexOverride"]
        if kept is not None and all(one["IndexName"] != index.name for one in kept):
            continue
        own = index.throughput if billing == source.billing else throughput
        indexes.append(msgspec.structs.replace(index, id=await new_id(tx), throughput=own, backfilling=False))
    used = {*source.keys.names, *(name for index in indexes for name in index.keys.names)}
    table = Table(
        name=name,
        id=await new_id(tx),
        uuid=uuid(),
        created=round(tx.now, 3),
        keys=source.keys,
        attributes={name: kind for name, kind in source.attributes.items() if name in used},
        indexes=tuple(indexes),
        billing=billing,
        throughput=throughput if billing == "PROVISIONED" else Throughput(),
        on_demand=schema.on_demand(overrides["OnDemandThroughputOverride"], billing),
        table_class=source.table_class,
        encryption=source.encryption if sse is None else schema.encryption(sse, overrides["DefaultKey"]),
        restoring=True,
        restored_from=summary,
    )
    await tables.put(tx, table)
    return table


def _restored(call: Call, table: Table) -> dict[str, Any]:
    nothing = {id: Count(0, 0) for id in (table.id, *(index.id for index in table.indexes))}
    return {"TableDescription": describe(table, arn_of(call, table.name), nothing)}


async def _source(tx: Transaction, name: str) -> Table:
    table = await tables.get(tx, name)
    if table is None or table.restoring:
        raise aws_error("TableNotFoundException", f"Table not found: {name}")
    return table


@transactional
async def _find(tx: Transaction, key: tuple[str, str], arn: str) -> tuple[Backup, Count]:
    backup = await backups.get(tx, *key)
    if backup is None:
        raise _no_backup(arn)
    return backup, (await counts(tx, backup.contents))[backup.rows]


def _no_backup(arn: str) -> AwsError:
    return aws_error("BackupNotFoundException", f"Backup not found: {arn}")


def _backup_key(call: Call, BackupArn: str) -> tuple[str, str]:
    """(table, id) of a backup's ARN."""
    try:
        arn = Arn.parse(BackupArn)
    except ValueError:
        raise invalid(f"Invalid BackupArn: {BackupArn}") from None
    parts = arn.resource.split("/")
    if arn.service != "dynamodb" or len(parts) != 4 or parts[0] != "table" or parts[2] != "backup":
        raise invalid(f"Invalid BackupArn: {BackupArn}")
    if (arn.account, arn.region) != (call.account, call.region):
        raise _no_backup(BackupArn)
    return parts[1], parts[3]


def _details(call: Call, backup: Backup, count: Count | None) -> dict[str, Any]:
    return {
        "BackupArn": f"{arn_of(call, backup.source.name)}/backup/{backup.id}",
        "BackupName": backup.name,
        "BackupSizeBytes": count.bytes if count else 0,
        "BackupStatus": "AVAILABLE" if backup.available else "CREATING",
        "BackupType": "USER",
        "BackupCreationDateTime": backup.created,
    }


def _description(call: Call, backup: Backup, count: Count) -> dict[str, Any]:
    source = backup.source
    arn = arn_of(call, source.name)
    told = describe(source, arn, {id: Count(0, 0) for id in (source.id, *(one.id for one in source.indexes))})
    features: dict[str, Any] = {}
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if member in told:
            features[member] = [
                {name: value for name, value in index.items() if name in INDEX_MEMBERS} for index in told[member]
            ]
    if source.stream:
        features["StreamDescription"] = told["StreamSpecification"]
    if source.expiry:
        features["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": source.expiry}
    if source.encryption:
        features["SSEDescription"] = source.encryption
    return {
        "BackupDetails": _details(call, backup, count),
        "SourceTableDetails": {
            "TableName": source.name,
            "TableId": source.uuid,
            "TableArn": arn,
            "TableSizeBytes": count.bytes,
            "KeySchema": key_schema(source.keys),
            "TableCreationDateTime": source.created,
            "ProvisionedThroughput": {
                "ReadCapacityUnits": source.throughput.read,
                "WriteCapacityUnits": source.throughput.write,
            },
            "ItemCount": count.items,
            "BillingMode": source.billing,
            **({"OnDemandThroughput": source.on_demand} if source.on_demand else {}),
        },
        "SourceTableFeatureDetails": features,
    }
