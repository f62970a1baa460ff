"""UpdateTimeToLive and DescribeTimeToLive."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.errors import invalid, no_such_table
from kumoi.services.dynamodb.expiry import set_timer
from kumoi.services.dynamodb.naming import table_name
from kumoi.services.dynamodb.records import Table, tables
from kumoi.services.dynamodb.upkeep import Backfill, backfill_later
from kumoi.state import Transaction, transactional


@dynamodb.operation
async def update_time_to_live(call: Call, TableName: str, TimeToLiveSpecification: dict[str, Any]) -> dict[str, Any]:
    """Have items expire at the time in an attribute of theirs, or no longer."""
    enabled, attribute = TimeToLiveSpecification["Enabled"], TimeToLiveSpecification["AttributeName"]
    await _change(call.state, table_name(call, TableName), attribute, enabled)
    return {"TimeToLiveSpecification": TimeToLiveSpecification}


@dynamodb.operation
async def describe_time_to_live(call: Call, TableName: str) -> dict[str, Any]:
    """Whether items expire, and by which attribute."""
    table = await _find(call.state, table_name(call, TableName))
    if not table.expiry:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.expiry}}


@transactional
async def _find(tx: Transaction, name: str) -> Table:
    table = await tables.get(tx, name)
    if table is None:
        raise no_such_table(name)
    return table


@transactional
async def _change(tx: Transaction, name: str, attribute: str, enabled: bool) -> None:
    table = await _find(tx, name)
    await _set(tx, table, attribute, enabled)
    for region in table.replicas:  # replicas expire by the same attribute
        place = tx.at(tx.account, region)
        replica = await tables.get(place, name)
        if replica is not None and bool(replica.expiry) != enabled:
            await _set(place, replica, attribute, enabled)


async def _set(tx: Transaction, table: Table, attribute: str, enabled: bool) -> None:
    if enabled and table.expiry:
        raise invalid("TimeToLive is already enabled")
    if not enabled and not table.expiry:
        raise invalid("TimeToLive is already disabled")
    if not enabled and table.expiry != attribute:
        raise invalid(f"TimeToLive is active on a different AttributeName: current AttributeName is {table.expiry}")
    table = msgspec.structs.replace(table, expiry=attribute if enabled else "")
    await tables.put(tx, table)
    if (
        enabled
    ):  # rows from an earlier time with expiry may lie about: what has become of them is seen when they are due
        backfill_later(tx, Backfill(table.name))
        set_timer(tx, table, tx.now)
