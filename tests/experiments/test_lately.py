"""Probes that look at logs, metrics and workflows."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest

from kumoi.experiments.application import Application
from kumoi.experiments.model import BadExperiment, Condition, LogsQuery, Metric, Probe, Workflow
from kumoi.experiments.reading import parse_experiment
from kumoi.experiments.users import Users
from kumoi.experiments.watching import Watch

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def watch(kumoi: Any) -> Any:
    def ask(method: str, path: str, body: Any = None, **query: str) -> Any:
        with urllib.request.urlopen(f"{kumoi.url}/_kumoi/{path}", timeout=60) as answer:
            return json.load(answer)

    application = Application(kumoi.url, ask, account=kumoi.account)
    yield Watch(application, Users(application))
    application.close()


def test_what_logs_tell(kumoi: Any, watch: Watch) -> None:
    logs = kumoi.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(kumoi.now().timestamp() * 1000)
    for age, message in ((7200, "ERROR old"), (0, "ERROR new"), (0, "fine")):
        event = {"timestamp": now - age * 1000, "message": message}
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    query = LogsQuery(groups=["${group}"], query="filter @message like /ERROR/ | stats count(*) as n", within="1h")

    def check(expected: str, looked: LogsQuery = query) -> Any:
        return watch.probe(Probe(logs=looked, expect=Condition(select="[0].n", equals=expected)), {"group": "g"})

    deadline = time.monotonic() + 60
    while not check("1").held:
        assert time.monotonic() < deadline, check("1").seen
    assert not check("2").held
    missing = check("1", LogsQuery(groups=["none"], query="fields @message"))
    assert not missing.held and "ResourceNotFoundException" in missing.seen


def test_what_metrics_tell(kumoi: Any, watch: Watch) -> None:
    for value in (1.0, 4.0):
        datum = {"MetricName": "m", "Value": value, "Dimensions": [{"Name": "d", "Value": "x"}]}
        kumoi.client("cloudwatch").put_metric_data(Namespace="Farm", MetricData=[datum])
    for statistic, number in (("Sum", 5), ("Average", 2.5), ("Minimum", 1), ("Maximum", 4), ("SampleCount", 2)):
        looked = Metric(namespace="Farm", name="m", dimensions={"d": "${d}"}, statistic=statistic)  # type: ignore[arg-type]
        probe = Probe(metric=looked, expect=Condition(at_least=number, at_most=number))
        assert watch.probe(probe, {"d": "x"}).held, statistic
    none = Probe(metric=Metric(namespace="Farm", name="none"), expect=Condition(at_most=0))
    assert watch.probe(none, {}).held


@pytest.mark.kumoi_clock
def test_what_workflows_tell(kumoi: Any, watch: Watch) -> None:
    states = kumoi.client("stepfunctions")
    definition = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.ok", "BooleanEquals": True, "Next": "S"}],
                "Default": "F",
            },
            "S": {"Type": "Succeed"},
            "F": {"Type": "Fail"},
        },
    }
    role = f"arn:aws:iam::{kumoi.account}:role/r"
    machine = states.create_state_machine(name="m", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]

    def check(least: float) -> bool:
        probe = Probe(workflow=Workflow(machine="${m}"), expect=Condition(select="ratio", at_least=least))
        return bool(watch.probe(probe, {"m": machine}).held)

    assert check(1.0), "none has failed yet"
    for ok in (True, True, True, False):
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"ok": ok}))["executionArn"]
        while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
            time.sleep(0.02)
    assert [check(0.75), check(0.76)] == [True, False]
    kumoi.advance(3600)
    assert check(1.0), "that was before the last while"


def test_a_while_is_a_duration() -> None:
    with pytest.raises(BadExperiment, match="no duration"):
        parse_experiment(b"steady_state: [{metric: {namespace: N, name: n, within: soon}}]")
    with pytest.raises(BadExperiment, match="it takes one"):
        parse_experiment(b"steady_state: [{metric: {namespace: N, name: n}, empty: q}]")
