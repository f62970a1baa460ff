"""What EventBridge does as time goes by."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock


def put(client: Any) -> str:
    (entry,) = client.put_events(Entries=[{"Source": "app", "DetailType": "made", "Detail": "{}"}])["Entries"]
    return str(entry["EventId"])


def test_an_archive_keeps_events_for_its_days(kumoi: Any) -> None:
    client = kumoi.client("events")
    bus = f"arn:aws:events:us-east-1:{kumoi.account}:event-bus/default"
    client.create_archive(ArchiveName="days", EventSourceArn=bus, RetentionDays=2)
    client.create_archive(ArchiveName="ever", EventSourceArn=bus)

    def counts() -> list[int]:
        return [client.describe_archive(ArchiveName=name)["EventCount"] for name in ("days", "ever")]

    put(client)
    kumoi.advance(86_400)
    put(client)
    assert counts() == [2, 2]
    kumoi.advance(86_400 + 60)
    assert counts() == [1, 2]
    client.update_archive(ArchiveName="days", RetentionDays=1)
    assert counts() == [0, 2]
    kumoi.advance(86_400)
    client.update_archive(ArchiveName="days", RetentionDays=100)
    assert counts() == [0, 2]


@pytest.mark.parametrize(
    ("policy", "condition", "attempts"),
    [
        ({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}, "MaximumRetryAttempts", "3"),
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", "1"),
        ({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", None),
    ],
)
def test_a_delivery_is_tried_as_its_policy_says_and_then_is_a_dead_letter(
    kumoi: Any, policy: dict[str, int], condition: str, attempts: str | None
) -> None:
    client, sqs = kumoi.client("events"), kumoi.client("sqs")
    dead = f"arn:aws:sqs:us-east-1:{kumoi.account}:dead"
    queue = sqs.create_queue(QueueName="dead")["QueueUrl"]
    connection = client.create_connection(
        Name="c",
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}},
    )
    unreachable = client.create_api_destination(
        Name="d",
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint="http://127.0.0.1:9/none",
        HttpMethod="POST",
    )
    client.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    target = {"Id": "t", "Arn": unreachable["ApiDestinationArn"], "RoleArn": f"arn:aws:iam::{kumoi.account}:role/r"}
    client.put_targets(Rule="r", Targets=[{**target, "RetryPolicy": policy, "DeadLetterConfig": {"Arn": dead}}])
    event = put(client)
    for _ in range(20):
        kumoi.advance(30)
        found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        if "Messages" in found:
            break
    (message,) = found["Messages"]
    assert json.loads(message["Body"])["id"] == event
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == "CONNECTION_FAILURE"
    assert told["EXHAUSTED_RETRY_CONDITION"] == condition
    assert told["RULE_ARN"] == f"arn:aws:events:us-east-1:{kumoi.account}:rule/r"
    assert told["TARGET_ARN"] == target["Arn"]
    assert attempts is None or told["RETRY_ATTEMPTS"] == str(int(attempts) - 1)
