"""Who publishes to topics on its own initiative: functions' failures, buckets, rules, schedules; and who is reached."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def function(kumoi: Any, zipped: Callable[..., bytes]) -> Callable[..., str]:
    """Make a function; answers its ARN."""

    def make(name: str, code: str, **more: Any) -> str:
        made = kumoi.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=f"arn:aws:iam::{kumoi.account}:role/any",
            Handler="app.handler",
            Code={"ZipFile": zipped({"app.py": code})},
            Timeout=60,
            **more,
        )
        return str(made["FunctionArn"])

    return make


def test_events_that_a_function_fails_on_go_to_its_dead_letter_topic(
    kumoi: Any, topic: str, subscribed: Callable[..., Any], function: Callable[..., str]
) -> None:
    inbox = subscribed(topic, RawMessageDelivery="true")
    code = "def handler(event, context):\n    raise ValueError('no')\n"
    function("failing", code, DeadLetterConfig={"TargetArn": topic})
    client = kumoi.client("lambda")
    client.put_function_event_invoke_config(FunctionName="failing", MaximumRetryAttempts=0)
    client.invoke(FunctionName="failing", InvocationType="Event", Payload=b'{"a": 1}')
    (message,) = inbox.messages(1)
    assert json.loads(message["Body"]) == {"a": 1}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no"


def test_results_of_functions_go_to_their_destination(
    kumoi: Any, topic: str, subscribed: Callable[..., Any], function: Callable[..., str]
) -> None:
    inbox = subscribed(topic)
    function("working", "def handler(event, context):\n    return event\n")
    client = kumoi.client("lambda")
    client.put_function_event_invoke_config(
        FunctionName="working", DestinationConfig={"OnSuccess": {"Destination": topic}}
    )
    client.invoke(FunctionName="working", InvocationType="Event", Payload=b'{"a": 1}')
    record = json.loads(inbox.notification()["Message"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"a": 1}


def test_a_bucket_tells_a_topic(kumoi: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox, s3 = subscribed(topic), kumoi.client("s3")
    s3.create_bucket(Bucket=f"bucket-{kumoi.account}")
    events = {"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=f"bucket-{kumoi.account}", NotificationConfiguration={"TopicConfigurations": [events]}
    )
    told = inbox.notification()
    assert told["Subject"] == "Amazon S3 Notification"
    assert json.loads(told["Message"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=f"bucket-{kumoi.account}", Key="k", Body=b"x")
    (record,) = json.loads(inbox.notification()["Message"])["Records"]
    assert record["s3"]["object"]["key"] == "k"


def test_a_bucket_may_not_tell_a_topic_that_is_not_there(kumoi: Any, topic: str) -> None:
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=f"bucket-{kumoi.account}")
    events = {"TopicArn": topic + "x", "Events": ["s3:ObjectCreated:*"]}
    with pytest.raises(s3.exceptions.ClientError, match="Unable to validate the following destination configurations"):
        s3.put_bucket_notification_configuration(
            Bucket=f"bucket-{kumoi.account}", NotificationConfiguration={"TopicConfigurations": [events]}
        )


def test_a_rule_publishes_what_matches(kumoi: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox, events = subscribed(topic), kumoi.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["app"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "topic", "Arn": topic}])
    events.put_events(Entries=[{"Source": "app", "DetailType": "made", "Detail": '{"a": 1}'}])
    assert json.loads(inbox.notification()["Message"])["detail"] == {"a": 1}


@pytest.mark.kumoi_clock
def test_a_schedule_publishes(kumoi: Any, topic: str, subscribed: Callable[..., Any]) -> None:
    inbox = subscribed(topic, RawMessageDelivery="true")
    kumoi.client("scheduler").create_schedule(
        Name="s",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": topic, "RoleArn": f"arn:aws:iam::{kumoi.account}:role/any", "Input": "tick"},
    )
    kumoi.advance("61m")
    assert "tick" in inbox.bodies(1)


def test_the_way_of_a_message_is_on_the_map(
    kumoi: Any, client: Any, topic: str, subscribed: Callable[..., Any]
) -> None:
    import urllib.request

    inbox = subscribed(topic)
    client.publish(TopicArn=topic, Message="m")
    inbox.bodies(1)
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/map?account={kumoi.account}") as answer:
        edges = {(edge["source"], edge["target"], edge["operation"]) for edge in json.load(answer)["edges"]}
    assert ("client", "sns:news", "Publish") in edges
    assert ("sns:news", "sqs:inbox", "SendMessage") in edges
