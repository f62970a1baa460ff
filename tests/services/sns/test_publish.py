"""What is published reaches queues and functions, in the form and under the conditions of each subscription."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_queue_gets_a_notification(kumoi: Any, client: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox = subscribed(topic)
    attributes = {
        "kind": {"DataType": "String", "StringValue": "ü"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\0\1"},
    }
    answer = client.publish(TopicArn=topic, Message='say "hi"\n', Subject="News", MessageAttributes=attributes)
    body = inbox.notification()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body.pop("Timestamp"))
    assert body.pop("SigningCertURL").endswith(".pem")
    assert body.pop("Signature")
    assert body == {
        "Type": "Notification",
        "MessageId": answer["MessageId"],
        "TopicArn": topic,
        "Subject": "News",
        "Message": 'say "hi"\n',
        "SignatureVersion": "1",
        "UnsubscribeURL": f"{kumoi.url}/?Action=Unsubscribe&SubscriptionArn={inbox.subscription}",
        "MessageAttributes": {
            "kind": {"Type": "String", "Value": "ü"},
            "raw": {"Type": "Binary", "Value": "AAE="},
        },
    }


def test_raw_delivery_is_the_message_alone(client: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox = subscribed(topic, RawMessageDelivery="true")
    attributes = {"n": {"DataType": "Number", "StringValue": "1"}}
    client.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes, MessageGroupId="tenant")
    (message,) = inbox.messages(1)
    assert message["Body"] == "hello"
    assert message["MessageAttributes"] == {"n": {"StringValue": "1", "DataType": "Number"}}
    assert message["Attributes"]["MessageGroupId"] == "tenant"
    assert message["Attributes"]["AWSTraceHeader"].startswith("Root=1-")


def test_each_protocol_gets_its_own_text(client: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    raw, filtered = (
        subscribed(topic, "raw", RawMessageDelivery="true"),
        subscribed(topic, "filtered", FilterPolicy={"for": ["queues"]}, FilterPolicyScope="MessageBody"),
    )
    texts = {"default": "all", "sqs": '{"for": "queues"}'}
    client.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json")
    assert raw.bodies(1) == ['{"for": "queues"}']
    assert filtered.notification()["Message"] == '{"for": "queues"}'


def test_filter_policies_choose(client: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    red = subscribed(topic, "red", FilterPolicy={"color": ["red"]}, RawMessageDelivery="true")
    every = subscribed(topic, "every", RawMessageDelivery="true")
    for color in ("blue", "red"):
        attributes = {"color": {"DataType": "String", "StringValue": color}}
        client.publish(TopicArn=topic, Message=color, MessageAttributes=attributes)
    assert red.bodies(1) == ["red"]
    assert sorted(every.bodies(2)) == ["blue", "red"]
    client.set_subscription_attributes(
        SubscriptionArn=red.subscription, AttributeName="FilterPolicy", AttributeValue="{}"
    )
    client.publish(TopicArn=topic, Message="none")
    assert red.bodies(1) == ["none"]


def test_a_function_gets_an_event(
    kumoi: Any, client: Any, topic: str, queue: Callable[..., Any], zipped: Callable[..., bytes]
) -> None:
    seen = queue("seen")
    code = (
        "import boto3, json, os\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message(QueueUrl=os.environ['QUEUE'], MessageBody=json.dumps(event))\n"
    )
    arn = kumoi.client("lambda").create_function(
        FunctionName="listener",
        Runtime="python3.12",
        Role=f"arn:aws:iam::{kumoi.account}:role/any",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
        Environment={"Variables": {"QUEUE": seen.url}},
        Timeout=60,
    )["FunctionArn"]
    subscription = client.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)["SubscriptionArn"]
    client.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    answer = client.publish(TopicArn=topic, Message="wake up")
    event = seen.notification()
    (record,) = event["Records"]
    assert list(record) == ["EventSource", "EventVersion", "EventSubscriptionArn", "Sns"]
    assert record["EventSubscriptionArn"] == subscription
    told = record["Sns"]
    assert (told["MessageId"], told["Message"], told["Subject"]) == (answer["MessageId"], "wake up", None)
    assert (told["SignatureVersion"], told["MessageAttributes"]) == ("1", {})
    assert told["SigningCertUrl"].endswith(".pem")


def test_batches(client: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox = subscribed(topic, RawMessageDelivery="true")
    answer = client.publish_batch(
        TopicArn=topic,
        PublishBatchRequestEntries=[
            {"Id": "a", "Message": "one"},
            {"Id": "b", "Message": "two", "MessageAttributes": {"x": {"DataType": "String", "StringValue": ""}}},
            {"Id": "c", "Message": "three"},
        ],
    )
    assert [one["Id"] for one in answer["Successful"]] == ["a", "c"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("b", "ParameterValueInvalid", True)
    assert sorted(inbox.bodies(2)) == ["one", "three"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(number), "Message": "x"} for number in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "Message": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "", "Message": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "a" * 81, "Message": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "a", "Message": "x" * 200_000}, {"Id": "b", "Message": "x" * 70_000}], "BatchRequestTooLong"),
        ([{"Id": "a", "Message": "{", "MessageStructure": "json"}], "InvalidParameter"),
    ],
)
def test_batches_that_are_refused_whole(client: Any, topic: str, entries: list[Any], code: str) -> None:
    assert refused(client.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)[0] == code


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"Message": ""}, "InvalidParameter", "Invalid parameter: Empty message"),
        ({"Subject": ""}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Subject": "a\nb"}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Subject": "x" * 101}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Message": "x" * 262_145}, "InvalidParameter", "Invalid parameter: Message too long"),
        (
            {"Message": "{}", "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - No default entry in JSON message body",
        ),
        (
            {"Message": "{", "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - JSON message body failed to parse",
        ),
        (
            {"MessageDeduplicationId": "x"},
            "InvalidParameter",
            "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
            "that is not valid for this topic type",
        ),
        (
            {"MessageAttributes": {"a": text("")}},
            "ParameterValueInvalid",
            "The message attribute 'a' must contain non-empty message attribute value for message attribute type "
            "'String'.",
        ),
        (
            {"MessageAttributes": {"a": {"DataType": "Binary", "StringValue": "x"}}},
            "ParameterValueInvalid",
            "The message attribute 'a' with type 'Binary' must use field 'Binary'.",
        ),
        (
            {"MessageAttributes": {"a": {"DataType": "Date", "StringValue": "x"}}},
            "ParameterValueInvalid",
            "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is "
            "Binary, Number, and String.",
        ),
        (
            {"MessageAttributes": {"a!": text("x")}},
            "ParameterValueInvalid",
            "Invalid non-alphanumeric character '#x21' was found in the message attribute name. Can only include "
            "alphanumeric characters, hyphens, underscores, or dots.",
        ),
        (
            {"MessageAttributes": {".a": text("x")}},
            "ParameterValueInvalid",
            "Invalid message attribute name starting with character '.' was found.",
        ),
        (
            {"MessageAttributes": {"a..b": text("x")}},
            "ParameterValueInvalid",
            "Message attribute name can not have successive '.' character.",
        ),
        (
            {"MessageAttributes": {"a" * 257: text("x")}},
            "ParameterValueInvalid",
            "Length of message attribute name must be less than 256 bytes.",
        ),
    ],
)
def test_messages_that_cannot_be_published(
    client: Any, topic: str, params: dict[str, Any], code: str, message: str
) -> None:
    assert refused(client.publish, **{"TopicArn": topic, "Message": "m", **params}) == (code, message)


def test_receivers_that_are_none(client: Any, topic: str) -> None:
    assert refused(client.publish, TopicArn=topic + "x", Message="m") == ("NotFound", "Topic does not exist")
    assert refused(client.publish, Message="m")[0] == "InvalidParameter"
    assert refused(client.publish, Message="m", TopicArn=topic, PhoneNumber="+4915112345678")[0] == "InvalidParameter"
    assert refused(client.publish, PhoneNumber="12", Message="m")[1] == (
        "Invalid parameter: PhoneNumber Reason: 12 is not valid to publish to"
    )
    device = topic.replace(":news", ":endpoint/GCM/app/00000000-0000-0000-0000-000000000000")
    assert refused(client.publish, TargetArn=device, Message="m")[1] == (
        "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"
    )


def test_fifo_topics_keep_order_and_drop_duplicates(client: Any, fifo: str, subscribed: Callable[..., Any]) -> None:
    ordered = subscribed(fifo, "ordered.fifo", RawMessageDelivery="true")
    plain = subscribed(fifo, "plain")
    numbers = []
    for number in range(30):
        answer = client.publish(TopicArn=fifo, Message=str(number), MessageGroupId="g")
        numbers.append(int(answer["SequenceNumber"]))
    again = client.publish(TopicArn=fifo, Message="29", MessageGroupId="g")
    assert again["SequenceNumber"] == answer["SequenceNumber"]
    assert again["MessageId"] == answer["MessageId"]
    assert numbers == [10_000_000_000_000_001_000 + 1000 * number for number in range(30)]
    messages = [message for _ in range(3) for message in ordered.messages(10)]
    assert [message["Body"] for message in messages] == [str(number) for number in range(30)]
    attributes = messages[0]["Attributes"]
    assert attributes["MessageGroupId"] == "g"
    assert attributes["MessageDeduplicationId"] == hashlib.sha256(b"0").hexdigest()
    body = json.loads(plain.bodies(1)[0])
    assert "Signature" not in body
    assert body["SequenceNumber"] == str(10_000_000_000_000_000_000 + 1000 * (int(body["Message"]) + 1))


def test_duplicates_are_told_per_group_where_the_scope_says_so(client: Any, subscribed: Callable[..., Any]) -> None:
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true", "FifoThroughputScope": "MessageGroup"}
    topic = client.create_topic(Name="wide.fifo", Attributes=attributes)["TopicArn"]
    ids = {client.publish(TopicArn=topic, Message="m", MessageGroupId=group)["MessageId"] for group in "aab"}
    assert len(ids) == 2


@pytest.mark.kumoi_clock
def test_a_duplicate_is_one_for_five_minutes(kumoi: Any, client: Any, fifo: str) -> None:
    first = client.publish(TopicArn=fifo, Message="m", MessageGroupId="g")["MessageId"]
    kumoi.advance(240)
    assert client.publish(TopicArn=fifo, Message="m", MessageGroupId="g")["MessageId"] == first
    kumoi.advance(61)
    assert client.publish(TopicArn=fifo, Message="m", MessageGroupId="g")["MessageId"] != first


def test_what_fifo_topics_refuse(client: Any, fifo: str, topic: str, subscribed: Callable[..., Any]) -> None:
    client.set_topic_attributes(TopicArn=fifo, AttributeName="ContentBasedDeduplication", AttributeValue="false")
    assert refused(client.publish, TopicArn=fifo, Message="m")[1] == (
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    )
    assert refused(client.publish, TopicArn=fifo, Message="m", MessageGroupId="g")[1] == (
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly"
    )
    entries = [{"Id": "a", "Message": "m", "MessageGroupId": "g"}]
    assert refused(client.publish_batch, TopicArn=fifo, PublishBatchRequestEntries=entries)[0] == "InvalidParameter"
    assert refused(client.subscribe, TopicArn=fifo, Protocol="email", Endpoint="a@b.c")[0] == "InvalidParameter"
    with pytest.raises(ClientError, match="FIFO SQS Queues can not be subscribed to standard SNS topics"):
        subscribed(topic, "x.fifo")


def test_dead_letters(client: Any, topic: str, queue: Callable[..., Any], subscribed: Callable[..., Any]) -> None:
    dead = queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn})
    missing = dead.arn.replace("dead", "missing")
    client.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=missing,
        Attributes={"RedrivePolicy": redrive, "RawMessageDelivery": "true"},
    )
    function = dead.arn.replace(":sqs:", ":lambda:").replace("dead", "function:missing")
    client.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function, Attributes={"RedrivePolicy": redrive})
    client.publish(TopicArn=topic, Message="lost", MessageAttributes={"a": text("x")})
    bodies = {message["Body"]: message.get("MessageAttributes") for message in dead.messages(2)}
    assert bodies.pop("lost") == {"a": {"DataType": "String", "StringValue": "x"}}
    (envelope,) = bodies
    assert json.loads(envelope)["Message"] == "lost"


def test_letters_are_kept_for_reading(kumoi: Any, client: Any, topic: str) -> None:
    import urllib.request

    client.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+4915112345678")
    client.publish(TopicArn=topic, Message="to all")
    client.publish(PhoneNumber="+4915187654321", Message="to one")
    deadline = time.monotonic() + 60
    while True:
        with urllib.request.urlopen(f"{kumoi.url}/_kumoi/sns-outbox?account={kumoi.account}") as answer:
            letters = json.load(answer)["letters"]
        if len(letters) == 2:
            break
        assert time.monotonic() < deadline, letters
        time.sleep(0.02)
    found = {(one["protocol"], one["endpoint"], one["message"]) for one in letters}
    assert found == {("sms", "+4915112345678", "to all"), ("sms", "+4915187654321", "to one")}


def test_apps_on_devices(kumoi: Any, client: Any, topic: str) -> None:
    app = client.create_platform_application(Name="app", Platform="GCM", Attributes={"PlatformCredential": "key"})[
        "PlatformApplicationArn"
    ]
    device = client.create_platform_endpoint(PlatformApplicationArn=app, Token="t")["EndpointArn"]
    assert client.create_platform_endpoint(PlatformApplicationArn=app, Token="t")["EndpointArn"] == device
    assert refused(client.create_platform_endpoint, PlatformApplicationArn=app, Token="t", CustomUserData="u")[1] == (
        f"Invalid parameter: Token Reason: Endpoint {device} already exists with the same Token, but different "
        "attributes."
    )
    assert client.get_platform_application_attributes(PlatformApplicationArn=app)["Attributes"] == {"Enabled": "true"}
    assert [
        one["EndpointArn"]
        for one in client.list_endpoints_by_platform_application(PlatformApplicationArn=app)["Endpoints"]
    ] == [device]
    assert client.publish(TargetArn=device, Message="ping")["MessageId"]
    client.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})
    assert refused(client.publish, TargetArn=device, Message="ping") == ("EndpointDisabled", "Endpoint is disabled")
    client.delete_endpoint(EndpointArn=device)
    client.delete_platform_application(PlatformApplicationArn=app)
    assert client.list_platform_applications()["PlatformApplications"] == []


def test_text_messages_have_settings(client: Any) -> None:
    client.set_sms_attributes(attributes={"DefaultSMSType": "Transactional"})
    assert client.get_sms_attributes()["attributes"] == {"DefaultSMSType": "Transactional"}
    client.set_sms_attributes(attributes={"DefaultSMSType": "", "MonthlySpendLimit": ""})
    assert client.get_sms_attributes()["attributes"] == {}
    assert refused(client.set_sms_attributes, attributes={"x": "y"})[0] == "InvalidParameter"
    assert client.list_phone_numbers_opted_out()["phoneNumbers"] == []
    assert client.check_if_phone_number_is_opted_out(phoneNumber="+4915112345678")["isOptedOut"] is False
    assert client.get_sms_sandbox_account_status()["IsInSandbox"] is False
