"""Experiments through boto3 break functions and APIs, for as long as they say."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

pytestmark = pytest.mark.kumoi_clock

WAIT = {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}


def invocation(kind: str, arn: str, **parameters: str) -> dict[str, Any]:
    target = {"resourceType": "aws:lambda:function", "resourceArns": [arn], "selectionMode": "ALL"}
    action = {
        "actionId": f"aws:lambda:invocation-{kind}",
        "parameters": {"duration": "PT5M", **parameters},
        "targets": {"Functions": "these"},
    }
    return {"targets": {"these": target}, "actions": {"break": action}}


def test_a_function_fails_until_the_action_is_over(kumoi: Any, client: Any, start: Any, function: Any) -> None:
    arn = function()
    functions = kumoi.client("lambda")
    experiment = start(**invocation("error", arn, preventExecution="true"))
    assert experiment["actions"]["break"]["state"]["status"] == "running"
    failed = functions.invoke(FunctionName="f")
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == "FaultInjected"
    resolved = client.list_experiment_resolved_targets(experimentId=experiment["id"])["resolvedTargets"]
    assert [one["targetInformation"]["arn"] for one in resolved] == [arn]
    kumoi.advance(301)
    found = client.get_experiment(id=experiment["id"])["experiment"]
    assert found["state"]["status"] == "completed"
    assert 300 <= (found["endTime"] - found["startTime"]).total_seconds() < 360  # real time goes on as well
    assert functions.invoke(FunctionName="f")["Payload"].read() == b"1"


def test_a_function_answers_an_http_integration_and_is_delayed(kumoi: Any, start: Any, function: Any) -> None:
    arn = function()
    functions = kumoi.client("lambda")
    start(**invocation("http-integration-response", arn, contentTypeHeader="text/plain", statusCode="503"))
    answer = functions.invoke(FunctionName="f")
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {
        "statusCode": 503,
        "headers": {"Content-Type": "text/plain"},
        "body": "",
    }
    slow = function("slow", Timeout=1)
    start(**invocation("add-delay", slow, startupDelayMilliseconds="1500"))
    late = functions.invoke(FunctionName="slow")
    assert json.loads(late["Payload"].read())["errorType"] == "Sandbox.Timedout"


def test_events_of_a_function_fail_and_are_retried(kumoi: Any, start: Any, function: Any) -> None:
    arn = function()
    functions, queues = kumoi.client("lambda"), kumoi.client("sqs")
    url = queues.create_queue(QueueName="failed")["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    start(**invocation("error", arn))
    assert functions.invoke(FunctionName="f", InvocationType="Event")["StatusCode"] == 202
    found: list[Any] = []
    deadline = time.monotonic() + 60
    while not found:
        assert time.monotonic() < deadline
        kumoi.advance(10)
        found = queues.receive_message(QueueUrl=url).get("Messages", [])
    record = json.loads(found[0]["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorType"] == "FaultInjected"


def test_a_url_and_a_stream_answer_what_is_injected(kumoi: Any, start: Any, function: Any) -> None:
    arn = function()
    functions = kumoi.client("lambda")
    url = functions.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
    start(**invocation("http-integration-response", arn, contentTypeHeader="text/plain", statusCode="418"))
    parts = urllib.parse.urlsplit(url)
    identifier = str(parts.hostname).partition(".")[0] if "lambda-url" in parts.netloc else parts.path.split("/")[3]
    request = urllib.request.Request(kumoi.url, headers={"Host": f"{identifier}.lambda-url.us-east-1.localhost"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    error.value.close()
    assert error.value.code == 418
    events = list(functions.invoke_with_response_stream(FunctionName="f")["EventStream"])
    pieces = b"".join(one["PayloadChunk"]["Payload"] for one in events if "PayloadChunk" in one)
    assert json.loads(pieces)["statusCode"] == 418


def test_only_the_qualifier_that_is_named_is_struck(kumoi: Any, start: Any, function: Any) -> None:
    arn = function()
    functions = kumoi.client("lambda")
    functions.publish_version(FunctionName="f")
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    given = invocation("error", arn, preventExecution="true")
    given["targets"]["these"]["parameters"] = {"functionQualifier": "live"}
    start(**given)
    assert "FunctionError" not in functions.invoke(FunctionName="f")
    assert "FunctionError" in functions.invoke(FunctionName="f", Qualifier="live")


def test_api_calls_of_a_role_fail(kumoi: Any, client: Any, start: Any, role: str) -> None:
    iam = kumoi.client("iam")
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    arn = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    keys = kumoi.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    assumed = boto3.client(
        "dynamodb",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    action = {
        "actionId": "aws:fis:inject-api-throttle-error",
        "parameters": {"duration": "PT5M", "service": "dynamodb", "percentage": "100", "operations": "ListTables"},
        "targets": {"Roles": "these"},
    }
    target = {"resourceType": "aws:iam:role", "resourceArns": [arn], "selectionMode": "ALL"}
    experiment = start(targets={"these": target}, actions={"break": action})
    with pytest.raises(ClientError, match="ThrottlingException"):
        assumed.list_tables()
    kumoi.client("dynamodb").list_tables()
    client.stop_experiment(id=experiment["id"])
    kumoi.advance(0)
    assert client.get_experiment(id=experiment["id"])["experiment"]["state"]["status"] == "stopped"
    assumed.list_tables()
    assumed.close()


def test_what_cannot_be_broken_fails(start: Any, kumoi: Any) -> None:
    task = f"arn:aws:ecs:us-east-1:{kumoi.account}:task/one"
    target = {"resourceType": "aws:ecs:task", "resourceArns": [task], "selectionMode": "ALL"}
    action = {"actionId": "aws:ecs:stop-task", "targets": {"Tasks": "these"}}
    experiment = start(targets={"these": target}, actions={"break": action, "later": WAIT | {"startAfter": ["break"]}})
    assert experiment["state"]["status"] == "failed"
    assert experiment["actions"]["break"]["state"]["status"] == "failed"
    assert "not supported locally" in experiment["actions"]["break"]["state"]["reason"]
    assert experiment["actions"]["later"]["state"]["status"] == "cancelled"


def test_a_reset_breaks_nothing_any_more(kumoi: Any, start: Any, function: Any) -> None:
    def broken() -> bool:
        with urllib.request.urlopen(f"{kumoi.url}/_kumoi/faults") as answer:
            return any(one["account"] == kumoi.account for one in json.load(answer)["faults"])

    start(**invocation("error", function()))
    assert broken()
    kumoi.reset()
    kumoi.advance(10)
    assert not broken()
