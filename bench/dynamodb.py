r"""DynamoDB through HTTP: the server's CPU time per PutItem, GetItem, UpdateItem and Query 10 of 50, 1 KB items.

    PEER_PYTHON=/venv/with/ministack/bin/python MOTO=/venv/with/moto/bin/moto_server \
        DYNALITE=/node_modules/dynalite/cli.js scripts/bench dynamodb

Prepared requests on kept-alive connections, SQLite on disk; every PutItem changes its item. Also what a global
index and a stream add to PutItem, and Query and GetItem again once the table is twenty times as large: their cost must
not grow with it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from tempfile import TemporaryDirectory
from typing import Any

from load import cpu_seconds, exchange, free_port, load, request, rss_mb, server, warm

COUNT = 2000
PARTITIONS, SIZE = 100, 50
GROWN = 20


def call(operation: str, **members: Any) -> bytes:
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
    prepared = request("POST", "/", json.dumps(members).encode(), headers)
    return prepared.replace(b"/lambda/", b"/dynamodb/")


def item(partition: int, number: int) -> dict[str, Any]:
    """About 1 KB: ten attributes, some nested."""
    return {
        "pk": {"S": f"customer-{partition}"},
        "sk": {"S": f"order-{number:06}"},
        "g": {"S": f"group-{number % 7}"},
        "ver": {"N": "1"},
        "price": {"N": "1999.95"},
        "open": {"BOOL": True},
        "tags": {"SS": ["alpha", "beta", "gamma"]},
        "address": {"M": {name: {"S": name * 8} for name in ("street", "town", "code")}},
        "lines": {"L": [{"M": {"sku": {"S": f"sku-{n}"}, "count": {"N": str(n)}}} for n in range(1, 4)]},
        "text": {"S": "x" * 400},
    }


def create(name: str, **options: Any) -> bytes:
    names = ("pk", "sk", "g") if "GlobalSecondaryIndexes" in options else ("pk", "sk")
    return call(
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in names],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )


def puts(table: str) -> list[bytes]:
    """Writes of one partition, each of which changes what the last one there has left."""
    return [
        call("PutItem", TableName=table, Item={**item(1, number), "ver": {"N": str(version)}})
        for version in range(4)
        for number in range(SIZE)
    ]


PLAIN = puts("plain")
GET = call("GetItem", TableName="plain", Key={name: item(7, 7)[name] for name in ("pk", "sk")})
UPDATE = call(
    "UpdateItem",
    TableName="plain",
    Key={name: item(7, 8)[name] for name in ("pk", "sk")},
    UpdateExpression="SET ver = ver + :one",
    ExpressionAttributeValues={":one": {"N": "1"}},
)
QUERY = call(
    "Query",
    TableName="plain",
    KeyConditionExpression="pk = :p AND begins_with(sk, :s)",
    ExpressionAttributeValues={":p": {"S": "customer-7"}, ":s": {"S": "order-00002"}},
)

COMPARED = (("PutItem", PLAIN), ("GetItem", GET), ("Query 10", QUERY))


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data:
        command = [sys.executable, "-m", "kumoi", "up", "--port", str(port), "--data", data]
        with server(command, port) as (pid, ready), socket.create_connection(("127.0.0.1", port)) as connection:
            print(f"answers after {ready:.2f} s, idle RSS {rss_mb(pid):.0f} MB")
            index = {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
            stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
            for prepared in (
                create("plain"),
                create("indexed", GlobalSecondaryIndexes=[index]),
                create("streamed", StreamSpecification=stream),
            ):
                ask(connection, prepared)
            fill(connection, 0, PARTITIONS)
            warm(port, GET, pid)
            for name, prepared in (("PutItem", PLAIN), ("UpdateItem", UPDATE), ("GetItem", GET), ("Query 10", QUERY)):
                show(name, port, prepared, pid)
            for name, template in (("PutItem, 1 index", "indexed"), ("PutItem, stream", "streamed")):
                show(name, port, puts(template), pid)
            for name, prepared in COMPARED:
                alone(name, port, prepared, pid)
            fill(connection, PARTITIONS, PARTITIONS * GROWN)
            print(f"{PARTITIONS * GROWN * SIZE} items, RSS {rss_mb(pid):.0f} MB")
            for name, prepared in (("GetItem", GET), ("Query 10", QUERY)):
                show(name, port, prepared, pid)
    peers(port)


def peers(port: int) -> None:
    """The same requests to the other servers that are named, in their memory."""
    commands = {
        "PEER_PYTHON": lambda path: [path, "-m", "ministack"],
        "MOTO": lambda path: [path, "-p", str(port)],
        "DYNALITE": lambda path: ["node", path, "--port", str(port), "--createTableMs", "0"],
    }
    for variable, command in commands.items():
        if (path := os.environ.get(variable)) is None:
            continue
        print(path)
        with server(command(path), port, GATEWAY_PORT=str(port)) as (pid, _):
            ask_alone(port, create("plain"))
            while b"CREATING" in ask_alone(port, call("DescribeTable", TableName="plain")):
                pass
            for partition in range(10):
                for number in range(SIZE):
                    ask_alone(port, call("PutItem", TableName="plain", Item=item(partition, number)))
            if variable != "MOTO":
                warm(port, GET, pid)
            for name, prepared in COMPARED:
                alone(name, port, prepared, pid)
                if variable != "MOTO":  # it closes every connection
                    show(name, port, prepared, pid, (8,))


def alone(name: str, port: int, prepared: bytes | list[bytes], pid: int) -> None:
    """Each request on a connection of its own, which every server takes."""
    requests = [prepared] if isinstance(prepared, bytes) else prepared
    count, began = COUNT // 4, cpu_seconds(pid)
    for number in range(count):
        ask_alone(port, requests[number % len(requests)])
    print(f"{name:18} alone {(cpu_seconds(pid) - began) / count * 1e6:6.0f} µs CPU")


def ask_alone(port: int, prepared: bytes) -> bytes:
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        status, answer = exchange(connection, prepared)
        assert status == 200, answer
        return answer


def fill(connection: socket.socket, first: int, last: int) -> None:
    for partition in range(first, last):
        for start in range(0, SIZE, 25):
            requests = [{"PutRequest": {"Item": item(partition, start + number)}} for number in range(25)]
            ask(connection, call("BatchWriteItem", RequestItems={"plain": requests}))


def ask(connection: socket.socket, prepared: bytes) -> None:
    status, answer = exchange(connection, prepared)
    assert status == 200, answer


def show(
    name: str, port: int, prepared: bytes | list[bytes], pid: int, concurrencies: tuple[int, ...] = (1, 8)
) -> None:
    for concurrency in concurrencies:
        measured = load(port, prepared, count=COUNT, concurrency=concurrency, pid=pid, warm_up=200)
        print(
            f"{name:18} c={concurrency}  {measured.cpu_us:6.0f} µs CPU  {measured.rate:6.0f}/s  "
            f"p50 {measured.p50:5.2f} ms  p99 {measured.p99:5.2f} ms"
        )


if __name__ == "__main__":
    main()
