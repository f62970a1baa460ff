"""Query and Scan: order, bounds, pages, filters, indexes and segments, driven by boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Make = Callable[..., dict[str, Any]]


def fill(client: Any, count: int, name: str = "table", **attributes: Any) -> None:
    for start in range(0, count, 25):
        requests = [
            {"PutRequest": {"Item": {"pk": {"S": "p"}, "sk": {"N": str(number)}, **attributes}}}
            for number in range(start, min(start + 25, count))
        ]
        client.batch_write_item(RequestItems={name: requests})


def query(client: Any, condition: str = "pk = :p", values: dict[str, Any] | None = None, **options: Any) -> Any:
    return client.query(
        TableName="table",
        KeyConditionExpression=condition,
        ExpressionAttributeValues={":p": {"S": "p"}, **(values or {})},
        **options,
    )


def numbers(answer: dict[str, Any]) -> list[int]:
    return [int(item["sk"]["N"]) for item in answer["Items"]]


def pages(ask: Callable[..., dict[str, Any]]) -> Iterator[dict[str, Any]]:
    answer = ask()
    yield answer
    while "LastEvaluatedKey" in answer:
        answer = ask(ExclusiveStartKey=answer["LastEvaluatedKey"])
        yield answer


def test_a_partition_is_in_the_order_of_the_sort_key(client: Any, make: Make) -> None:
    make("table", "pk:S", "sk:N")
    fill(client, 12)
    client.put_item(TableName="table", Item={"pk": {"S": "other"}, "sk": {"N": "1"}})
    assert numbers(query(client)) == list(range(12))
    assert numbers(query(client, ScanIndexForward=False)) == list(reversed(range(12)))
    five, eight = {":a": {"N": "5"}}, {":a": {"N": "5"}, ":b": {"N": "8"}}
    assert numbers(query(client, "pk = :p AND sk > :a", five)) == list(range(6, 12))
    assert numbers(query(client, "pk = :p AND sk >= :a", five)) == list(range(5, 12))
    assert numbers(query(client, "pk = :p AND sk < :a", five)) == list(range(5))
    assert numbers(query(client, "pk = :p AND sk <= :a", five)) == list(range(6))
    assert numbers(query(client, "pk = :p AND sk = :a", five)) == [5]
    assert numbers(query(client, "pk = :p AND sk BETWEEN :a AND :b", eight, ScanIndexForward=False)) == [8, 7, 6, 5]


def test_pages_end_at_the_limit_and_go_on_behind_it(client: Any, make: Make) -> None:
    make("table", "pk:S", "sk:N")
    fill(client, 6)
    found = list(pages(lambda **more: query(client, Limit=3, **more)))
    assert [numbers(page) for page in found] == [[0, 1, 2], [3, 4, 5], []]
    assert found[1]["LastEvaluatedKey"] == {"pk": {"S": "p"}, "sk": {"N": "5"}}
    assert "LastEvaluatedKey" not in query(client, Limit=7)


def test_a_page_ends_at_a_megabyte(client: Any, make: Make) -> None:
    make("table", "pk:S", "sk:N")
    for number in range(6):
        client.put_item(
            TableName="table", Item={"pk": {"S": "p"}, "sk": {"N": str(number)}, "fill": {"S": "x" * 300_000}}
        )
    sizes = [len(page["Items"]) for page in pages(lambda **more: query(client, **more))]
    assert sizes == [4, 2]
    scanned = list(pages(lambda **more: client.scan(TableName="table", Select="COUNT", **more)))
    assert [page["Count"] for page in scanned] == [4, 2]


def test_a_filter_counts_what_it_drops(client: Any, make: Make) -> None:
    make("table", "pk:S", "sk:N")
    fill(client, 10, x={"S": "1"})
    client.put_item(TableName="table", Item={"pk": {"S": "p"}, "sk": {"N": "3"}, "x": {"S": "2"}})
    options = {"FilterExpression": "x = :x", "ReturnConsumedCapacity": "TOTAL"}
    answer = query(client, values={":x": {"S": "2"}}, **options)
    assert (answer["Count"], answer["ScannedCount"], numbers(answer)) == (1, 10, [3])
    assert answer["ConsumedCapacity"] == {"TableName": "table", "CapacityUnits": 0.5}
    counted = query(client, values={":x": {"S": "2"}}, Select="COUNT", **options)
    assert (counted["Count"], counted["ScannedCount"], "Items" in counted) == (1, 10, False)


def test_an_index_holds_the_items_that_have_its_keys(client: Any, make: Make) -> None:
    make("table", gsi={"by-g": ("g:S", "n:N")}, projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]})
    for number, g in enumerate(("a", "a", "b", None)):
        item = {"pk": {"S": f"i{number}"}, "n": {"N": str(-number)}, "x": {"S": "x"}, "y": {"S": "y"}}
        client.put_item(TableName="table", Item=item | ({"g": {"S": g}} if g else {}))

    def by_g(g: str, **options: Any) -> Any:
        return client.query(
            TableName="table",
            IndexName="by-g",
            KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": g}},
            **options,
        )

    assert [item["pk"]["S"] for item in by_g("a")["Items"]] == ["i1", "i0"]
    assert by_g("b")["Items"] == [
        {"pk": {"S": "i2"}, "g": {"S": "b"}, "n": {"N": "-2"}, "x": {"S": "x"}},
    ]
    assert client.scan(TableName="table", IndexName="by-g")["Count"] == 3
    first = by_g("a", Limit=1)
    assert first["LastEvaluatedKey"] == {"g": {"S": "a"}, "n": {"N": "-1"}, "pk": {"S": "i1"}}
    assert [item["pk"]["S"] for item in by_g("a", ExclusiveStartKey=first["LastEvaluatedKey"])["Items"]] == ["i0"]
    client.delete_item(TableName="table", Key={"pk": {"S": "i2"}})
    client.put_item(TableName="table", Item={"pk": {"S": "i1"}, "g": {"S": "c"}, "n": {"N": "1"}})
    assert by_g("b")["Count"] == 0
    assert [by_g(g)["Count"] for g in ("a", "c")] == [1, 1]
    with pytest.raises(ClientError, match="Consistent reads are not supported on global secondary indexes"):
        by_g("a", ConsistentRead=True)
    with pytest.raises(ClientError, match="is not supported for global secondary index by-g"):
        by_g("a", Select="ALL_ATTRIBUTES")
    with pytest.raises(ClientError, match="The table does not have the specified index: none"):
        client.scan(TableName="table", IndexName="none")


def test_a_local_index_fetches_what_it_does_not_hold(client: Any, make: Make) -> None:
    make("table", "pk:S", "sk:S", lsi={"by-l": ("pk", "l:S")}, projection={"ProjectionType": "KEYS_ONLY"})
    for number in range(3):
        item = {"pk": {"S": "p"}, "sk": {"S": f"s{number}"}, "l": {"S": f"l{9 - number}"}, "x": {"S": str(number)}}
        client.put_item(TableName="table", Item=item)
    answer = query(client, IndexName="by-l", ReturnConsumedCapacity="INDEXES")
    assert [sorted(item) for item in answer["Items"]] == [["l", "pk", "sk"]] * 3
    assert answer["ConsumedCapacity"]["LocalSecondaryIndexes"] == {"by-l": {"CapacityUnits": 0.5}}
    full = query(client, IndexName="by-l", Select="ALL_ATTRIBUTES", ReturnConsumedCapacity="INDEXES")
    assert [item["x"]["S"] for item in full["Items"]] == ["2", "1", "0"]
    assert full["ConsumedCapacity"]["Table"] == {"CapacityUnits": 1.5}
    some = query(client, IndexName="by-l", ProjectionExpression="x", ScanIndexForward=False)
    assert some["Items"] == [{"x": {"S": "0"}}, {"x": {"S": "1"}}, {"x": {"S": "2"}}]


def test_segments_cover_a_table_once(client: Any, make: Make) -> None:
    make("table", "pk:S")
    for start in range(0, 100, 25):
        requests = [{"PutRequest": {"Item": {"pk": {"S": f"k{start + number}"}}}} for number in range(25)]
        client.batch_write_item(RequestItems={"table": requests})
    keys = [
        [
            item["pk"]["S"]
            for page in pages(
                lambda segment=segment, **more: client.scan(
                    TableName="table", Segment=segment, TotalSegments=4, Limit=7, **more
                )
            )
            for item in page["Items"]
        ]
        for segment in range(4)
    ]
    assert sorted(key for segment in keys for key in segment) == sorted(f"k{number}" for number in range(100))
    assert all(segment for segment in keys)
    start = {"pk": {"S": keys[0][0]}}
    with pytest.raises(ClientError, match="Please use ExclusiveStartKey with correct Segment"):
        client.scan(TableName="table", Segment=3, TotalSegments=4, ExclusiveStartKey=start)
    with pytest.raises(ClientError, match="Segment: 4 is not less than TotalSegments: 4"):
        client.scan(TableName="table", Segment=4, TotalSegments=4)


def test_starting_keys_must_fit(client: Any, make: Make) -> None:
    make("table", "pk:S", "sk:N")
    fill(client, 3)
    for start, message in (
        ({"pk": {"S": "p"}}, "The provided starting key is invalid"),
        ({"pk": {"S": "q"}, "sk": {"N": "1"}}, "outside query boundaries based on provided conditions"),
        ({"pk": {"S": "p"}, "sk": {"N": "0"}}, "does not match the range key predicate"),
    ):
        with pytest.raises(ClientError, match=message):
            query(client, "pk = :p AND sk > :a", {":a": {"N": "0"}}, ExclusiveStartKey=start)
    gone = {"pk": {"S": "p"}, "sk": {"N": "1.5"}}
    assert numbers(query(client, ExclusiveStartKey=gone)) == [2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
        ({"KeyConditionExpression": "pk = :p", "Select": "SPECIFIC_ATTRIBUTES"}, "Must specify the AttributesToGet or"),
        (
            {"KeyConditionExpression": "pk = :p", "Select": "COUNT", "ProjectionExpression": "x"},
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            {"KeyConditionExpression": "pk = :p", "Select": "ALL_PROJECTED_ATTRIBUTES"},
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        ({"KeyConditionExpression": "pk = :n"}, "Condition parameter type does not match schema type"),
    ],
)
def test_queries_that_are_refused(client: Any, make: Make, options: dict[str, Any], message: str) -> None:
    make()
    values = {name: value for name, value in ((":p", {"S": "p"}), (":n", {"N": "1"})) if name in str(options)}
    with pytest.raises(ClientError) as refused:
        client.query(TableName="table", **options, **({"ExpressionAttributeValues": values} if values else {}))
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert message in refused.value.response["Error"]["Message"]


OPERATORS: dict[str, Callable[[bytes, bytes, bytes], bool]] = {
    "sk = :a": lambda key, a, _: key == a,
    "sk < :a": lambda key, a, _: key < a,
    "sk <= :a": lambda key, a, _: key <= a,
    "sk > :a": lambda key, a, _: key > a,
    "sk >= :a": lambda key, a, _: key >= a,
    "sk BETWEEN :a AND :b": lambda key, a, b: a <= key <= b,
    "begins_with(sk, :a)": lambda key, a, _: key.startswith(a),
}
near_the_ends = st.lists(st.sampled_from((0, 1, 254, 255)), min_size=1, max_size=4).map(bytes)
some_bytes = st.binary(min_size=1, max_size=3) | near_the_ends


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(some_bytes, min_size=1, max_size=20, unique=True),
    bounds=st.tuples(some_bytes, some_bytes).map(lambda pair: tuple(sorted(pair))),
    operator=st.sampled_from(sorted(OPERATORS)),
    forward=st.booleans(),
    limit=st.integers(1, 8),
)
def test_every_query_is_a_slice_of_the_sorted_partition(
    client: Any,
    make: Make,
    keys: list[bytes],
    bounds: tuple[bytes, bytes],
    operator: str,
    forward: bool,
    limit: int,
) -> None:
    name = f"table-{abs(hash((tuple(keys), bounds, operator, forward, limit)))}"
    make(name, "pk:S", "sk:B")
    requests = [{"PutRequest": {"Item": {"pk": {"S": "p"}, "sk": {"B": key}}}} for key in keys]
    client.batch_write_item(RequestItems={name: requests})
    values = {":p": {"S": "p"}, ":a": {"B": bounds[0]}} | ({":b": {"B": bounds[1]}} if ":b" in operator else {})
    found = [
        item["sk"]["B"]
        for page in pages(
            lambda **more: client.query(
                TableName=name,
                KeyConditionExpression=f"pk = :p AND {operator}",
                ExpressionAttributeValues=values,
                ScanIndexForward=forward,
                Limit=limit,
                **more,
            )
        )
        for item in page["Items"]
    ]
    client.delete_table(TableName=name)
    expected = sorted((key for key in keys if OPERATORS[operator](key, *bounds)), reverse=not forward)
    assert found == expected
