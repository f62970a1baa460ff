"""Query 10 of 50 and GetItem in a table of 10,000 items and in one of 1,000,000: the cost must not double.

scripts/bench large_table
"""

from __future__ import annotations

import socket
from tempfile import TemporaryDirectory
from typing import Any

from dynamodb import call, create
from invoke import kumoi
from load import exchange, free_port, load, server

SIZE, BATCH = 50, 25
TABLES = {"ten-thousand": 200, "a-million": 20_000}
"""Partitions by table; each has SIZE items."""


def item(partition: int, number: int) -> dict[str, Any]:
    return {"pk": {"S": f"customer-{partition}"}, "sk": {"S": f"order-{number:06}"}, "text": {"S": "x" * 100}}


def fill(connection: socket.socket, table: str, partitions: int) -> None:
    for partition in range(partitions):
        for first in range(0, SIZE, BATCH):
            puts = [{"PutRequest": {"Item": item(partition, first + number)}} for number in range(BATCH)]
            status, body = exchange(connection, call("BatchWriteItem", RequestItems={table: puts}))
            assert status == 200, body


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, _ready):
        costs: dict[str, list[float]] = {"Query 10": [], "GetItem": []}
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for table in TABLES:
                status, body = exchange(connection, create(table))
                assert status == 200, body
                fill(connection, table, TABLES[table])
        for table, partitions in TABLES.items():
            query = call(
                "Query",
                TableName=table,
                KeyConditionExpression="pk = :p AND begins_with(sk, :s)",
                ExpressionAttributeValues={":p": {"S": f"customer-{partitions // 2}"}, ":s": {"S": "order-00002"}},
            )
            key = {name: item(partitions // 2, 7)[name] for name in ("pk", "sk")}
            for name, prepared in (("Query 10", query), ("GetItem", call("GetItem", TableName=table, Key=key))):
                found = load(port, prepared, count=4000, concurrency=1, pid=pid)
                costs[name].append(found.p50)
                print(f"{table:14} {name:9} p50 {found.p50:.3f} ms  p99 {found.p99:.3f} ms  {found.cpu_us:.0f} µs CPU")
        for name, (small, large) in costs.items():
            print(f"{name}: a million items cost {large / small:.2f} × ten thousand (limit 2)")


if __name__ == "__main__":
    main()
