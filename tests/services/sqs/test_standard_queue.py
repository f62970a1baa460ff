"""A standard queue through boto3: send, receive, hide, delete, wait."""

from __future__ import annotations

import threading
from typing import Any

import pytest


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("sqs")


@pytest.fixture
def url(client: Any) -> str:
    return str(client.create_queue(QueueName="jobs")["QueueUrl"])


@pytest.mark.kumoi_clock
def test_a_message_is_received_once_and_deleted(client: Any, url: str, kumoi: Any) -> None:
    sent = client.send_message(QueueUrl=url, MessageBody="héllo")
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert (message["Body"], message["MessageId"]) == ("héllo", sent["MessageId"])
    assert "Messages" not in client.receive_message(QueueUrl=url)
    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    kumoi.advance(31)
    assert "Messages" not in client.receive_message(QueueUrl=url)


@pytest.mark.kumoi_clock
def test_what_is_not_deleted_comes_back(client: Any, url: str, kumoi: Any) -> None:
    client.send_message(QueueUrl=url, MessageBody="a", DelaySeconds=60)
    assert "Messages" not in client.receive_message(QueueUrl=url)
    kumoi.advance(61)
    (first,) = client.receive_message(QueueUrl=url)["Messages"]
    kumoi.advance(31)
    (second,) = client.receive_message(QueueUrl=url)["Messages"]
    assert second["MessageId"] == first["MessageId"]
    client.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert len(client.receive_message(QueueUrl=url)["Messages"]) == 1


@pytest.mark.kumoi_clock
def test_retention_drops_a_message(client: Any, kumoi: Any) -> None:
    url = client.create_queue(QueueName="short", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="a")
    kumoi.advance(62)
    assert "Messages" not in client.receive_message(QueueUrl=url)


def test_a_long_poll_wakes_on_a_message(client: Any, url: str) -> None:
    found: list[Any] = []
    poll = threading.Thread(
        target=lambda: found.extend(client.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"])
    )
    poll.start()
    client.send_message(QueueUrl=url, MessageBody="now")
    poll.join(60)
    assert [one["Body"] for one in found] == ["now"]


def test_queues_are_found_and_deleted(client: Any, url: str) -> None:
    assert client.get_queue_url(QueueName="jobs")["QueueUrl"] == url
    assert client.list_queues(QueueNamePrefix="j")["QueueUrls"] == [url]
    shown = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert shown["VisibilityTimeout"] == "30" and shown["QueueArn"].endswith(":jobs")
    client.delete_queue(QueueUrl=url)
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.send_message(QueueUrl=url, MessageBody="a")


def test_a_handle_that_is_none_is_refused(client: Any, url: str) -> None:
    with pytest.raises(client.exceptions.ReceiptHandleIsInvalid):
        client.delete_message(QueueUrl=url, ReceiptHandle="garbage")


@pytest.mark.kumoi_clock
def test_a_purge_drops_what_is_in_flight_too(client: Any, url: str, kumoi: Any) -> None:
    for body in ("a", "b"):
        client.send_message(QueueUrl=url, MessageBody=body)
    assert len(client.receive_message(QueueUrl=url)["Messages"]) == 1
    client.purge_queue(QueueUrl=url)
    kumoi.advance(31)
    assert "Messages" not in client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
