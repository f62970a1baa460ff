"""Whatever is sent, the answer is AWS's error or AWS's answer, never a failure of the platform."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ODD: list[Any] = ["", "\u0000", "雲" * 50, "x" * 5000, "arn:aws:events", "arn:aws:s3:::b", "../..", "{}", "<script>"]


def calls(client: Any, text: str) -> list[Callable[[], Any]]:
    one, two = {"Name": text}, {"EventBusName": text}
    target = {"Id": "t", "Arn": text}
    connection = {"ApiKeyAuthParameters": {"ApiKeyName": text, "ApiKeyValue": text}}
    return [
        lambda: client.put_rule(Name="r", EventPattern=text),
        lambda: client.put_rule(Name="r", ScheduleExpression=text),
        lambda: client.put_rule(**one, EventPattern='{"a": ["b"]}'),
        lambda: client.put_rule(Name="r", EventPattern='{"a": ["b"]}', **two),
        lambda: client.describe_rule(**one),
        lambda: client.put_targets(Rule="there", Targets=[target]),
        lambda: client.put_targets(Rule="there", Targets=[{**target, "Arn": "arn:aws:sqs:r:1:q", "InputPath": text}]),
        lambda: client.list_rules(NextToken=text),
        lambda: client.create_event_bus(**one),
        lambda: client.describe_event_bus(**one),
        lambda: client.delete_event_bus(**one),
        lambda: client.put_permission(Policy=text),
        lambda: client.put_permission(Action=text, Principal=text, StatementId=text),
        lambda: client.remove_permission(StatementId=text),
        lambda: client.tag_resource(ResourceARN=text, Tags=[{"Key": "k", "Value": text}]),
        lambda: client.list_tags_for_resource(ResourceARN=text),
        lambda: client.create_archive(ArchiveName="a", EventSourceArn=text),
        lambda: client.create_archive(ArchiveName=text, EventSourceArn="default"),
        lambda: client.start_replay(
            ReplayName="r", EventSourceArn=text, EventStartTime=1, EventEndTime=2, Destination={"Arn": text}
        ),
        lambda: client.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=connection),
        lambda: client.create_connection(Name="c", AuthorizationType=text, AuthParameters=connection),
        lambda: client.create_api_destination(
            Name="d", ConnectionArn=text, InvocationEndpoint="https://x.y", HttpMethod="GET"
        ),
        lambda: client.create_api_destination(
            Name="d",
            ConnectionArn="arn:aws:events:us-east-1:1:connection/c/1",
            InvocationEndpoint=text,
            HttpMethod="GET",
        ),
        lambda: client.test_event_pattern(EventPattern=text, Event=text),
        lambda: client.put_events(Entries=[{"Source": text, "DetailType": text, "Detail": text, **two}]),
    ]


@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text[:12]))
def test_odd_texts(kumoi: Any, text: str) -> None:
    client = kumoi.client("events", parameter_validation=False)
    client.put_rule(Name="there", EventPattern='{"a": ["b"]}')
    for number, call in enumerate(calls(client, text)):
        try:
            call()
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert 400 <= status < 500, f"call {number}: {error}"


def test_details_however_deep_are_taken_or_malformed(
    listen: Callable[..., str], client: Any, logged: Callable[..., list[str]]
) -> None:
    listen({"source": ["app"]})
    for depth, code in ((200, None), (300, "MalformedDetail"), (2000, "MalformedDetail")):
        detail = '{"a": ' + "[" * depth + "]" * depth + "}"
        (entry,) = client.put_events(Entries=[{"Source": "app", "DetailType": "made", "Detail": detail}])["Entries"]
        assert entry.get("ErrorCode") == code
    (message,) = logged(1)
    assert json.loads(message)["source"] == "app"


def test_services_put_events_of_their_own_and_nobody_else_does(
    kumoi: Any, client: Any, listen: Callable[..., str], put: Callable[..., Any], logged: Callable[..., list[str]]
) -> None:
    assert put(source="aws.s3")["ErrorCode"] == "NotAuthorizedForSourceException"
    listen({"source": ["aws.s3"]}, InputPath="$.detail.object.key")
    s3 = kumoi.client("s3")
    bucket = f"events-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert logged(1) == ['"k"']


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        ("arn:aws:sns:us-east-1:000000000000:topic", "is an Amazon SQS queue"),
        ("arn:aws:sqs:us-east-1:000000000000:dead.fifo", "not a FIFO queue"),
        ("dead", "not in correct format"),
    ],
)
def test_only_standard_queues_take_dead_letters(client: Any, queue: str, reason: str) -> None:
    dead = {"Arn": queue}
    client.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    target = {"Id": "t", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:f", "DeadLetterConfig": dead}
    for refused in (
        lambda: client.put_targets(Rule="r", Targets=[target]),
        lambda: client.create_event_bus(Name="b", DeadLetterConfig=dead),
    ):
        with pytest.raises(ClientError, match=reason) as error:
            refused()
        assert error.value.response["Error"]["Code"] == "ValidationException"


def test_a_target_that_nothing_can_be_handed_to_ends_in_the_dead_letter_queue(
    kumoi: Any, client: Any, put: Callable[..., Any]
) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="dead")["QueueUrl"]
    dead = {"Arn": f"arn:aws:sqs:us-east-1:{kumoi.account}:dead"}
    client.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    role = f"arn:aws:iam::{kumoi.account}:role/r"
    targets = {
        "batch": f"arn:aws:batch:us-east-1:{kumoi.account}:job-queue/q",
        "queue": f"arn:aws:sqs:us-east-1:{kumoi.account}:none",
        "function": f"arn:aws:lambda:us-east-1:{kumoi.account}:function:none",
        "bus": f"arn:aws:events:us-east-1:{kumoi.account}:event-bus/none",
    }
    client.put_targets(
        Rule="r",
        Targets=[
            {
                "Id": name,
                "Arn": arn,
                "RoleArn": role,
                "DeadLetterConfig": dead,
                "RetryPolicy": {"MaximumRetryAttempts": 0},
            }
            for name, arn in targets.items()
        ],
    )
    put()
    codes: dict[str, str] = {}
    while len(codes) < len(targets):
        found = sqs.receive_message(
            QueueUrl=queue, WaitTimeSeconds=20, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        assert "Messages" in found, codes
        for message in found["Messages"]:
            told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
            codes[told["TARGET_ARN"]] = told["ERROR_CODE"]
    assert [codes[arn] for arn in targets.values()] == [
        "INVALID_PARAMETER",
        "NO_RESOURCE",
        "NO_RESOURCE",
        "NO_RESOURCE",
    ]


def test_acknowledged_events_outlive_kill_9(killable: Any) -> None:
    killable.start()
    client, sqs = killable.client("events"), killable.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    client.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    client.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}])
    sent = set()
    for _ in range(20):
        answer = client.put_events(Entries=[{"Source": "app", "DetailType": "made", "Detail": "{}"}] * 10)
        sent |= {entry["EventId"] for entry in answer["Entries"]}
    killable.kill()
    killable.start()
    got = set()
    while len(got) < len(sent):
        found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20, MaxNumberOfMessages=10)
        assert "Messages" in found, f"{len(got)} of {len(sent)} events"
        got |= {json.loads(message["Body"])["id"] for message in found["Messages"]}
    assert got == sent
