"""Messages: attributes and their digests, batches, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.sqs.digests import attributes_digest


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("sqs")


@pytest.fixture
def url(client: Any) -> str:
    return str(client.create_queue(QueueName="jobs")["QueueUrl"])


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_the_digest_of_attributes_is_the_documented_one() -> None:
    value = b"\x00\x00\x00\x01a\x00\x00\x00\x06String\x01\x00\x00\x00\x01x"
    value += b"\x00\x00\x00\x01b\x00\x00\x00\x06Binary\x02\x00\x00\x00\x02\x00\xff"
    expected = hashlib.md5(value, usedforsecurity=False).hexdigest()
    given = {
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        "a": {"DataType": "String", "StringValue": "x"},
    }
    assert attributes_digest(given) == expected
    assert attributes_digest({}) is None


def test_attributes_travel_and_are_chosen(client: Any, url: str) -> None:
    given = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "trace.id": {"DataType": "Number.int", "StringValue": "7"},
        "trace.raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    client.send_message(
        QueueUrl=url,
        MessageBody="x",
        MessageAttributes=given,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}},
    )

    def received(*names: str) -> dict[str, Any]:
        (message,) = client.receive_message(
            QueueUrl=url, MessageAttributeNames=list(names), AttributeNames=["All"], VisibilityTimeout=0
        )["Messages"]
        return dict(message)

    whole = received("All")  # botocore verifies the digests itself
    assert whole["MessageAttributes"] == given
    assert whole["Attributes"]["AWSTraceHeader"] == "Root=1-2-3"
    assert whole["Attributes"]["ApproximateReceiveCount"] == "1"
    assert set(received("trace.*")["MessageAttributes"]) == {"trace.id", "trace.raw"}
    assert set(received("kind", "nothing")["MessageAttributes"]) == {"kind"}
    assert "MessageAttributes" not in received("nothing")


def test_a_batch_fails_entry_by_entry(client: Any, url: str) -> None:
    entries = [
        {"Id": "good", "MessageBody": "a"},
        {"Id": "bad", "MessageBody": "b", "MessageAttributes": {"AWS.x": {"DataType": "String", "StringValue": "x"}}},
        {"Id": "late", "MessageBody": "c", "DelaySeconds": 901},
        {"Id": "fine", "MessageBody": "d"},
    ]
    answer = client.send_message_batch(QueueUrl=url, Entries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["good", "fine"]
    assert [(one["Id"], one["SenderFault"], one["Code"]) for one in answer["Failed"]] == [
        ("bad", True, "InvalidParameterValue"),
        ("late", True, "InvalidParameterValue"),
    ]
    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [one["Body"] for one in got] == ["a", "d"]
    handles = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(got)]
    hidden = client.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[one | {"VisibilityTimeout": 0} for one in handles[:1]]
        + [{"Id": "x", "ReceiptHandle": "garbage", "VisibilityTimeout": 1}],
    )
    assert [one["Id"] for one in hidden["Successful"]] == ["0"]
    assert hidden["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    deleted = client.delete_message_batch(QueueUrl=url, Entries=[*handles, {"Id": "x", "ReceiptHandle": "garbage"}])
    assert [one["Id"] for one in deleted["Successful"]] == ["0", "1"]
    assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert "Messages" not in client.receive_message(QueueUrl=url)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        (
            [{"Id": str(n), "MessageBody": "x"} for n in range(11)],
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        ),
        ([{"Id": "a b", "MessageBody": "x"}], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (
            [{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)],
            "AWS.SimpleQueueService.BatchRequestTooLong",
        ),
    ],
)
def test_batches_that_are_refused(client: Any, url: str, entries: list[dict[str, Any]], code: str) -> None:
    assert refused(lambda: client.send_message_batch(QueueUrl=url, Entries=entries))[0] == code


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"MessageBody": "\x00"}, "outside the allowed set"),
        ({"MessageBody": "x" * 1_048_577}, "Message must be shorter than 1048576 bytes."),
        ({"DelaySeconds": 901}, "Must be >= 0 and <= 900, if provided."),
        ({"MessageAttributes": {"a..b": {"DataType": "String", "StringValue": "x"}}}, "attribute name 'a..b'"),
        ({"MessageAttributes": {"a": {"DataType": "Nope", "StringValue": "x"}}}, "invalid message attribute type"),
        (
            {"MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}},
            "must contain a non-empty value of type 'String'.",
        ),
        ({"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "to a number"),
        (
            {"MessageAttributes": {str(n): {"DataType": "String", "StringValue": "x"} for n in range(11)}},
            "exceeds the allowed maximum [10]",
        ),
        ({"MessageGroupId": "white space"}, "MessageGroupId can only include"),
        ({"MessageDeduplicationId": "d"}, "not valid for this queue type"),
    ],
)
def test_messages_that_are_refused(client: Any, url: str, given: dict[str, Any], message: str) -> None:
    assert message in refused(lambda: client.send_message(**{"QueueUrl": url, "MessageBody": "x", **given}))[1]


def test_numbers_out_of_their_bounds(client: Any, url: str) -> None:
    for given, message in (
        ({"MaxNumberOfMessages": 11}, "Must be between 1 and 10, if provided."),
        ({"WaitTimeSeconds": 21}, "Must be >= 0 and <= 20, if provided."),
        ({"VisibilityTimeout": 43_201}, "Must be between 0 and 43200, if provided."),
    ):
        assert message in refused(lambda: client.receive_message(QueueUrl=url, **given))[1]  # noqa: B023
    client.send_message(QueueUrl=url, MessageBody="x")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    handle = message["ReceiptHandle"]
    client.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43_000)
    client.delete_message(QueueUrl=url, ReceiptHandle=handle)
    client.delete_message(QueueUrl=url, ReceiptHandle=handle)
    gone = refused(lambda: client.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=1))
    assert "Message does not exist" in gone[1]
