"""Experiments through boto3: they break functions and APIs for as long as they say, and stop when they are to."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

pytestmark = pytest.mark.kumoi_clock

RUNTIME = f"python3.{sys.version_info.minor}"
WAIT = {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("fis")


@pytest.fixture
def role(kumoi: Any) -> str:
    return f"arn:aws:iam::{kumoi.account}:role/chaos"


@pytest.fixture
def function(kumoi: Any, zipped: Any) -> Callable[..., str]:
    """A function that answers 1; its ARN."""

    def make(name: str = "f", **more: Any) -> str:
        made = kumoi.client("lambda").create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Handler="app.handler",
            Role=f"arn:aws:iam::{kumoi.account}:role/worker",
            Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1\n"})},
            **more,
        )
        return str(made["FunctionArn"])

    return make


@pytest.fixture
def create(client: Any, role: str) -> Callable[..., dict[str, Any]]:
    """A template."""

    def make(**more: Any) -> dict[str, Any]:
        given = {"description": "d", "stopConditions": [{"source": "none"}], "actions": {"a": WAIT}, "roleArn": role}
        found: dict[str, Any] = client.create_experiment_template(**(given | more))["experimentTemplate"]
        return found

    return make


@pytest.fixture
def start(client: Any, create: Any, reached: Any) -> Callable[..., dict[str, Any]]:
    """An experiment of a new template, once it is no longer initiating."""

    def make(**more: Any) -> dict[str, Any]:
        made = client.start_experiment(experimentTemplateId=create(**more)["id"])["experiment"]
        assert made["state"]["status"] == "initiating"
        return dict(reached(made["id"], "running", "completed", "failed", "stopped"))

    return make


@pytest.fixture
def reached(client: Any) -> Callable[..., dict[str, Any]]:
    """An experiment once it has one of the states, and its actions are not about to begin."""

    def look(experiment: str, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while True:
            found: dict[str, Any] = client.get_experiment(id=experiment)["experiment"]
            begun = any(one["state"]["status"] != "pending" for one in found["actions"].values())
            if found["state"]["status"] in states and begun:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    return look


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
    assert 300 <= (found["endTime"] - found["startTime"]).total_seconds() < 302
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
    deadline = time.monotonic() + 20
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


def test_states_are_announced(kumoi: Any, client: Any, start: Any) -> None:
    events, queues = kumoi.client("events"), kumoi.client("sqs")
    url = queues.create_queue(QueueName="q")["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.fis"], "detail-type": ["FIS Experiment State Change"]}
    events.put_rule(Name="r", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": queue}])
    experiment = start()
    client.stop_experiment(id=experiment["id"])
    seen: list[tuple[str, str]] = []
    deadline = time.monotonic() + 20
    while len(seen) < 3:
        assert time.monotonic() < deadline, seen
        for one in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", ()):
            detail = json.loads(one["Body"])["detail"]
            assert detail["experiment-id"] == experiment["id"]
            seen.append((detail["old-state"]["status"], detail["new-state"]["status"]))
    assert sorted(seen) == [("initiating", "running"), ("running", "stopping"), ("stopping", "stopped")]


def test_an_action_asserts_the_state_of_alarms(start: Any, kumoi: Any) -> None:
    action = {
        "actionId": "aws:cloudwatch:assert-alarm-state",
        "parameters": {"alarmArns": f"arn:aws:cloudwatch:us-east-1:{kumoi.account}:alarm:none", "alarmStates": "OK"},
    }
    experiment = start(actions={"a": action})
    assert experiment["state"]["status"] == "failed"
    assert experiment["actions"]["a"]["state"]["reason"] == "The alarm none is missing, not OK."


def test_actions_can_be_skipped(client: Any, create: Any, reached: Any) -> None:
    made = client.start_experiment(experimentTemplateId=create()["id"], experimentOptions={"actionsMode": "skip-all"})[
        "experiment"
    ]
    found = reached(made["id"], "completed")
    assert found["actions"]["a"]["state"]["status"] == "skipped"


def test_an_account_runs_five_experiments_at_once(client: Any, create: Any) -> None:
    template = create()["id"]
    for _ in range(5):
        client.start_experiment(experimentTemplateId=template)
    with pytest.raises(ClientError, match="ServiceQuotaExceededException"):
        client.start_experiment(experimentTemplateId=template)
    assert len(client.list_experiments(experimentTemplateId=template)["experiments"]) == 5


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


def test_actions_follow_one_another(kumoi: Any, client: Any, start: Any) -> None:
    experiment = start(actions={"a": WAIT, "b": WAIT | {"startAfter": ["a"]}})
    states = {name: one["state"]["status"] for name, one in experiment["actions"].items()}
    assert states == {"a": "running", "b": "pending"}
    kumoi.advance(130)
    found = client.get_experiment(id=experiment["id"])["experiment"]
    assert found["state"]["status"] == "completed"
    assert found["actions"]["b"]["startTime"] == found["actions"]["a"]["endTime"]


def test_an_alarm_stops_an_experiment_and_what_it_breaks(kumoi: Any, client: Any, start: Any, function: Any) -> None:
    arn = function()
    watch = kumoi.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="a",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    alarm = watch.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]["AlarmArn"]
    kumoi.client("logs").create_log_group(logGroupName="/fis")
    group = f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:/fis:*"
    experiment = start(
        **invocation("error", arn, preventExecution="true"),
        stopConditions=[{"source": "aws:cloudwatch:alarm", "value": alarm}],
        logConfiguration={"logSchemaVersion": 2, "cloudWatchLogsConfiguration": {"logGroupArn": group}},
    )
    kumoi.advance(20)
    assert client.get_experiment(id=experiment["id"])["experiment"]["state"]["status"] == "running"
    watch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="r")
    kumoi.advance(6)
    found = client.get_experiment(id=experiment["id"])["experiment"]
    assert found["state"]["status"] == "stopped"
    assert alarm in found["state"]["reason"]
    assert found["actions"]["break"]["state"]["status"] == "stopped"
    assert kumoi.client("lambda").invoke(FunctionName="f")["Payload"].read() == b"1"
    events = kumoi.client("logs").filter_log_events(logGroupName="/fis")["events"]
    assert [json.loads(one["message"])["log_type"] for one in events] == [
        "experiment-start",
        "target-resolution-start",
        "target-resolution-detail",
        "target-resolution-end",
        "action-start",
        "action-end",
        "experiment-end",
    ]


def test_what_cannot_be_broken_fails(start: Any, kumoi: Any) -> None:
    arn = f"arn:aws:dynamodb::{kumoi.account}:global-table/t"
    target = {"resourceType": "aws:dynamodb:global-table", "resourceArns": [arn], "selectionMode": "ALL"}
    action = {
        "actionId": "aws:dynamodb:global-table-pause-replication",
        "parameters": {"duration": "PT5M"},
        "targets": {"Tables": "these"},
    }
    experiment = start(targets={"these": target}, actions={"break": action, "later": WAIT | {"startAfter": ["break"]}})
    assert experiment["state"]["status"] == "failed"
    assert experiment["actions"]["break"]["state"]["status"] == "failed"
    assert "not supported locally" in experiment["actions"]["break"]["state"]["reason"]
    assert experiment["actions"]["later"]["state"]["status"] == "cancelled"


@pytest.mark.parametrize(
    "arn", ["arn:aws:lambda:eu-west-1:{}:function:f", "arn:aws:lambda:us-east-1:1:function:f", "x" * 30]
)
def test_targets_elsewhere_cannot_be_resolved(kumoi: Any, start: Any, arn: str) -> None:
    experiment = start(**invocation("error", arn.format(kumoi.account)))
    assert experiment["state"]["status"] == "failed"
    assert "not of this account and region" in experiment["state"]["reason"]


def test_a_function_that_is_not_there_cannot_be_resolved(kumoi: Any, start: Any) -> None:
    experiment = start(**invocation("error", f"arn:aws:lambda:us-east-1:{kumoi.account}:function:none"))
    assert experiment["state"]["status"] == "failed"
    assert experiment["state"]["error"]["code"] == "TargetResolutionFailed"
    assert "Function not found" in experiment["state"]["reason"]


def test_targets_by_tags_and_filters(client: Any, start: Any, function: Any) -> None:
    function("one", Tags={"chaos": "yes"}, MemorySize=256)
    function("two", Tags={"chaos": "yes"})
    function("three")
    given = invocation("add-delay", "x")
    target = given["targets"]["these"] = {
        "resourceType": "aws:lambda:function",
        "resourceTags": {"chaos": "yes"},
        "selectionMode": "ALL",
    }

    def names(experiment: dict[str, Any]) -> list[str]:
        found = client.list_experiment_resolved_targets(experimentId=experiment["id"])["resolvedTargets"]
        return [one["targetInformation"]["arn"].rpartition(":")[2] for one in found]

    assert names(start(**given)) == ["one", "two"]
    target["filters"] = [{"path": "MemorySize", "values": ["256"]}]
    assert names(start(**given)) == ["one"]
    target["resourceTags"] = {"chaos": "no"}
    empty = start(**given)
    assert empty["state"]["status"] == "failed"
    assert "empty" in empty["state"]["reason"]
    skipped = start(**given, experimentOptions={"emptyTargetResolutionMode": "skip"})
    assert skipped["state"]["status"] == "completed"
    assert skipped["actions"]["break"]["state"]["status"] == "skipped"


def test_client_tokens_make_one_thing(client: Any, create: Any) -> None:
    first = create(clientToken="t")
    assert create(clientToken="t")["id"] == first["id"]
    with pytest.raises(ClientError, match="ConflictException"):
        create(clientToken="t", description="other")
    begun = [
        client.start_experiment(experimentTemplateId=first["id"], clientToken="s")["experiment"]["id"] for _ in range(2)
    ]
    assert begun[0] == begun[1]


def test_the_safety_lever(kumoi: Any, client: Any, create: Any, start: Any) -> None:
    experiment = start()
    lever = {"status": "engaged", "reason": "sale"}
    assert client.update_safety_lever_state(id="default", state=lever)["safetyLever"]["state"] == lever
    kumoi.advance(0)
    assert client.get_experiment(id=experiment["id"])["experiment"]["state"]["status"] == "stopped"
    refused = client.start_experiment(experimentTemplateId=create()["id"])["experiment"]
    assert refused["state"]["status"] == "cancelled"
    client.update_safety_lever_state(id="default", state={"status": "disengaged", "reason": "over"})
    assert start()["state"]["status"] == "running"


def test_a_reset_breaks_nothing_any_more(kumoi: Any, start: Any, function: Any) -> None:
    def broken() -> bool:
        with urllib.request.urlopen(f"{kumoi.url}/_kumoi/faults") as answer:
            return any(one["account"] == kumoi.account for one in json.load(answer)["faults"])

    start(**invocation("error", function()))
    assert broken()
    kumoi.reset()
    kumoi.advance(10)
    assert not broken()


def test_templates_are_changed_tagged_listed_and_deleted(client: Any, create: Any) -> None:
    made = create(tags={"a": "1"})
    name = made["id"]
    changed = client.update_experiment_template(id=name, description="other")["experimentTemplate"]
    assert (changed["description"], changed["actions"]) == ("other", made["actions"])
    client.tag_resource(resourceArn=made["arn"], tags={"b": "2"})
    client.untag_resource(resourceArn=made["arn"], tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"b": "2"}
    assert [one["id"] for one in client.list_experiment_templates()["experimentTemplates"]] == [name]
    client.delete_experiment_template(id=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_experiment_template(id=name)


def test_a_template_has_no_target_accounts(client: Any, create: Any, start: Any) -> None:
    named = {"experimentTemplateId": create()["id"]}
    assert client.list_target_account_configurations(**named)["targetAccountConfigurations"] == []
    with pytest.raises(ClientError, match="ValidationException.*single-account"):
        client.create_target_account_configuration(accountId="1" * 12, roleArn="arn:aws:iam::1:role/r", **named)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_target_account_configuration(accountId="1" * 12, **named)
    found = client.list_experiment_target_account_configurations(experimentId=start()["id"])
    assert found["targetAccountConfigurations"] == []


def test_the_catalogue_is_told_in_pages(client: Any) -> None:
    first = client.list_actions(maxResults=2)
    rest = client.list_actions(nextToken=first["nextToken"])["actions"]
    everything = [one["id"] for one in (*first["actions"], *rest)]
    assert len(set(everything)) == len(everything) > 10
    told = client.get_action(id="aws:lambda:invocation-error")["action"]
    assert told["targets"] == {"Functions": {"resourceType": "aws:lambda:function"}}
    assert told["parameters"]["duration"]["required"]
    kind = client.get_target_resource_type(resourceType="aws:lambda:function")["targetResourceType"]
    assert "functionQualifier" in kind["parameters"]
    assert client.list_target_resource_types()["targetResourceTypes"]


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("get_experiment", {"id": "EXPx"}),
        ("stop_experiment", {"id": "%00/../"}),
        ("start_experiment", {"experimentTemplateId": "EXTx"}),
        ("get_action", {"id": "aws:no:action"}),
        ("get_safety_lever", {"id": "other"}),
        ("list_actions", {"nextToken": "???"}),
        ("tag_resource", {"resourceArn": "a" * 30, "tags": {"a": "b"}}),
        ("list_experiment_resolved_targets", {"experimentId": "x"}),
    ],
)
def test_garbage_is_refused(client: Any, operation: str, given: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        getattr(client, operation)(**given)
    assert error.value.response["Error"]["Code"] in ("ResourceNotFoundException", "ValidationException")


def test_a_stack_makes_a_template(kumoi: Any, client: Any, role: str) -> None:
    stacks = kumoi.client("cloudformation")
    properties = {
        "Description": "d",
        "RoleArn": role,
        "StopConditions": [{"Source": "none"}],
        "Targets": {},
        "Actions": {"Wait": {"ActionId": "aws:fis:wait", "Parameters": {"duration": "PT1M"}}},
        "Tags": {"Name": "n"},
    }
    template = {"Resources": {"T": {"Type": "AWS::FIS::ExperimentTemplate", "Properties": properties}}}
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    name = stacks.describe_stack_resource(StackName="s", LogicalResourceId="T")["StackResourceDetail"]
    found = client.get_experiment_template(id=name["PhysicalResourceId"])["experimentTemplate"]
    assert found["actions"] == {"Wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}}
    assert found["tags"]["Name"] == "n"
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert client.list_experiment_templates()["experimentTemplates"] == []
