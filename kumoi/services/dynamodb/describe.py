"""A table as DescribeTable, and the operations that change tables, answer it."""

from __future__ import annotations

from typing import Any, NamedTuple

from kumoi.names import arn
from kumoi.services.dynamodb.records import Index, Keys, Table, Throughput

GLOBAL_TABLE_VERSION = "2019.11.21"


class Count(NamedTuple):
    """How much lies in a table or index."""

    items: int
    bytes: int


def table_arn(account: str, region: str, name: str) -> str:
    """A table's ARN."""
    return arn("dynamodb", region, account, f"table/{name}")


def key_schema(keys: Keys) -> list[dict[str, str]]:
    """Keys as the API has them."""
    schema = [{"AttributeName": keys.hash, "KeyType": "HASH"}]
    if keys.range:
        schema.append({"AttributeName": keys.range, "KeyType": "RANGE"})
    return schema


def describe(table: Table, arn: str, counts: dict[int, Count], *, warm: bool = False) -> dict[str, Any]:
    """TableDescription; `counts` by id of table and indexes. With `warm`, as DescribeTable tells it."""
    description: dict[str, Any] = {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in table.attributes.items()
        ],
        "TableName": table.name,
        "KeySchema": key_schema(table.keys),
        "TableStatus": "CREATING" if table.restoring else "ACTIVE",
        "CreationDateTime": table.created,
        "ProvisionedThroughput": _throughput(table.throughput),
        "TableSizeBytes": counts[table.id].bytes,
        "ItemCount": counts[table.id].items,
        "TableArn": arn,
        "TableId": table.uuid,
        "DeletionProtectionEnabled": table.protected,
    }
    on_demand = table.billing == "PAY_PER_REQUEST"
    if on_demand or table.billing_changed is not None:
        description["BillingModeSummary"] = {"BillingMode": table.billing}
        if table.billing_changed is not None:
            description["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = table.billing_changed
    if warm:
        description["WarmThroughput"] = _warm(table.warm, table.throughput, on_demand)
    local = [_index(index, arn, counts) for index in table.indexes if not index.is_global]
    if local:
        description["LocalSecondaryIndexes"] = local
    if any(index.is_global for index in table.indexes):
        description["GlobalSecondaryIndexes"] = [
            _global_index(index, arn, counts, on_demand if warm else None) for index in table.indexes if index.is_global
        ]
    if table.stream:
        description["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream}
    if table.stream_label:
        description["LatestStreamLabel"] = table.stream_label
        description["LatestStreamArn"] = f"{arn}/stream/{table.stream_label}"
    if table.encryption:
        description["SSEDescription"] = table.encryption
    if table.table_class:
        description["TableClassSummary"] = {"TableClass": table.table_class}
    if table.replicas:
        description["GlobalTableVersion"] = GLOBAL_TABLE_VERSION
        description["Replicas"] = [
            {"RegionName": region, "ReplicaStatus": status} for region, status in sorted(table.replicas.items())
        ]
    if table.restored_from:
        description["RestoreSummary"] = table.restored_from | {"RestoreInProgress": table.restoring}
    if table.on_demand:
        description["OnDemandThroughput"] = table.on_demand
    return description


def describe_deleted(table: Table, arn: str, counts: dict[int, Count]) -> dict[str, Any]:
    """What DeleteTable answers."""
    told = ("TableName", "ProvisionedThroughput", "TableSizeBytes", "ItemCount", "TableArn", "TableId")
    description = describe(table, arn, counts)
    return {name: description[name] for name in told} | {
        "TableStatus": "DELETING",
        "DeletionProtectionEnabled": table.protected,
    }


def _throughput(throughput: Throughput) -> dict[str, int]:
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": throughput.read,
        "WriteCapacityUnits": throughput.write,
    }


def _warm(stated: dict[str, int], throughput: Throughput, on_demand: bool) -> dict[str, Any]:
    units = Throughput(12_000, 4_000) if on_demand else throughput
    return {"ReadUnitsPerSecond": units.read, "WriteUnitsPerSecond": units.write, **stated, "Status": "ACTIVE"}


def _index(index: Index, arn: str, counts: dict[int, Count]) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.included:
        projection["NonKeyAttributes"] = list(index.included)
    return {
        "IndexName": index.name,
        "KeySchema": key_schema(index.keys),
        "Projection": projection,
        "IndexSizeBytes": counts[index.id].bytes,
        "ItemCount": counts[index.id].items,
        "IndexArn": f"{arn}/index/{index.name}",
    }


def _global_index(index: Index, arn: str, counts: dict[int, Count], on_demand: bool | None) -> dict[str, Any]:
    description = _index(index, arn, counts)
    description["IndexStatus"] = "CREATING" if index.backfilling else "ACTIVE"
    if index.backfilling:
        description["Backfilling"] = True
    description["ProvisionedThroughput"] = _throughput(index.throughput)
    if index.on_demand:
        description["OnDemandThroughput"] = index.on_demand
    if on_demand is not None:
        description["WarmThroughput"] = _warm({}, index.throughput, on_demand)
    return description
