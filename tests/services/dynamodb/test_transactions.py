"""Batches and transactions, driven by boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]


def key(text: str) -> dict[str, Any]:
    return {"pk": {"S": text}}


def item(text: str, value: str = "1") -> dict[str, Any]:
    return {**key(text), "x": {"S": value}}


def put(text: str, value: str = "1", **options: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "table", "Item": item(text, value), **options}}


def found(client: Any) -> dict[str, str]:
    return {one["pk"]["S"]: one["x"]["S"] for one in client.scan(TableName="table")["Items"]}


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_a_batch_writes_and_reads_several_tables(client: Any, make: Make) -> None:
    make("table")
    arn = make("other", "pk:S", lsi=None)["TableArn"]
    written = client.batch_write_item(
        RequestItems={
            "table": [{"PutRequest": {"Item": item(f"k{number}")}} for number in range(3)],
            arn: [{"PutRequest": {"Item": item("o")}}, {"DeleteRequest": {"Key": key("gone")}}],
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert written["UnprocessedItems"] == {}
    assert written["ConsumedCapacity"] == [
        {"TableName": "table", "CapacityUnits": 3.0},
        {"TableName": arn, "CapacityUnits": 2.0},
    ]
    answer = client.batch_get_item(
        RequestItems={
            "table": {"Keys": [key("k0"), key("none"), key("k2")], "ProjectionExpression": "pk"},
            arn: {"Keys": [key("o")], "ConsistentRead": True},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == {"table": [key("k0"), key("k2")], arn: [item("o")]}
    assert answer["UnprocessedKeys"] == {}
    assert [one["CapacityUnits"] for one in answer["ConsumedCapacity"]] == [1.5, 1.0]


def test_what_does_not_fit_an_answer_is_left_to_ask_for_again(client: Any, make: Make) -> None:
    make("table")
    keys = [key(f"k{number:02}") for number in range(45)]
    for one in keys:
        client.put_item(TableName="table", Item={**one, "fill": {"S": "x" * 400_000}})
    answer = client.batch_get_item(RequestItems={"table": {"Keys": keys, "ConsistentRead": True}})
    rest = answer["UnprocessedKeys"]["table"]
    assert 0 < len(rest["Keys"]) < 45
    assert rest["ConsistentRead"] is True
    again = client.batch_get_item(RequestItems=answer["UnprocessedKeys"])
    told = [*answer["Responses"]["table"], *again["Responses"]["table"]]
    assert [{"pk": one["pk"]} for one in told] == keys
    assert again["UnprocessedKeys"] == {}


def test_batches_that_are_refused(client: Any, make: Make) -> None:
    make("table")
    puts = [{"PutRequest": {"Item": item("a")}}]
    assert refused(lambda: client.batch_write_item(RequestItems={"table": puts * 2})) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
    assert refused(lambda: client.batch_get_item(RequestItems={"table": {"Keys": [key("a"), key("a")]}})) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
    make("other")
    ways = {"table": {"Keys": [key("a")], "AttributesToGet": ["x"]}, "other": {"Keys": [key("a")]}}
    ways["other"]["ProjectionExpression"] = "x"
    assert refused(lambda: client.batch_get_item(RequestItems=ways)) == (
        "ValidationException",
        "Can not use both expression and non-expression parameters in the same request: "
        "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}",
    )
    assert refused(lambda: client.batch_write_item(RequestItems={"nothing": puts}))[0] == "ResourceNotFoundException"
    assert refused(lambda: client.batch_write_item(RequestItems={"table": [{"PutRequest": {"Item": {}}}]})) == (
        "ValidationException",
        "The provided key element does not match the schema",
    )
    assert refused(lambda: client.batch_write_item(RequestItems={"table": [{}]}))[0] == "ValidationException"
    assert found(client) == {}


def test_a_transaction_is_all_or_nothing(client: Any, make: Make) -> None:
    make("table")
    client.put_item(TableName="table", Item=item("a", "old"))
    client.transact_write_items(
        TransactItems=[
            put("b"),
            {"Delete": {"TableName": "table", "Key": key("none")}},
            {
                "Update": {
                    "TableName": "table",
                    "Key": key("c"),
                    "UpdateExpression": "SET x = :x",
                    "ExpressionAttributeValues": {":x": {"S": "made"}},
                }
            },
            {
                "ConditionCheck": {
                    "TableName": "table",
                    "Key": key("a"),
                    "ConditionExpression": "attribute_exists(pk)",
                }
            },
        ]
    )
    assert found(client) == {"a": "old", "b": "1", "c": "made"}
    with pytest.raises(client.exceptions.TransactionCanceledException) as cancelled:
        client.transact_write_items(
            TransactItems=[
                put("d"),
                put("a", "new", ConditionExpression="attribute_not_exists(pk)"),
                put(
                    "b",
                    "new",
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                ),
                {"Delete": {"TableName": "table", "Key": {"other": {"S": "x"}}}},
            ]
        )
    assert cancelled.value.response["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ConditionalCheckFailed, ValidationError]"
    )
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    assert cancelled.value.response["CancellationReasons"] == [
        {"Code": "None"},
        failed,
        {**failed, "Item": item("b")},
        {"Code": "ValidationError", "Message": "The provided key element does not match the schema"},
    ]
    assert found(client) == {"a": "old", "b": "1", "c": "made"}


@pytest.mark.kumoi_clock
def test_a_token_makes_a_transaction_happen_once(client: Any, make: Make, kumoi: Any) -> None:
    make("table")

    def write(value: str) -> Any:
        return client.transact_write_items(
            TransactItems=[put("a", value)], ClientRequestToken="once", ReturnConsumedCapacity="TOTAL"
        )["ConsumedCapacity"]

    assert write("1") == [{"TableName": "table", "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}]
    client.put_item(TableName="table", Item=item("a", "later"))
    assert write("1") == [{"TableName": "table", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]
    assert found(client) == {"a": "later"}
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        write("2")
    kumoi.advance(601)
    write("2")
    assert found(client) == {"a": "2"}


def test_transactions_that_are_refused(client: Any, make: Make) -> None:
    make("table")
    twice = [put("a"), {"Delete": {"TableName": "table", "Key": key("a")}}]
    assert refused(lambda: client.transact_write_items(TransactItems=twice)) == (
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    )
    big = [
        {"Put": {"TableName": "table", "Item": {**key(str(number)), "fill": {"S": "x" * 400_000}}}}
        for number in range(11)
    ]
    assert "exceeding the 4MB limit" in refused(lambda: client.transact_write_items(TransactItems=big))[1]
    missing = [{"Put": {"TableName": "missing", "Item": item("a")}}]
    assert refused(lambda: client.transact_write_items(TransactItems=missing)) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )
    assert refused(lambda: client.transact_write_items(TransactItems=[{}]))[0] == "ValidationException"


def test_an_empty_key_refuses_a_transaction_as_a_whole(client: Any, make: Make) -> None:
    make(gsi={"by-g": ("g:S",)})
    failing = put("a", ConditionExpression="attribute_exists(pk)")
    empty = (
        "ValidationException",
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
        "string value. Key: pk",
    )
    update = {"TableName": "table", "Key": key(""), "UpdateExpression": "REMOVE x"}
    for action in (put(""), {"Delete": {"TableName": "table", "Key": key("")}}, {"Update": update}):
        assert refused(lambda one=action: client.transact_write_items(TransactItems=[failing, one])) == empty
    gets = [{"Get": {"TableName": "table", "Key": key(text)}} for text in ("a", "")]
    assert refused(lambda: client.transact_get_items(TransactItems=gets)) == empty
    indexed = {"Put": {"TableName": "table", "Item": {**key("b"), "g": {"S": ""}}}}
    code, message = refused(lambda: client.transact_write_items(TransactItems=[failing, indexed]))
    assert (code, message.endswith("IndexName: by-g, IndexKey: g")) == ("ValidationException", True)


def test_a_transaction_reads_one_moment(client: Any, make: Make) -> None:
    make("table")
    client.put_item(TableName="table", Item=item("a"))
    answer = client.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": "table", "Key": key("a"), "ProjectionExpression": "x"}},
            {"Get": {"TableName": "table", "Key": key("none")}},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{"Item": {"x": {"S": "1"}}}, {}]
    assert answer["ConsumedCapacity"] == [{"TableName": "table", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}]
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_get_items(TransactItems=[{"Get": {"TableName": "table", "Key": {"x": {"S": "a"}}}}])
