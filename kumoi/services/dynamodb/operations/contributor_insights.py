"""DescribeContributorInsights, UpdateContributorInsights and ListContributorInsights: a setting of tables and indexes.

AWS shows the most used keys in CloudWatch's contributor insights, which Kumoi has not: the setting is kept and told.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.errors import invalid, no_such_table
from kumoi.services.dynamodb.naming import table_name
from kumoi.services.dynamodb.records import Table, tables
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

USUAL_MODE = "ACCESSED_AND_THROTTLED_KEYS"
MOST_LISTED = 100


@dynamodb.operation
async def describe_contributor_insights(call: Call, TableName: str, IndexName: str | None = None) -> dict[str, Any]:
    """Whether a table or an index has contributor insights."""
    table = await _find(call.state, table_name(call, TableName), IndexName or "")
    mode = table.insights.get(IndexName or "")
    told = _told(table.name, IndexName or "", "DISABLED" if mode is None else "ENABLED", mode)
    return told if mode is None else told | {"ContributorInsightsRuleList": _rules(table, IndexName or "", mode)}


@dynamodb.operation
async def update_contributor_insights(
    call: Call,
    TableName: str,
    ContributorInsightsAction: str,
    IndexName: str | None = None,
    ContributorInsightsMode: str = USUAL_MODE,
) -> dict[str, Any]:
    """Turn contributor insights of a table or an index on or off."""
    mode = ContributorInsightsMode if ContributorInsightsAction == "ENABLE" else None
    table = await _set(call.state, table_name(call, TableName), IndexName or "", mode)
    return _told(table.name, IndexName or "", "DISABLING" if mode is None else "ENABLING", mode)


@dynamodb.operation
async def list_contributor_insights(
    call: Call, TableName: str | None = None, NextToken: str | None = None, MaxResults: int = 0
) -> dict[str, Any]:
    """Tables and indexes that have contributor insights, of all tables or one."""
    if MaxResults > MOST_LISTED:
        raise invalid(f"MaxResults must be at most {MOST_LISTED}: {MaxResults}")
    page = MaxResults if MaxResults > 0 else MOST_LISTED
    found = await _list(call.state, None if TableName is None else table_name(call, TableName))
    after = tuple((NextToken or "").split("/", 1))
    rest = [one for one in found if NextToken is None or one[:2] > after]
    told = [_told(name, index, "ENABLED", mode) for name, index, mode in rest[:page]]
    answer: dict[str, Any] = {"ContributorInsightsSummaries": told}
    if len(rest) > page:
        answer["NextToken"] = "/".join(rest[page - 1][:2])
    return answer


def _told(name: str, index: str, status: str, mode: str | None) -> dict[str, Any]:
    told = {"TableName": name, "ContributorInsightsStatus": status}
    return told | ({"IndexName": index} if index else {}) | ({} if mode is None else {"ContributorInsightsMode": mode})


def _rules(table: Table, index: str, mode: str) -> list[str]:
    """The names of the rules that AWS would have made in CloudWatch."""
    keys = table.keys if not index else next(one.keys for one in table.indexes if one.name == index)
    kinds = ["PKC", "SKC"] if keys.range else ["PKC"]
    kinds = [*(kinds if mode == USUAL_MODE else ()), *(kind.replace("C", "T") for kind in kinds)]
    place = f"{table.name}-{index}" if index else table.name
    return [f"DynamoDBContributorInsights-{kind}-{place}-{int(table.created * 1000)}" for kind in kinds]


@transactional
async def _find(tx: Transaction, name: str, index: str) -> Table:
    table = await tables.get(tx, name)
    if table is None:
        raise no_such_table(name)
    found = table.index(index) if index else None
    if index and (found is None or not found.is_global):
        raise aws_error("ResourceNotFoundException", f"Requested resource not found: Index: {index} not found")
    return table


@transactional
async def _set(tx: Transaction, name: str, index: str, mode: str | None) -> Table:
    table = await _find(tx, name, index)
    kept = {one: value for one, value in table.insights.items() if one != index}
    table = msgspec.structs.replace(table, insights=kept if mode is None else {**kept, index: mode})
    await tables.put(tx, table)
    return table


@transactional
async def _list(tx: Transaction, name: str | None) -> list[tuple[str, str, str]]:
    """(table, index or nothing, mode), ordered."""
    found = await tables.list(tx, *([] if name is None else [name]))
    return [(table.name, index, mode) for table in found for index, mode in sorted(table.insights.items())]
