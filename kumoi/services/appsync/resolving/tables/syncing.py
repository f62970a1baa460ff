"""Sync: all items at first, later what has changed since; `startedAt` is what the next Sync gives as `lastSync`.

A client that was away for longer than rows stay in the delta table gets all items again. Source: "Sync" of the resolver
mapping template reference for DynamoDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.epoch import moment_of
from kumoi.services.appsync.resolving.tables import delta
from kumoi.services.appsync.resolving.tables.table import Expressions, Table
from kumoi.services.appsync.resolving.tables.values import (
    bad_token,
    low,
    plain_item,
    position_of,
    sendable,
    token_of,
)

LIMIT = 100


async def sync(table: Table, request: Mapping[str, Any]) -> Any:
    """A page of items; raises FieldError."""
    now = int(table.field.asked.call.now * 1000)
    position = _position(request.get("nextToken"))
    started = min(int(position.get("started", now)), now)
    since = position["since"] if position else request.get("lastSync")
    kept = delta.minutes(table, "deltaSyncTableTTL") * 60_000
    if since is not None and (int(since) <= 0 or started - int(since) > kept):
        since = None
    if since is None:
        found, after = await _base(table, request, position.get("after"))
        day = None
    else:
        found, day, after = await _changes(table, request, int(since), started, position)
    more = after is not None or day is not None
    token = {"started": started, "since": since, "day": day, "after": after and sendable(after)}
    return {
        "items": [
            {name: value for name, value in (plain_item(item) or {}).items() if name not in delta.COLUMNS}
            for item in found["items"]
        ],
        "nextToken": token_of(token) if more else None,
        "startedAt": started,
        "scannedCount": found["scanned"],
    }


def _position(token: Any) -> dict[str, Any]:
    if not token:
        return {}
    position = position_of(token)
    if not isinstance(position, dict) or position.keys() != {"started", "since", "day", "after"}:
        raise bad_token()
    return position


async def _base(table: Table, request: Mapping[str, Any], after: Any) -> tuple[dict[str, Any], Any]:
    expressions, given = Expressions(), {"TableName": table.name}
    partition = request.get("basePartitionKey")
    operation = "Scan"
    if partition is not None:
        described = (await table.ask("DescribeTable", TableName=table.name))["Table"]
        kinds = {one["AttributeName"]: one["AttributeType"] for one in described["AttributeDefinitions"]}
        (name,) = (one["AttributeName"] for one in described["KeySchema"] if one["KeyType"] == "HASH")
        expressions.names["#kumoi_pk"] = name
        expressions.values[":kumoi_pk"] = {kinds[name]: str(partition)}
        operation, given["KeyConditionExpression"] = "Query", "#kumoi_pk = :kumoi_pk"
    return await _page(table, operation, request, expressions, after, given)


async def _changes(
    table: Table, request: Mapping[str, Any], since: int, started: int, position: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None, Any]:
    """A page of the delta table; the day and the key to go on at, if there is more."""
    index, custom = request.get("deltaIndexName"), request.get("basePartitionKey")
    columns = ("gsi_ds_pk", "gsi_ds_sk") if index else ("ds_pk", "ds_sk")
    wanted = list(delta.days(moment_of(since), moment_of(started)))
    limit = int(request.get("limit") or LIMIT)
    found: dict[str, Any] = {"items": [], "scanned": 0}
    after = position.get("after")
    for at, day in enumerate(wanted):
        if position.get("day") and f"{day:%Y-%m-%d}" < str(position["day"]):
            continue
        expressions = Expressions()
        expressions.names |= {"#kumoi_pk": columns[0], "#kumoi_sk": columns[1]}
        expressions.values |= {
            ":kumoi_pk": {"S": delta.partition(table, day, None if index else custom)},
            ":kumoi_sk": {"S": delta.time_of_day(day)},
        }
        given = {
            "TableName": delta.table_name(table),
            "KeyConditionExpression": "#kumoi_pk = :kumoi_pk AND #kumoi_sk >= :kumoi_sk",
            **({"IndexName": str(index)} if index else {}),
        }
        left = {**request, "limit": limit - found["scanned"]}
        page, after = await _page(table, "Query", left, expressions, after, given)
        found = {"items": found["items"] + page["items"], "scanned": found["scanned"] + page["scanned"]}
        if after is not None:
            return found, f"{day:%Y-%m-%d}", after
        if found["scanned"] >= limit and at + 1 < len(wanted):
            return found, f"{wanted[at + 1]:%Y-%m-%d}", None
    return found, None, None


async def _page(
    table: Table,
    operation: str,
    request: Mapping[str, Any],
    expressions: Expressions,
    after: Any,
    given: dict[str, Any],
) -> tuple[dict[str, Any], Any]:
    condition = expressions.add(request.get("filter"))
    if condition is not None:
        given["FilterExpression"] = condition
    if after:
        given["ExclusiveStartKey"] = low(after)
    limit = int(request.get("limit") or LIMIT)
    answer = await table.ask(operation, Limit=limit, **given, **expressions.given())
    page = {"items": answer.get("Items", []), "scanned": answer.get("ScannedCount", 0)}
    return page, answer.get("LastEvaluatedKey") or None
