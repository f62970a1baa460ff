"""DescribeLimits, DescribeEndpoints, and continuous backups, which are a setting of a table."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb, journal
from kumoi.services.dynamodb.naming import table_name
from kumoi.services.dynamodb.records import Table, tables
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_RECOVERY_DAYS = 35


@dynamodb.operation
async def describe_limits(call: Call) -> dict[str, int]:
    """The account's quotas, which are AWS's defaults and not enforced."""
    return {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }


@dynamodb.operation
async def describe_endpoints(call: Call) -> dict[str, Any]:
    """Where this service is: here."""
    address = (call.http.host if call.http is not None else "") or call.doorway.endpoint.partition("://")[2]
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}


@dynamodb.operation
async def describe_continuous_backups(call: Call, TableName: str) -> dict[str, Any]:
    """Whether a table has point-in-time recovery."""
    return _described(await _find(call.state, table_name(call, TableName)), call.now)


@dynamodb.operation
async def update_continuous_backups(
    call: Call, TableName: str, PointInTimeRecoverySpecification: dict[str, Any]
) -> dict[str, Any]:
    """Turn point-in-time recovery on or off, with a window of up to 35 days."""
    enabled = PointInTimeRecoverySpecification["PointInTimeRecoveryEnabled"]
    days = PointInTimeRecoverySpecification.get("RecoveryPeriodInDays", MOST_RECOVERY_DAYS)
    name = table_name(call, TableName)
    return _described(await _set_recovery(call.state, name, days if enabled else 0), call.now)


@transactional
async def _set_recovery(tx: Transaction, name: str, days: int) -> Table:
    table = await _find(tx, name)
    since = table.recovery_since if table.recovery_days else round(tx.now, 3)
    if days and not table.recovery_days:
        journal.trim_later(tx, table)
    table = msgspec.structs.replace(table, recovery_days=days, recovery_since=since if days else 0.0)
    if not table.journaled:
        await journal.trim(tx, table.id, float("inf"))
    await tables.put(tx, table)
    return table


@transactional
async def _find(tx: Transaction, name: str) -> Table:
    table = await tables.get(tx, name)
    if table is None:
        raise aws_error("TableNotFoundException", f"Table not found: {name}")
    return table


def _described(table: Table, now: float) -> dict[str, Any]:
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "ENABLED" if table.recovery_days else "DISABLED"}
    if table.recovery_days:
        recovery["RecoveryPeriodInDays"] = table.recovery_days
        recovery["EarliestRestorableDateTime"] = max(table.recovery_since, now - table.recovery_days * 86_400)
        recovery["LatestRestorableDateTime"] = now
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": recovery,
        }
    }
