"""What a template may say, which targets are chosen, how an experiment goes on, and what its actions break."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from kumoi.doorway import CallDropped
from kumoi.services.fis.announcing import announce
from kumoi.services.fis.injecting import faults_of
from kumoi.services.fis.logbook import Logbook
from kumoi.services.fis.progress import next_due, ready, settled
from kumoi.services.fis.records import ActionRun, Experiment, TargetAccount, Template
from kumoi.services.fis.rules import check_template, chosen, passes, seconds
from kumoi.wire.errors import AwsError

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
NONE = [{"source": "none"}]
WAIT = {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}
TARGET = {"resourceType": "aws:lambda:function", "resourceArns": [FUNCTION], "selectionMode": "ALL"}
ALARM = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("PT1M", 60), ("PT1S", 1), ("PT12H", 43200), ("PT1H30M", 5400), ("PT1M30S", 90)],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "PT", "5M", "PT0S", "PT13H", "P1D", "PT-1M", "PT1.5M", "PT1M\n", "PT٣M"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(AwsError, match="ValidationException"):
        seconds(text)


def test_selections_take_the_same_ones_always() -> None:
    arns = [f"arn:{n}" for n in range(10)]
    assert chosen(arns, "ALL", "t") == arns
    three = chosen(arns, "COUNT(3)", "t")
    assert len(three) == 3
    assert three == chosen(arns[::-1], "COUNT(3)", "t")
    assert len(chosen(arns, "COUNT(30)", "t")) == 10
    assert len(chosen(arns, "PERCENT(25)", "t")) == 2
    assert chosen(arns[:1], "PERCENT(50)", "t") == []
    assert {tuple(chosen(arns, "COUNT(3)", str(n))) for n in range(9)} != {tuple(three)}


def test_filters_need_each_path_to_have_a_value() -> None:
    told = {"Runtime": "python3.12", "Layers": [{"Arn": "a"}, {"Arn": "b"}]}
    assert passes(told, [{"path": "Runtime", "values": ["x", "python3.12"]}, {"path": "Layers.Arn", "values": ["b"]}])
    assert not passes(told, [{"path": "Runtime", "values": ["x"]}])
    assert not passes(told, [{"path": "Runtime.Deep", "values": ["python3.12"]}])
    assert not passes(told, [{"path": "Missing", "values": ["x"]}])


def _delay(**more: Any) -> dict[str, Any]:
    return {
        "actionId": "aws:lambda:invocation-add-delay",
        "parameters": {"duration": "PT1M"},
        "targets": {"Functions": "t"},
    } | more


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"actions": {}}, "ValidationException"),
        ({"actions": {"a": {"actionId": "aws:none:such"}}}, "ValidationException"),
        ({"actions": {"a": {"actionId": "aws:fis:wait"}}}, "ValidationException"),
        ({"actions": {"a": WAIT | {"parameters": {"duration": "PT1M", "more": "1"}}}}, "ValidationException"),
        ({"actions": {"a": WAIT | {"startAfter": ["b"]}}}, "ValidationException"),
        ({"actions": {"a": WAIT | {"startAfter": ["a"]}}}, "ValidationException"),
        ({"actions": {"a": WAIT | {"startAfter": ["b"]}, "b": WAIT | {"startAfter": ["a"]}}}, "ValidationException"),
        ({"actions": {"a": WAIT | {"targets": {"Functions": "t"}}}}, "ValidationException"),
        ({"actions": {"a": _delay()}, "targets": {}}, "ValidationException"),
        ({"actions": {"a": _delay(targets={"Roles": "t"})}}, "ValidationException"),
        ({"actions": {"a": _delay(parameters={"duration": "PT1M", "invocationPercentage": "101"})}}, "Validation"),
        ({"actions": {"a": WAIT}}, "ValidationException"),
        ({"targets": {"t": TARGET | {"resourceTags": {"a": "b"}}}}, "ValidationException"),
        ({"targets": {"t": TARGET | {"resourceArns": []}}}, "ValidationException"),
        ({"targets": {"t": TARGET | {"resourceArns": [FUNCTION] * 6}}}, "ValidationException"),
        ({"targets": {"t": TARGET | {"selectionMode": "SOME"}}}, "ValidationException"),
        ({"targets": {"t": TARGET | {"selectionMode": "COUNT(0)"}}}, "ValidationException"),
        ({"targets": {"t": TARGET | {"resourceType": "aws:none:such"}}}, "ValidationException"),
        ({"targets": {"t": TARGET | {"parameters": {"x": "y"}}}}, "ValidationException"),
        ({"stop_conditions": []}, "ValidationException"),
        ({"stop_conditions": [{"source": "other"}]}, "ValidationException"),
        ({"stop_conditions": [{"source": "aws:cloudwatch:alarm"}]}, "ValidationException"),
        ({"stop_conditions": [{"source": "aws:cloudwatch:alarm", "value": ALARM}] * 6}, "ServiceQuotaExceeded"),
        ({"actions": {f"a{n}": _delay() for n in range(21)}}, "ServiceQuotaExceededException"),
        ({"logs": {"logSchemaVersion": 2}}, "ValidationException"),
        ({"logs": {"logSchemaVersion": 2, "s3Configuration": {"prefix": "p"}}}, "has a bucket"),
        ({"logs": {"logSchemaVersion": 2, "cloudWatchLogsConfiguration": {"logGroupArn": "g"}}}, "Validation"),
    ],
)
def test_what_makes_no_template(given: dict[str, Any], expected: str) -> None:
    whole: dict[str, Any] = {"stop_conditions": NONE, "targets": {"t": TARGET}, "actions": {"a": _delay()}}
    check_template(**whole, logs=None)
    with pytest.raises(AwsError, match=expected):
        check_template(**(whole | {"logs": None} | given))


def _experiment(actions: dict[str, dict[str, Any]], conditions: list[dict[str, str]] = NONE) -> Experiment:
    template = Template(
        id="EXT",
        description="d",
        role="r",
        stop_conditions=conditions,
        targets={"t": TARGET},
        actions=actions,
        created=0,
        updated=0,
    )
    runs = tuple(ActionRun(name=name, definition=one) for name, one in actions.items())
    return Experiment(
        id="EXP", template=template, actions=runs, created=0, status="running", resolved={"t": [FUNCTION]}
    )


def _set(one: Experiment, name: str, **changes: Any) -> Experiment:
    actions = tuple(msgspec.structs.replace(run, **changes) if run.name == name else run for run in one.actions)
    return msgspec.structs.replace(one, actions=actions)


def test_an_action_waits_for_those_it_starts_after() -> None:
    one = _experiment({"a": WAIT, "b": WAIT | {"startAfter": ["a"]}})
    assert [run.name for run in ready(one)] == ["a"]
    one = _set(one, "a", status="running", due=60.0)
    assert ready(one) == []
    assert next_due(one, 0.0) == 60.0
    assert [run.name for run in ready(settled(one, 60.0))] == ["b"]
    assert settled(one, 59.0) == one


def test_alarms_are_looked_at_while_actions_run() -> None:
    one = _experiment({"a": WAIT}, [{"source": "aws:cloudwatch:alarm", "value": ALARM}])
    assert next_due(one, 7.0) == 7.0
    assert next_due(_set(one, "a", status="running", due=60.0), 7.0) == 12.0


def test_a_failed_action_ends_the_experiment_and_what_else_runs() -> None:
    one = _experiment({"a": WAIT, "b": WAIT, "c": WAIT | {"startAfter": ["b"]}})
    one = _set(_set(one, "a", status="failed"), "b", status="running", due=60.0)
    after = settled(one, 1.0)
    assert after.status == "failed"
    assert [run.status for run in after.actions] == ["failed", "stopped", "cancelled"]


@pytest.mark.parametrize(
    ("accounts", "struck"),
    [((), "000000000000"), ((TargetAccount(template="EXT", account="1" * 12, role="r"),), "*")],
)
def test_replication_is_paused_in_whichever_account_has_the_bucket(
    accounts: tuple[TargetAccount, ...], struck: str
) -> None:
    parameters = {"duration": "PT1M", "region": "eu-west-1", "prefixes": "a[1]/,b"}
    action = {"actionId": "aws:s3:bucket-pause-replication", "parameters": parameters, "targets": {"Buckets": "t"}}
    one = msgspec.structs.replace(
        _experiment({"a": action}), resolved={"t": ["arn:aws:s3:::source"]}, accounts=accounts
    )
    found = list(faults_of("000000000000", "us-east-1", one, one.actions[0]))
    assert [(fault.account, fault.source, fault.resource) for fault in found] == [
        (struck, "s3:source", "*/a[[]1]/*"),
        (struck, "s3:source", "*/b*"),
    ]


def test_a_log_that_is_lost_on_its_way_keeps_no_experiment() -> None:
    asked = []

    async def ask(service: str, operation: str, *_: Any) -> None:
        asked.append(operation)
        raise CallDropped("lost")

    to_bucket = {"logSchemaVersion": 2, "s3Configuration": {"bucketName": "b"}}
    before = _experiment({"a": WAIT})
    before = msgspec.structs.replace(before, template=msgspec.structs.replace(before.template, logs=to_bucket))
    after = msgspec.structs.replace(before, status="completed", ended=1.0)
    place: Any = SimpleNamespace(account="000000000000", region="us-east-1")
    doorway: Any = SimpleNamespace(ask=ask)
    asyncio.run(Logbook(doorway).write(place, before, after, 1.0))
    asyncio.run(announce(doorway, place, before, after, 1.0))
    assert asked == ["PutObject", "PutEvents"]


def _faults(**parameters: str) -> list[dict[str, Any]]:
    kind = parameters.pop("kind")
    one = _experiment({"a": {"actionId": kind, "parameters": parameters, "targets": {"Functions": "t", "Roles": "t"}}})
    return [
        {
            "action": fault.action,
            "service": fault.service,
            "operation": fault.operation,
            "probability": fault.probability,
            "error": fault.error,
            "status": fault.status,
        }
        for fault in faults_of("000000000000", "us-east-1", one, one.actions[0])
    ]


@pytest.mark.parametrize(
    ("kind", "service", "name", "error", "status"),
    [
        ("internal", "lambda", "lambda", "ServiceException", 500),
        ("throttle", "dynamodb", "dynamodb", "ThrottlingException", 400),
        ("throttle", "s3", "s3", "SlowDown", 503),
        ("throttle", "states", "stepfunctions", "ThrottlingException", 400),
        ("unavailable", "sqs", "sqs", "ServiceUnavailable", 503),
    ],
)
def test_errors_of_apis_are_those_of_the_service(kind: str, service: str, name: str, error: str, status: int) -> None:
    found = _faults(
        kind=f"aws:fis:inject-api-{kind}-error",
        service=service,
        percentage="40",
        operations="One, Two",
        duration="PT1M",
    )
    expected = {"action": "fail", "service": name, "probability": 0.4, "error": error, "status": status}
    assert found == [expected | {"operation": "One"}, expected | {"operation": "Two"}]


def test_a_service_that_does_not_exist_cannot_be_broken() -> None:
    with pytest.raises(AwsError, match="knows no service nosuch"):
        _faults(
            kind="aws:fis:inject-api-throttle-error",
            service="nosuch",
            percentage="1",
            operations="X",
            duration="PT1M",
        )
