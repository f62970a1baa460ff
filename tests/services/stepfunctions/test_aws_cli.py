"""AWS CLI drives each operation of Step Functions: its own code, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from awscli.clidriver import create_clidriver

ROLE = "arn:aws:iam::000000000000:role/states"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
FAIL = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Bad"}}})
Aws = Callable[..., Any]


@pytest.fixture
def aws(kumoi: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Aws:
    """Run a command of `aws stepfunctions`; what it prints, read."""
    for name, value in {**kumoi.environment, "AWS_PAGER": ""}.items():
        monkeypatch.setenv(name, value)
    driver = create_clidriver()

    def run(operation: str, *arguments: str) -> Any:
        status = driver.main(["stepfunctions", operation, "--output", "json", *arguments])
        printed = capsys.readouterr()
        assert status == 0, printed.err
        return json.loads(printed.out) if printed.out.strip() else None

    return run


def machine(name: str, definition: str) -> list[str]:
    return ["--name", name, "--definition", definition, "--role-arn", ROLE]


def test_machines_versions_and_aliases(aws: Aws) -> None:
    assert aws("validate-state-machine-definition", "--definition", PASS)["result"] == "OK"
    tried = aws(
        "test-state", "--definition", '{"Type": "Pass", "End": true}', "--role-arn", ROLE, "--input", '{"a": 1}'
    )
    assert tried["status"] == "SUCCEEDED"
    arn = aws("create-state-machine", *machine("m", PASS))["stateMachineArn"]
    aws("update-state-machine", "--state-machine-arn", arn, "--definition", FAIL)
    assert aws("describe-state-machine", "--state-machine-arn", arn)["definition"] == FAIL
    assert [one["name"] for one in aws("list-state-machines")["stateMachines"]] == ["m"]
    version = aws("publish-state-machine-version", "--state-machine-arn", arn)["stateMachineVersionArn"]
    listed = aws("list-state-machine-versions", "--state-machine-arn", arn)["stateMachineVersions"]
    assert [one["stateMachineVersionArn"] for one in listed] == [version]
    routes = ["--routing-configuration", f"stateMachineVersionArn={version},weight=100"]
    alias = aws("create-state-machine-alias", "--name", "live", *routes)["stateMachineAliasArn"]
    aws("update-state-machine-alias", "--state-machine-alias-arn", alias, "--description", "what runs")
    assert aws("describe-state-machine-alias", "--state-machine-alias-arn", alias)["description"] == "what runs"
    aliases = aws("list-state-machine-aliases", "--state-machine-arn", arn)["stateMachineAliases"]
    assert [one["stateMachineAliasArn"] for one in aliases] == [alias]
    aws("delete-state-machine-alias", "--state-machine-alias-arn", alias)
    aws("delete-state-machine-version", "--state-machine-version-arn", version)
    aws("tag-resource", "--resource-arn", arn, "--tags", "key=team,value=a")
    assert aws("list-tags-for-resource", "--resource-arn", arn)["tags"] == [{"key": "team", "value": "a"}]
    aws("untag-resource", "--resource-arn", arn, "--tag-keys", "team")
    aws("delete-state-machine", "--state-machine-arn", arn)
    assert aws("list-state-machines")["stateMachines"] == []


def test_executions(aws: Aws, states: Any) -> None:
    arn = aws("create-state-machine", *machine("m", FAIL))["stateMachineArn"]
    execution = aws("start-execution", "--state-machine-arn", arn, "--name", "one")["executionArn"]
    states.ended(execution)
    assert aws("describe-execution", "--execution-arn", execution)["status"] == "FAILED"
    listed = aws("list-executions", "--state-machine-arn", arn, "--status-filter", "FAILED")["executions"]
    assert [one["name"] for one in listed] == ["one"]
    events = aws("get-execution-history", "--execution-arn", execution, "--reverse-order")["events"]
    assert events[0]["type"] == "ExecutionFailed"
    found = aws("describe-state-machine-for-execution", "--execution-arn", execution)
    assert found["definition"] == FAIL
    assert "redriveDate" in aws("redrive-execution", "--execution-arn", execution)
    waits = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}})
    slow = aws("create-state-machine", *machine("slow", waits))["stateMachineArn"]
    waiting = aws("start-execution", "--state-machine-arn", slow)["executionArn"]
    aws("stop-execution", "--execution-arn", waiting, "--cause", "enough")
    assert aws("describe-execution", "--execution-arn", waiting)["status"] == "ABORTED"
    express = aws("create-state-machine", *machine("fast", PASS), "--type", "EXPRESS")["stateMachineArn"]
    assert aws("start-sync-execution", "--state-machine-arn", express)["status"] == "SUCCEEDED"


def test_activities(aws: Aws, states: Any) -> None:
    activity = aws("create-activity", "--name", "work")["activityArn"]
    assert aws("describe-activity", "--activity-arn", activity)["name"] == "work"
    assert [one["name"] for one in aws("list-activities")["activities"]] == ["work"]
    works = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": activity, "End": True}}}
    arn = states.create(works)
    done, failed = states.start(arn), states.start(arn)
    token = aws("get-activity-task", "--activity-arn", activity, "--worker-name", "ada")["taskToken"]
    aws("send-task-heartbeat", "--task-token", token)
    aws("send-task-success", "--task-token", token, "--task-output", '{"ok": true}')
    token = aws("get-activity-task", "--activity-arn", activity)["taskToken"]
    aws("send-task-failure", "--task-token", token, "--error", "Bad")
    assert {states.ended(one)["status"] for one in (done, failed)} == {"SUCCEEDED", "FAILED"}
    aws("delete-activity", "--activity-arn", activity)
    assert aws("list-activities")["activities"] == []


def test_map_runs(aws: Aws, states: Any) -> None:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **json.loads(PASS)}
    arn = states.create({"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}})
    execution = states.start(arn, [1, 2])
    states.ended(execution)
    (run,) = aws("list-map-runs", "--execution-arn", execution)["mapRuns"]
    assert aws("describe-map-run", "--map-run-arn", run["mapRunArn"])["itemCounts"]["succeeded"] == 2
    aws("update-map-run", "--map-run-arn", run["mapRunArn"], "--max-concurrency", "5")
    assert aws("describe-map-run", "--map-run-arn", run["mapRunArn"])["maxConcurrency"] == 5
