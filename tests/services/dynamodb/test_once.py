"""Writes made again under a key, as tasks of state machines are after a crash, happen once and answer the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings
from kumoi.state.once import once

TABLE = {
    "TableName": "tab",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "at", "AttributeType": "N"},
        {"AttributeName": "n", "AttributeType": "N"},
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by_n",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
ITEM = {
    "id": {"S": "1"},
    "at": {"N": "1"},
    "n": {"N": "1"},
    "all": {"M": {"b": {"B": b"x"}, "ss": {"SS": ["a"]}, "bs": {"BS": [b"y"]}, "l": {"L": [{"NULL": True}]}}},
}
KEY = {"id": {"S": "1"}, "at": {"N": "1"}}
OTHER = {"id": {"S": "2"}, "at": {"N": "1"}}
COUNTS = {"ExpressionAttributeValues": {":one": {"N": "1"}}, "UpdateExpression": "ADD times :one"}
UPDATE = {"TableName": "tab", "Key": KEY, **COUNTS}
TELLING = {"ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE"}
ADD = 'UPDATE tab SET "times" = "times" + 1 WHERE id = \'1\' AND "at" = 1'

WRITES: list[tuple[str, dict[str, Any]]] = [
    ("UpdateItem", {**UPDATE, **TELLING, "ReturnValues": "ALL_NEW", "ConditionExpression": "attribute_exists(id)"}),
    (
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Update": {**UPDATE, "ConditionExpression": "size(id) > :nought AND NOT begins_with(id, :two)"}},
                {"Put": {"TableName": "tab", "Item": {**OTHER, "n": {"N": "2"}}}},
            ],
            **TELLING,
        },
    ),
    ("ExecuteStatement", {"Statement": ADD + " RETURNING ALL NEW *"}),
    ("ExecuteTransaction", {"TransactStatements": [{"Statement": ADD}], "ReturnConsumedCapacity": "TOTAL"}),
    ("BatchExecuteStatement", {"Statements": [{"Statement": ADD}]}),
]
_update = WRITES[1][1]["TransactItems"][0]["Update"]
_update["ExpressionAttributeValues"] = {":one": {"N": "1"}, ":nought": {"N": "0"}, ":two": {"S": "2"}}


def test_each_write_happens_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Platform(Settings(port=0, data=tmp_path / "data", xray_port=0)) as platform:
            doorway = platform.parts[Doorway]
            caller = Principal.root("000000000000")

            async def ask(operation: str, params: dict[str, Any]) -> Any:
                return await doorway.ask("dynamodb", operation, params, caller, "us-east-1")

            await ask("CreateTable", TABLE)
            await ask("PutItem", {"TableName": "tab", "Item": {**ITEM, "times": {"N": "0"}}})
            for number, (operation, params) in enumerate(WRITES, 1):
                answers = []
                for _ in range(2):
                    with once(operation):
                        answers.append(await ask(operation, params))
                found = await ask("GetItem", {"TableName": "tab", "Key": KEY})
                assert found["Item"]["times"] == {"N": str(number)}, f"{operation} happened twice"
                assert answers[0] == answers[1], operation

    asyncio.run(scenario())
