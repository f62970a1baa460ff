"""Experiments through boto3: their targets, actions and states; they stop when they are to."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
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
    deadline = time.monotonic() + 60
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
