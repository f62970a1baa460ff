"""Queues through boto3: attributes, policies, tags, permissions, and what is refused."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


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


def attributes(client: Any, url: str, *names: str) -> dict[str, str]:
    return dict(client.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ("All",))).get("Attributes", {}))


def test_attributes_are_set_shown_and_taken_away(client: Any, url: str) -> None:
    client.set_queue_attributes(
        QueueUrl=url, Attributes={"VisibilityTimeout": "5", "KmsMasterKeyId": "alias/x", "Policy": "{}"}
    )
    shown = attributes(client, url)
    assert (shown["VisibilityTimeout"], shown["KmsMasterKeyId"]) == ("5", "alias/x")
    assert (shown["SqsManagedSseEnabled"], shown["KmsDataKeyReusePeriodSeconds"]) == ("false", "300")
    client.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "", "Policy": ""})
    shown = attributes(client, url)
    assert "KmsMasterKeyId" not in shown
    assert "Policy" not in shown
    assert attributes(client, url, "QueueArn")["QueueArn"].endswith(":jobs")


@pytest.mark.kumoi_clock
def test_messages_are_counted_by_what_they_wait_for(client: Any, url: str, kumoi: Any) -> None:
    for number in range(5):
        client.send_message(QueueUrl=url, MessageBody=str(number), DelaySeconds=60 if number == 4 else 0)
    client.receive_message(QueueUrl=url, MaxNumberOfMessages=2)

    def counted() -> tuple[str, ...]:
        shown = attributes(client, url)
        return tuple(shown[f"ApproximateNumberOfMessages{kind}"] for kind in ("", "NotVisible", "Delayed"))

    assert counted() == ("2", "2", "1")
    kumoi.advance(61)
    assert counted() == ("5", "0", "0")
    client.purge_queue(QueueUrl=url)
    assert counted() == ("0", "0", "0")
    assert refused(lambda: client.purge_queue(QueueUrl=url)) == (
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        "Only one PurgeQueue operation on jobs is allowed every 60 seconds.",
    )


def test_a_queue_is_made_once(client: Any, url: str) -> None:
    assert client.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "30"})["QueueUrl"] == url
    assert refused(lambda: client.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "31"})) == (
        "QueueAlreadyExists",
        "A queue already exists with the same name and a different value for attribute VisibilityTimeout",
    )


def test_lists_are_paged(client: Any) -> None:
    for number in range(5):
        client.create_queue(QueueName=f"q{number}")
    pages = list(client.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["QueueUrls"]) for page in pages] == [2, 2, 1]
    assert len(client.list_queues(QueueNamePrefix="q")["QueueUrls"]) == 5


def test_tags_and_permissions(client: Any, url: str) -> None:
    client.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    client.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert client.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}
    client.add_permission(QueueUrl=url, Label="send", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    (statement,) = json.loads(attributes(client, url, "Policy")["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert statement["Action"] == "SQS:SendMessage"
    again = {"QueueUrl": url, "Label": "send", "AWSAccountIds": ["111122223333"], "Actions": ["*"]}
    assert "Already exists." in refused(lambda: client.add_permission(**again))[1]
    for wrong, reason in (
        ({"Actions": ["DeleteQueue"]}, "Value SQS:DeleteQueue for parameter ActionName is invalid."),
        ({"AWSAccountIds": ["me"]}, "Value [me] for parameter PrincipalId is invalid. Reason: Unable to verify."),
        ({"Actions": []}, "The request must contain the parameter Actions."),
    ):
        call = {**again, "Label": "other", **wrong}
        assert reason in refused(lambda: client.add_permission(**call))[1]  # noqa: B023
    client.remove_permission(QueueUrl=url, Label="send")
    assert "Policy" not in attributes(client, url)
    assert "can't find label" in refused(lambda: client.remove_permission(QueueUrl=url, Label="send"))[1]


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("bad name", {}, "InvalidParameterValue"),
        ("q.fifo", {}, "InvalidParameterValue"),
        ("q", {"FifoQueue": "true"}, "InvalidParameterValue"),
        ("q", {"FifoQueue": "false"}, "InvalidAttributeName"),
        ("q", {"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
        ("q", {"Nonsense": "1"}, "InvalidAttributeName"),
        ("q", {"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
        ("q", {"VisibilityTimeout": "x"}, "InvalidAttributeValue"),
        ("q", {"Policy": "{"}, "InvalidAttributeValue"),
        ("q", {"Policy": '{"Statement": [{"Effect": "Allow"}]}'}, "InvalidAttributeValue"),
        ("q", {"RedrivePolicy": "{}"}, "InvalidParameterValue"),
        (
            "q",
            {"RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:nobody", "maxReceiveCount": 1}'},
            "InvalidParameterValue",
        ),
        ("q", {"RedriveAllowPolicy": '{"redrivePermission": "byQueue"}'}, "InvalidParameterValue"),
    ],
)
def test_queues_that_are_refused(client: Any, name: str, given: dict[str, str], code: str) -> None:
    assert refused(lambda: client.create_queue(QueueName=name, Attributes=given))[0] == code


@pytest.mark.kumoi_clock
@pytest.mark.parametrize("fifo", [False, True])
def test_what_has_expired_is_not_counted(client: Any, kumoi: Any, fifo: bool) -> None:
    kind = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
    name = "short.fifo" if fifo else "short"
    url = client.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": "60", **kind})["QueueUrl"]
    group = {"MessageGroupId": "g"} if fifo else {}
    for body in ("hidden", "visible"):
        client.send_message(QueueUrl=url, MessageBody=body, **group)
    client.receive_message(QueueUrl=url, VisibilityTimeout=600)
    kumoi.advance(50)
    client.send_message(QueueUrl=url, MessageBody="later", **group)
    kumoi.advance(11)
    told = attributes(client, url)
    assert told["ApproximateNumberOfMessages"] == "1"
    assert told["ApproximateNumberOfMessagesNotVisible"] == "0"
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "later"


@pytest.mark.kumoi_clock
def test_what_failed_too_often_moves_and_can_be_moved_back(client: Any, url: str, kumoi: Any) -> None:
    dead = client.create_queue(QueueName="dead")["QueueUrl"]
    arn = attributes(client, dead, "QueueArn")["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "10"})
    assert client.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sent = client.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert len(client.receive_message(QueueUrl=url)["Messages"]) == 1
        kumoi.advance(11)
    assert "Messages" not in client.receive_message(QueueUrl=url)
    (moved,) = client.receive_message(QueueUrl=dead, MessageSystemAttributeNames=["All"], VisibilityTimeout=0)[
        "Messages"
    ]
    assert moved["MessageId"] == sent["MessageId"]
    assert moved["Attributes"]["ApproximateReceiveCount"] == "3"
    assert moved["Attributes"]["DeadLetterQueueSourceArn"].endswith(":jobs")
    client.start_message_move_task(SourceArn=arn)
    kumoi.advance(1)
    (task,) = client.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    (back,) = client.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert back["MessageId"] == sent["MessageId"]
    assert back["Attributes"]["ApproximateReceiveCount"] == "1"
    other = client.create_queue(QueueName="other")["QueueUrl"]
    other_arn = attributes(client, other, "QueueArn")["QueueArn"]
    assert refused(lambda: client.start_message_move_task(SourceArn=other_arn))[1] == (
        "Source queue must be configured as a Dead Letter Queue."
    )


@pytest.mark.kumoi_clock
def test_a_task_keeps_its_rate_and_can_be_cancelled(client: Any, url: str, kumoi: Any) -> None:
    dead = client.create_queue(QueueName="dead")["QueueUrl"]
    arn = attributes(client, dead, "QueueArn")["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    client.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    for ten in range(4):
        entries = [{"Id": str(one), "MessageBody": f"{ten}{one}"} for one in range(10)]
        client.send_message_batch(QueueUrl=dead, Entries=entries)
    destination = attributes(client, url, "QueueArn")["QueueArn"]
    handle = client.start_message_move_task(SourceArn=arn, DestinationArn=destination, MaxNumberOfMessagesPerSecond=2)
    kumoi.advance(6)
    assert "already a task running" in refused(lambda: client.start_message_move_task(SourceArn=arn))[1]
    moved = client.cancel_message_move_task(TaskHandle=handle["TaskHandle"])["ApproximateNumberOfMessagesMoved"]
    assert 10 <= moved < 40  # two a second; real time goes on as well
    kumoi.advance(10)
    (task,) = client.list_message_move_tasks(SourceArn=arn)["Results"]
    assert task["Status"] == "CANCELLED"
    assert attributes(client, url)["ApproximateNumberOfMessages"] == str(moved)


def test_the_query_protocol_speaks_of_the_same_queues(client: Any, url: str, kumoi: Any) -> None:
    def ask(path: str, **form: str) -> ET.Element:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={kumoi.account}/20260101/us-east-1/sqs/aws4_request, "
            f"SignedHeaders=host, Signature={'0' * 64}",
        }
        body = urllib.parse.urlencode({"Version": "2012-11-05", **form}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{kumoi.url}{path}", body, headers)) as answer:
            return ET.fromstring(answer.read())

    spaces = {"q": "http://queue.amazonaws.com/doc/2012-11-05/"}
    path = urllib.parse.urlsplit(url).path
    sent = ask(
        path,
        **{
            "Action": "SendMessage",
            "QueueUrl": url,
            "MessageBody": "hello",
            "MessageAttribute.1.Name": "kind",
            "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "greeting",
        },
    )
    assert sent.find(".//q:MD5OfMessageBody", spaces) is not None
    got = ask("/", **{"Action": "ReceiveMessage", "QueueUrl": url, "MessageAttributeName.1": "All"})
    assert got.findtext(".//q:Message/q:Body", namespaces=spaces) == "hello"
    assert got.findtext(".//q:MessageAttribute/q:Value/q:StringValue", namespaces=spaces) == "greeting"
    ask(f"{path}/", Action="SendMessage", MessageBody="at the queue's own address")
    got = ask(path, Action="ReceiveMessage")
    assert got.findtext(".//q:Message/q:Body", namespaces=spaces) == "at the queue's own address"
    with pytest.raises(urllib.error.HTTPError) as error:
        ask("/", Action="GetQueueUrl", QueueName="nobody")
    told = ET.fromstring(error.value.read())
    assert told.findtext(".//{*}Code") == "AWS.SimpleQueueService.NonExistentQueue"
    assert told.findtext(".//{*}Message") == "The specified queue does not exist for this wsdl version."
    assert told.find(".//{*}Error/{*}Detail") is not None
