"""The stream of a table starts functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]


class Table:
    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        made = dynamodb.create_table(
            TableName="items",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.stream: str = made["TableDescription"]["LatestStreamArn"]

    def put(self, *keys: str, **values: dict[str, Any]) -> None:
        for key in keys:
            self._dynamodb.put_item(TableName="items", Item={"id": {"S": key}, **values})


@pytest.fixture
def table(kumoi: Any) -> Table:
    return Table(kumoi.client("dynamodb"))


@pytest.fixture
def connect(client: Any, table: Table) -> Callable[..., dict[str, Any]]:
    """Map the table's stream to the function f, from the stream's beginning."""

    def make(**options: Any) -> dict[str, Any]:
        wanted = {"FunctionName": "f", "EventSourceArn": table.stream, "StartingPosition": "TRIM_HORIZON", **options}
        made: dict[str, Any] = client.create_event_source_mapping(**wanted)
        return made

    return make


def keys(event: dict[str, Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]


def test_a_change_of_an_item_arrives_as_a_function_expects_it(
    kumoi: Any, seen: Any, table: Table, telling: Make, connect: Make
) -> None:
    telling()
    connect()
    table.put("a", n={"N": "1"})
    [record] = seen.next()["Records"]
    assert (record["eventName"], record["eventSource"], record["eventVersion"]) == ("INSERT", "aws:dynamodb", "1.1")
    assert record["eventSourceARN"] == table.stream
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "n": {"N": "1"}}
    assert record["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    kumoi.client("dynamodb").delete_item(TableName="items", Key={"id": {"S": "a"}})
    [record] = seen.next()["Records"]
    assert record["eventName"] == "REMOVE"
    assert record["dynamodb"]["OldImage"]["n"] == {"N": "1"}


def test_what_was_there_before_is_read_from_the_beginning_in_order(
    seen: Any, table: Table, telling: Make, connect: Make
) -> None:
    telling()
    wanted = [f"k{number}" for number in range(25)]
    table.put(*wanted)
    connect(BatchSize=10)
    got: list[str] = []
    while len(got) < 25:
        got += keys(seen.next())
    assert got == wanted


@pytest.mark.kumoi_clock
def test_a_batch_is_tried_again_and_then_given_up_to_the_failure_destination(
    kumoi: Any,
    client: Any,
    seen: Any,
    table: Table,
    telling: Make,
    connect: Make,
    mailbox: Callable[[str], Any],
    wait_until: Callable[..., Any],
) -> None:
    def last_result() -> str:
        return str(client.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"])

    telling("if keys(event) == ['bad']:\n    raise ValueError('no')")
    failed = mailbox("failed")
    made = connect(MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": failed.arn}})
    assert last_result() == "No records processed"
    table.put("bad")
    assert keys(seen.next()) == ["bad"]
    kumoi.advance("10s")
    assert keys(seen.next()) == ["bad"]
    kumoi.advance("10s")
    lost = failed.next()
    assert lost["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert lost["DDBStreamBatchInfo"]["batchSize"] == 1
    assert lost["DDBStreamBatchInfo"]["streamArn"] == table.stream
    assert last_result() == "PROBLEM: Function call failed"
    table.put("good")
    assert keys(seen.next()) == ["good"]
    wait_until(lambda: last_result() == "OK")


def test_a_failed_batch_is_halved_until_the_bad_record_is_alone(
    kumoi: Any, seen: Any, table: Table, telling: Make, connect: Make, mailbox: Callable[[str], Any]
) -> None:
    telling("if 'bad' in keys(event):\n    raise ValueError('no')")
    failed = mailbox("failed")
    table.put("a", "b", "bad", "c")
    connect(
        MaximumRetryAttempts=0,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": failed.arn}},
    )
    assert failed.next()["DDBStreamBatchInfo"]["batchSize"] in (1, 4)


@pytest.mark.kumoi_clock
def test_a_function_says_from_which_record_on_it_failed(
    kumoi: Any, seen: Any, table: Table, telling: Make, connect: Make
) -> None:
    telling(
        "records = [r['dynamodb'] for r in event['Records']]\n"
        "bad = [r['SequenceNumber'] for r in records if r['Keys']['id']['S'] == 'bad']\n"
        "return {'batchItemFailures': [{'itemIdentifier': one} for one in bad if calls == 1]}"
    )
    table.put("a", "bad", "c")
    connect(FunctionResponseTypes=["ReportBatchItemFailures"])
    assert keys(seen.next()) == ["a", "bad", "c"]
    kumoi.advance("10s")
    assert keys(seen.next()) == ["bad", "c"]


def test_filters_see_images(seen: Any, table: Table, telling: Make, connect: Make) -> None:
    telling()
    pattern = '{"dynamodb": {"NewImage": {"kind": {"S": ["order"]}}}}'
    connect(FilterCriteria={"Filters": [{"Pattern": pattern}]})
    table.put("note", kind={"S": "note"})
    table.put("order", kind={"S": "order"})
    assert keys(seen.next()) == ["order"]


@pytest.mark.kumoi_clock
def test_a_tumbling_window_hands_its_state_on_and_ends(
    kumoi: Any, seen: Any, table: Table, telling: Make, connect: Make
) -> None:
    telling("return {'state': {'n': event['state'].get('n', 0) + len(event['Records'])}}")
    connect(TumblingWindowInSeconds=60)
    table.put("a")
    first = seen.next()
    assert (first["state"], first["isFinalInvokeForWindow"]) == ({}, False)
    kumoi.advance("61s")
    last = seen.next()
    assert (last["state"], last["isFinalInvokeForWindow"], last["Records"]) == ({"n": 1}, True, [])


@pytest.mark.kumoi_clock
def test_what_failed_in_a_tumbling_window_comes_again_with_the_state_of_the_rest(
    kumoi: Any, seen: Any, table: Table, telling: Make, connect: Make, mailbox: Callable[[str], Any]
) -> None:
    telling(
        "names = keys(event)\n"
        "at = names.index('bad') if 'bad' in names else len(names)\n"
        "failed = [record['dynamodb']['SequenceNumber'] for record in event['Records'][at:][:1]]\n"
        "return {'state': {'n': event['state'].get('n', 0) + at},\n"
        "    'batchItemFailures': [{'itemIdentifier': one} for one in failed]}"
    )
    lost = mailbox("lost")
    table.put("a", "bad", "c")
    connect(
        TumblingWindowInSeconds=900,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": lost.arn}},
    )
    first, second = seen.next(), seen.next()
    assert (keys(first), first["state"]) == (["a", "bad", "c"], {})
    assert (keys(second), second["state"]) == (["bad", "c"], {"n": 1})
    kumoi.advance("70s")
    told = lost.next()
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    assert told["DDBStreamBatchInfo"]["batchSize"] == 2


def test_a_stream_needs_a_starting_position(client: Any, table: Table, telling: Make) -> None:
    telling()
    with pytest.raises(ClientError, match="startingPosition"):
        client.create_event_source_mapping(FunctionName="f", EventSourceArn=table.stream)
