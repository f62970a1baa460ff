"""What becomes of mails is told: to destinations of configuration sets, and to topics of identities."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

ALL = ["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "RENDERING_FAILURE"]


class Topic:
    """A topic with a queue that gets its messages."""

    def __init__(self, kumoi: Any, name: str) -> None:
        self._sqs = kumoi.client("sqs")
        sns = kumoi.client("sns")
        self.arn = sns.create_topic(Name=name)["TopicArn"]
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        queue, raw = attributes["QueueArn"], {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue, Attributes=raw)

    def events(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 60
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} came: {found}"
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=10)
            for message in answer.get("Messages", []):
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def topic(kumoi: Any) -> Topic:
    return Topic(kumoi, "mails")


@pytest.fixture
def tracked(sesv2: Any, topic: Topic) -> str:
    """A configuration set that tells the topic everything."""
    sesv2.create_configuration_set(ConfigurationSetName="tracked")
    sesv2.create_configuration_set_event_destination(
        ConfigurationSetName="tracked",
        EventDestinationName="topic",
        EventDestination={"Enabled": True, "MatchingEventTypes": ALL, "SnsDestination": {"TopicArn": topic.arn}},
    )
    return "tracked"


@pytest.fixture
def sent(sesv2: Any, hello: Any, tracked: str) -> Callable[..., str]:
    """Send a mail with the configuration set; its id."""

    def send(*to: str, **params: Any) -> str:
        given = {
            "FromEmailAddress": "Shop <a@shop.example>",
            "Destination": {"ToAddresses": list(to)},
            "Content": {"Simple": hello},
            "ConfigurationSetName": tracked,
            **params,
        }
        return str(sesv2.send_email(**given)["MessageId"])

    return send


def by_type(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["eventType"]: one for one in events}


def test_a_mail_is_sent_and_delivered(kumoi: Any, topic: Topic, sent: Callable[..., str]) -> None:
    identifier = sent("ann@example.com", EmailTags=[{"Name": "kind", "Value": "bill"}])
    events = by_type(topic.events(2))
    mail = events["Send"]["mail"]
    assert events["Send"]["send"] == {}
    assert mail["messageId"] == identifier
    assert mail["source"] == "Shop <a@shop.example>"
    assert mail["sourceArn"] == f"arn:aws:ses:us-east-1:{kumoi.account}:identity/shop.example"
    assert (mail["sendingAccountId"], mail["destination"]) == (kumoi.account, ["ann@example.com"])
    assert mail["tags"]["kind"] == ["bill"]
    assert mail["tags"]["ses:configuration-set"] == ["tracked"]
    assert mail["tags"]["ses:from-domain"] == ["shop.example"]
    assert mail["commonHeaders"]["subject"] == "Hello"
    assert {"name": "From", "value": "Shop <a@shop.example>"} in mail["headers"]
    assert events["Delivery"]["delivery"]["recipients"] == ["ann@example.com"]
    assert events["Delivery"]["mail"]["tags"]["ses:outgoing-ip"] == ["192.0.2.1"]


@pytest.mark.parametrize(
    ("recipient", "types", "subtype"),
    [
        ("success@simulator.amazonses.com", {"Send", "Delivery"}, None),
        ("ooto+a@simulator.amazonses.com", {"Send", "Delivery"}, None),
        ("bounce@simulator.amazonses.com", {"Send", "Bounce"}, "General"),
        ("Bounce+label@simulator.amazonses.com", {"Send", "Bounce"}, "General"),
        ("suppressionlist@simulator.amazonses.com", {"Send", "Bounce"}, "Suppressed"),
        ("complaint@simulator.amazonses.com", {"Send", "Delivery", "Complaint"}, None),
    ],
)
def test_the_mailbox_simulator(
    topic: Topic, sent: Callable[..., str], mailbox: Any, recipient: str, types: set[str], subtype: str | None
) -> None:
    identifier = sent(recipient)
    events = by_type(topic.events(len(types)))
    assert set(events) == types
    if subtype is not None:
        bounce = events["Bounce"]["bounce"]
        assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Permanent", subtype)
        assert bounce["bouncedRecipients"][0]["emailAddress"] == recipient
        assert bounce["bouncedRecipients"][0]["status"] == "5.1.1"
    if "Complaint" in types:
        complaint = events["Complaint"]["complaint"]
        assert complaint["complainedRecipients"] == [{"emailAddress": recipient}]
        assert complaint["complaintFeedbackType"] == "abuse"
    assert mailbox.read(identifier)["to"] == [recipient]


def test_a_virus_is_rejected(topic: Topic, sent: Callable[..., str], hello: Any, mailbox: Any) -> None:
    eicar = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    content = {"Simple": {**hello, "Attachments": [{"FileName": "eicar.com", "RawContent": eicar}]}}
    identifier = sent("ann@example.com", Content=content)
    events = by_type(topic.events(2))
    assert events["Reject"]["reject"] == {"reason": "Bad content"}
    assert mailbox.read(identifier)["outcomes"] == {"ann@example.com": "rejected"}


def test_a_template_that_cannot_be_rendered_is_told_of(
    sesv2: Any, topic: Topic, sent: Callable[..., str], mailbox: Any
) -> None:
    sesv2.create_email_template(TemplateName="t", TemplateContent={"Subject": "Hi {{name}}", "Text": "x"})
    identifier = sent("ann@example.com", Content={"Template": {"TemplateName": "t", "TemplateData": "{}"}})
    (event,) = topic.events(1)
    assert event["eventType"] == "Rendering Failure"
    assert event["mail"]["messageId"] == identifier
    assert event["failure"] == {
        "errorMessage": "Attribute 'name' is not present in the rendering data.",
        "templateName": "t",
    }
    assert mailbox.list() == []


def test_addresses_on_the_suppression_list_get_nothing(
    sesv2: Any, topic: Topic, sent: Callable[..., str], refused: Any, mailbox: Any
) -> None:
    sesv2.put_suppressed_destination(EmailAddress="Gone@example.com", Reason="BOUNCE")
    identifier = sent("gone@example.com", "ann@example.com")
    events = by_type(topic.events(3))
    assert events["Delivery"]["delivery"]["recipients"] == ["ann@example.com"]
    assert events["Bounce"]["bounce"]["bounceSubType"] == "OnAccountSuppressionList"
    assert mailbox.read(identifier)["outcomes"] == {"gone@example.com": "suppressed"}
    (listed,) = sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert (listed["EmailAddress"], listed["Reason"]) == ("gone@example.com", "BOUNCE")
    sesv2.put_configuration_set_suppression_options(ConfigurationSetName="tracked", SuppressedReasons=[])
    sent("gone@example.com")
    assert set(by_type(topic.events(2))) == {"Send", "Delivery"}
    sesv2.delete_suppressed_destination(EmailAddress="gone@example.com")
    assert refused(sesv2.get_suppressed_destination, EmailAddress="gone@example.com")[0] == "NotFoundException"


def test_identities_tell_their_topics(ses: Any, topic: Topic, hello: Any) -> None:
    for kind in ("Bounce", "Complaint", "Delivery"):
        ses.set_identity_notification_topic(Identity="shop.example", NotificationType=kind, SnsTopic=topic.arn)
    ses.set_identity_headers_in_notifications_enabled(Identity="shop.example", NotificationType="Bounce", Enabled=True)
    to = {"ToAddresses": ["bounce@simulator.amazonses.com", "complaint@simulator.amazonses.com"]}
    ses.send_email(Source="a@shop.example", Destination=to, Message=hello)
    told = {one["notificationType"]: one for one in topic.events(3)}
    assert set(told) == {"Bounce", "Complaint", "Delivery"}
    assert told["Bounce"]["mail"]["commonHeaders"]["subject"] == "Hello"
    assert "headers" not in told["Complaint"]["mail"] and "tags" not in told["Complaint"]["mail"]
    assert told["Delivery"]["delivery"]["recipients"] == ["complaint@simulator.amazonses.com"]


def test_eventbridge_and_cloudwatch(kumoi: Any, sesv2: Any, topic: Topic, sent: Callable[..., str]) -> None:
    events, sqs = kumoi.client("events"), kumoi.client("sqs")
    url = sqs.create_queue(QueueName="bus")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="mails", EventPattern=json.dumps({"source": ["aws.ses"], "detail-type": ["Email Bounced"]}))
    events.put_targets(Rule="mails", Targets=[{"Id": "q", "Arn": queue}])
    bus = f"arn:aws:events:us-east-1:{kumoi.account}:event-bus/default"
    dimension = {"DimensionName": "kind", "DimensionValueSource": "MESSAGE_TAG", "DefaultDimensionValue": "none"}
    for name, target in (
        ("bus", {"EventBridgeDestination": {"EventBusArn": bus}}),
        ("metrics", {"CloudWatchDestination": {"DimensionConfigurations": [dimension]}}),
    ):
        sesv2.create_configuration_set_event_destination(
            ConfigurationSetName="tracked",
            EventDestinationName=name,
            EventDestination={"Enabled": True, "MatchingEventTypes": ["SEND", "BOUNCE"], **target},
        )
    sent("bounce@simulator.amazonses.com", EmailTags=[{"Name": "kind", "Value": "bill"}])
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    event = json.loads(answer["Messages"][0]["Body"])
    assert (event["detail-type"], event["detail"]["bounce"]["bounceType"]) == ("Email Bounced", "Permanent")
    assert event["resources"] == [f"arn:aws:ses:us-east-1:{kumoi.account}:configuration-set/tracked"]
    cloudwatch = kumoi.client("cloudwatch")
    deadline = time.monotonic() + 60
    while True:
        found = cloudwatch.list_metrics(Namespace="AWS/SES", MetricName="Bounce")["Metrics"]
        if [one for one in found if one["Dimensions"] == [{"Name": "kind", "Value": "bill"}]]:
            break
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_destinations_are_the_same_for_both_apis(
    ses: Any, sesv2: Any, topic: Topic, tracked: str, refused: Any
) -> None:
    described = ses.describe_configuration_set(
        ConfigurationSetName=tracked, ConfigurationSetAttributeNames=["eventDestinations", "reputationOptions"]
    )
    (one,) = described["EventDestinations"]
    assert one["SNSDestination"] == {"TopicARN": topic.arn}
    assert one["MatchingEventTypes"] == ["send", "reject", "bounce", "complaint", "delivery", "renderingFailure"]
    assert described["ReputationOptions"] == {"SendingEnabled": True, "ReputationMetricsEnabled": False}
    changed = {"Name": "topic", "Enabled": False, "MatchingEventTypes": ["bounce"]}
    ses.update_configuration_set_event_destination(
        ConfigurationSetName=tracked, EventDestination={**changed, "SNSDestination": {"TopicARN": topic.arn}}
    )
    (two,) = sesv2.get_configuration_set_event_destinations(ConfigurationSetName=tracked)["EventDestinations"]
    assert two == {
        "Name": "topic",
        "Enabled": False,
        "MatchingEventTypes": ["BOUNCE"],
        "SnsDestination": {"TopicArn": topic.arn},
    }
    wrong = {**changed, "Name": "x", "SNSDestination": {"TopicARN": "nothing"}}
    code, _ = refused(
        ses.create_configuration_set_event_destination, ConfigurationSetName=tracked, EventDestination=wrong
    )
    assert code == "InvalidSNSDestination"
    gone = refused(
        ses.delete_configuration_set_event_destination, ConfigurationSetName=tracked, EventDestinationName="x"
    )
    assert gone[0] == "EventDestinationDoesNotExist"
    assert refused(sesv2.create_configuration_set, ConfigurationSetName=tracked)[0] == "AlreadyExistsException"
    taken = refused(ses.create_configuration_set, ConfigurationSet={"Name": tracked})
    assert taken == ("ConfigurationSetAlreadyExists", "Configuration set <tracked> already exists.")
