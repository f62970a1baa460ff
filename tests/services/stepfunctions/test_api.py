"""The API: machines, versions, aliases, lists, redrives, validation, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.stepfunctions.language.validation import validate

ROLE = "arn:aws:iam::000000000000:role/states"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "A", "States": {"A": {"Type": "Fail"}}}


def code_of(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        action()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_machines(states: Any) -> None:
    client = states.client
    arn = states.create(PASS, name="m", tags=[{"key": "a", "value": "1"}])
    assert states.create(PASS, name="m") == arn
    assert code_of(lambda: states.create(FAIL, name="m")) == (
        "StateMachineAlreadyExists",
        f"State Machine Already Exists: '{arn}'",
    )
    described = client.describe_state_machine(stateMachineArn=arn)
    assert json.loads(described["definition"]) == PASS
    assert (described["type"], described["status"], described["roleArn"]) == ("STANDARD", "ACTIVE", ROLE)
    assert "revisionId" not in described
    code, text = code_of(lambda: client.update_state_machine(stateMachineArn=arn))
    assert code == "MissingRequiredParameter"
    assert text.startswith("Either the definition, the role ARN, the LoggingConfiguration")
    updated = client.update_state_machine(stateMachineArn=arn, definition=json.dumps(FAIL))
    assert client.describe_state_machine(stateMachineArn=arn)["revisionId"] == updated["revisionId"]
    assert [one["name"] for one in client.list_state_machines()["stateMachines"]] == ["m"]
    client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    client.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    client.delete_state_machine(stateMachineArn=arn)
    client.delete_state_machine(stateMachineArn=arn)
    assert code_of(lambda: client.describe_state_machine(stateMachineArn=arn)) == (
        "StateMachineDoesNotExist",
        f"State Machine Does Not Exist: '{arn}'",
    )


def test_what_is_refused(states: Any) -> None:
    client = states.client
    arn = states.create(PASS)
    assert code_of(lambda: states.create(PASS, name="a b")) == ("InvalidName", "Invalid Name: 'a b'")
    code, text = code_of(lambda: states.create({}))
    assert (code, text) == (
        "InvalidDefinition",
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at "
        "/'",
    )
    assert code_of(lambda: client.start_execution(stateMachineArn=arn, input="{"))[0] == "InvalidExecutionInput"
    long = json.dumps("x" * 262_144)
    assert code_of(lambda: client.start_execution(stateMachineArn=arn, input=long))[0] == "ValidationException"
    assert code_of(lambda: client.describe_execution(executionArn="nonsense")) == (
        "InvalidArn",
        "Invalid Arn: 'Invalid ARN prefix: nonsense'",
    )
    missing = arn.replace(":stateMachine:", ":execution:") + ":none"
    assert code_of(lambda: client.describe_execution(executionArn=missing))[0] == "ExecutionDoesNotExist"
    assert code_of(lambda: client.start_sync_execution(stateMachineArn=arn))[0] == "StateMachineTypeNotSupported"
    express = states.create(PASS, type="EXPRESS")
    started = client.start_execution(stateMachineArn=express)["executionArn"]
    assert ":express:" in started
    assert code_of(lambda: client.get_execution_history(executionArn=started)) == (
        "InvalidArn",
        "Invalid Arn: 'Resource type not valid in this context: express'",
    )
    assert code_of(lambda: client.list_executions(stateMachineArn=express))[0] == "StateMachineTypeNotSupported"
    assert code_of(lambda: client.list_executions(stateMachineArn=arn, nextToken="%%"))[0] == "InvalidToken"
    logging = {"level": "ALL", "destinations": []}
    assert code_of(lambda: states.create(PASS, loggingConfiguration=logging)) == (
        "InvalidLoggingConfiguration",
        "Invalid Logging Configuration: Must specify exactly one Log Destination.",
    )
    sync = {"StartAt": "A", "States": {"A": {"Type": "Task", "End": True,
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}}}  # fmt: skip
    code, text = code_of(lambda: states.create(sync, type="EXPRESS"))
    assert "Express state machine does not support '.waitForTaskToken' service integration " in text


@pytest.mark.parametrize("given", ["", "x", "arn:", "arn:aws:states:us-east-1:1:stateMachine", "\u0000", "a" * 200])
def test_garbage_is_refused_in_words(states: Any, given: str) -> None:
    client = states.client
    for action in (
        lambda: client.describe_state_machine(stateMachineArn=given),
        lambda: client.start_execution(stateMachineArn=given),
        lambda: client.describe_execution(executionArn=given),
        lambda: client.get_execution_history(executionArn=given),
        lambda: client.stop_execution(executionArn=given),
        lambda: client.redrive_execution(executionArn=given),
        lambda: client.describe_activity(activityArn=given),
        lambda: client.list_tags_for_resource(resourceArn=given),
        lambda: client.describe_state_machine_alias(stateMachineAliasArn=given),
        lambda: client.delete_state_machine_version(stateMachineVersionArn=given),
        lambda: client.send_task_success(taskToken=given, output=given),
        lambda: client.create_activity(name=f"{given} *"),
        lambda: client.create_state_machine(name=given, definition=given, roleArn=given),
        lambda: client.test_state(definition=given, roleArn=ROLE),
    ):
        with pytest.raises((ClientError, Exception)) as caught:
            action()
        if isinstance(caught.value, ClientError):
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500, caught.value


def test_starting_by_name(states: Any) -> None:
    waiting = states.create({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 900, "End": True}}})
    first = states.client.start_execution(stateMachineArn=waiting, name="one", input="{}")
    again = states.client.start_execution(stateMachineArn=waiting, name="one", input="{}")
    assert again["executionArn"] == first["executionArn"]
    assert again["startDate"] == first["startDate"]
    code, _ = code_of(lambda: states.client.start_execution(stateMachineArn=waiting, name="one", input="{ }"))
    assert code == "ExecutionAlreadyExists"
    states.client.stop_execution(executionArn=first["executionArn"])
    code, _ = code_of(lambda: states.client.start_execution(stateMachineArn=waiting, name="one", input="{}"))
    assert code == "ExecutionAlreadyExists"


def test_lists_and_pages(states: Any) -> None:
    passing, failing = states.create(PASS), states.create(FAIL)
    started = [states.start(passing) for _ in range(3)]
    for one in [*started, states.start(failing)]:
        states.ended(one)
    page = states.client.list_executions(stateMachineArn=passing, maxResults=2)
    assert [one["executionArn"] for one in page["executions"]] == [started[2], started[1]]
    rest = states.client.list_executions(stateMachineArn=passing, maxResults=2, nextToken=page["nextToken"])
    assert [one["executionArn"] for one in rest["executions"]] == [started[0]]
    assert "nextToken" not in rest
    assert not states.client.list_executions(stateMachineArn=passing, statusFilter="FAILED")["executions"]
    assert len(states.client.list_executions(stateMachineArn=failing, statusFilter="FAILED")["executions"]) == 1
    backwards = states.client.get_execution_history(executionArn=started[0], reverseOrder=True, maxResults=1)
    assert backwards["events"][0]["type"] == "ExecutionSucceeded"
    bare = states.client.get_execution_history(executionArn=started[0], includeExecutionData=False)["events"]
    assert "input" not in bare[1]["stateEnteredEventDetails"]


def test_versions_and_aliases(states: Any) -> None:
    client = states.client
    arn = states.create(PASS)
    one = client.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    assert one == f"{arn}:1"
    assert client.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == one
    code, _ = code_of(lambda: client.publish_state_machine_version(stateMachineArn=arn, revisionId="other"))
    assert code == "ConflictException"
    two = client.update_state_machine(stateMachineArn=arn, definition=json.dumps(FAIL), publish=True)
    assert two["stateMachineVersionArn"] == f"{arn}:2"
    routes = [{"stateMachineVersionArn": one, "weight": 100}]
    alias = client.create_state_machine_alias(name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    assert alias == f"{arn}:live"
    ended = states.ended(states.start(alias))
    assert ended["status"] == "SUCCEEDED"
    assert (ended["stateMachineAliasArn"], ended["stateMachineVersionArn"]) == (alias, one)
    halves = [{"stateMachineVersionArn": f"{arn}:{n}", "weight": weight} for n, weight in ((1, 70), (2, 29))]
    assert code_of(
        lambda: client.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=halves)
    ) == (
        "ValidationException",
        "Sum of routing configuration weights must equal 100. Received: [70, 29]",
    )
    assert code_of(lambda: client.delete_state_machine_version(stateMachineVersionArn=one)) == (
        "ConflictException",
        "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: "
        "[live]",
    )
    moved = [{"stateMachineVersionArn": f"{arn}:2", "weight": 100}]
    client.update_state_machine_alias(stateMachineAliasArn=alias, routingConfiguration=moved)
    assert states.ended(states.start(alias))["status"] == "FAILED"
    client.delete_state_machine_version(stateMachineVersionArn=one)
    listed = client.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in listed] == [f"{arn}:2"]
    client.delete_state_machine_alias(stateMachineAliasArn=alias)
    assert not client.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]


def test_redriving(states: Any, kumoi: Any) -> None:
    steps = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
            "B": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {
                    "QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{kumoi.account}/late",
                    "MessageBody": "m",
                },
                "ResultPath": None,
                "Next": "C",
            },
            "C": {"Type": "Pass", "Parameters": {"x.$": "$x", "in.$": "$"}, "End": True},
        },
    }
    execution = states.start(states.create(steps), {"given": 1})
    failed = states.ended(execution)
    assert (failed["status"], failed["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    kumoi.client("sqs").create_queue(QueueName="late")
    states.client.redrive_execution(executionArn=execution)
    ended = states.ended(execution)
    assert json.loads(ended["output"]) == {"x": 1, "in": {"given": 1}}
    assert ended["redriveCount"] == 1
    kinds = [one["type"] for one in states.events(execution)]
    again = kinds.index("ExecutionRedriven")
    assert kinds[again - 1 : again + 4] == [
        "ExecutionFailed", "ExecutionRedriven", "TaskScheduled", "TaskStarted", "TaskSucceeded",
    ]  # fmt: skip
    assert code_of(lambda: states.client.redrive_execution(executionArn=execution))[0] == "ExecutionNotRedrivable"


def test_validation(states: Any) -> None:
    found = states.client.validate_state_machine_definition(definition="{}")
    assert (found["result"], found["diagnostics"]) == (
        "FAIL",
        [
            {
                "severity": "ERROR",
                "code": "SCHEMA_VALIDATION_FAILED",
                "message": "These fields are required: [States, StartAt]",
                "location": "/",
            }
        ],
    )
    assert states.client.validate_state_machine_definition(definition=json.dumps(PASS))["result"] == "OK"


def only(**state: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": state}}


DIAGNOSTICS: list[tuple[Any, str, str]] = [
    ({"StartAt": "B", "States": PASS["States"]}, "MISSING_TRANSITION_TARGET", "/StartAt"),
    (only(Type="Pass", Next="B"), "MISSING_TRANSITION_TARGET", "/States/A/Next"),
    (only(Type="Pass"), "SCHEMA_VALIDATION_FAILED", "/States/A"),
    (only(Type="Pass", Next="A"), "MISSING_END_STATE", "/States"),
    (only(Type="Odd"), "SCHEMA_VALIDATION_FAILED", "/States/A/Type"),
    (only(Type="Pass", End=True, Odd=1), "SCHEMA_VALIDATION_FAILED", "/States/A/Odd"),
    (only(Type="Pass", End=True, Output={}), "SCHEMA_VALIDATION_FAILED", "/States/A/Output"),
    (
        only(Type="Pass", End=True, QueryLanguage="JSONata", Parameters={}),
        "SCHEMA_VALIDATION_FAILED",
        "/States/A/Parameters",
    ),
    (only(Type="Pass", End=True, InputPath="x"), "SCHEMA_VALIDATION_FAILED", "/States/A/InputPath"),
    (only(Type="Pass", End=True, Parameters={"k.$": "x"}), "SCHEMA_VALIDATION_FAILED", "/States/A/Parameters"),
    (only(Type="Pass", End=True, ResultPath="$.a[*]"), "SCHEMA_VALIDATION_FAILED", "/States/A/ResultPath"),
    (only(Type="Wait", End=True), "SCHEMA_VALIDATION_FAILED", "/States/A"),
    (only(Type="Wait", End=True, Timestamp="x"), "SCHEMA_VALIDATION_FAILED", "/States/A/Timestamp"),
    (only(Type="Choice", Choices=[]), "SCHEMA_VALIDATION_FAILED", "/States/A"),
    (
        only(Type="Task", End=True, Resource="arn:aws:states:::dynamodb:query"),
        "SCHEMA_VALIDATION_FAILED",
        "/States/A/Resource",
    ),
    (only(Type="Pass", End=True, Assign={"states": 1}), "SCHEMA_VALIDATION_FAILED", "/States/A/Assign/states"),
    (
        {"QueryLanguage": "JSONata", **only(Type="Pass", End=True, QueryLanguage="JSONPath")},
        "SCHEMA_VALIDATION_FAILED",
        "/States/A",
    ),
    (
        only(Type="Pass", End=True, QueryLanguage="JSONata", Output="{% 1 + %}"),
        "SCHEMA_VALIDATION_FAILED",
        "/States/A/Output",
    ),
    (
        only(Type="Task", End=True, Resource="arn:aws:states:::lambda:invoke",
             Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]),
        "SCHEMA_VALIDATION_FAILED",
        "/States/A/Retry",
    ),
    (
        only(Type="Parallel", End=True, Branches=[PASS]),
        "DUPLICATE_STATE_NAME",
        "/States/A/Branches[0]/States",
    ),
    ([], "INVALID_JSON_DESCRIPTION", ""),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "code", "location"), DIAGNOSTICS)
def test_diagnostics(definition: Any, code: str, location: str) -> None:
    found = validate(json.dumps(definition))
    assert (code, location or None) in [(one.code, one.location) for one in found], found


FIELDS = (
    *("Choices", "Branches", "ItemProcessor", "Retry", "Catch", "Assign", "Resource", "Seconds", "Timestamp", "Error"),
    *("InputPath", "ResultPath", "Parameters", "ItemReader", "ItemBatcher", "ResultWriter", "TimeoutSeconds"),
    *("Credentials", "Next", "End", "Items", "ItemsPath", "Output"),
)


def test_any_json_is_validated() -> None:
    junk: list[Any] = [None, 1, "x", [], [1], {}, {"Type": 1}, {"Type": "Pass", "Next": 1}, True]
    for kind in ("Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"):
        for field in FIELDS:
            for one in junk:
                for jsonata in ({}, {"QueryLanguage": "JSONata"}):
                    validate(json.dumps({**only(Type=kind, **{field: one}), **jsonata}))
    for one in junk:
        validate(json.dumps({"StartAt": one, "States": one}))
        validate(json.dumps(only(Type="Choice", Choices=[one])))
        validate(json.dumps(only(Type="Map", ItemProcessor={"ProcessorConfig": one, "StartAt": "B", "States": one})))


def tried(states: Any, definition: Any, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = states.client.test_state(definition=json.dumps(definition), **given)
    answer.pop("ResponseMetadata")
    return answer


def test_trying_a_state(states: Any) -> None:
    state = {"Type": "Pass", "InputPath": "$.in", "Parameters": {"x.$": "$.a"}, "ResultPath": "$.r", "Next": "B"}
    found = tried(states, state, input='{"in":{"a":1}}', inspectionLevel="DEBUG")
    assert found == {
        "status": "SUCCEEDED",
        "output": '{"in":{"a":1},"r":{"x":1}}',
        "nextState": "B",
        "inspectionData": {
            "input": '{"in":{"a":1}}',
            "afterInputPath": '{"a":1}',
            "afterParameters": '{"x":1}',
            "afterResultSelector": '{"x":1}',
            "afterResultPath": '{"in":{"a":1},"r":{"x":1}}',
        },
    }
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "One"}], "Default": "Other"}
    assert tried(states, choice, input='{"n":1}')["nextState"] == "One"
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f"},
        "ResultSelector": {"p.$": "$.Payload"},
        "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
        "End": True,
    }
    assert tried(states, task, mock={"result": '{"Payload":{"a":1}}'})["output"] == '{"p":{"a":1}}'
    busy = {"errorOutput": {"error": "Busy", "cause": "later"}}
    assert tried(states, task, mock=busy)["status"] == "RETRIABLE"
    again = tried(states, task, mock=busy, stateConfiguration={"retrierRetryCount": 1})
    assert (again["status"], again["nextState"]) == ("CAUGHT_ERROR", "Failed")
    real = tried(states, task, roleArn=ROLE)
    assert (real["status"], real["error"]) == ("CAUGHT_ERROR", "Lambda.ResourceNotFoundException")
    _, text = code_of(lambda: tried(states, task, mock={"result": "{}", **busy}))
    assert text == "A test mock should have only one of the following fields: [result, errorOutput]."
    listing = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sqs:listQueues", "Arguments": {}, "End": True}
    listing["QueryLanguage"] = "JSONata"
    wrong = {"result": '{"QueueUrls": "x"}'}
    assert code_of(lambda: tried(states, listing, mock=wrong)) == (
        "ValidationException",
        "Mock result schema validation error: Field 'QueueUrls' must be an array",
    )
    assert tried(states, listing, mock={**wrong, "fieldValidationMode": "NONE"})["status"] == "SUCCEEDED"
    assert code_of(lambda: tried(states, PASS, stateName="Z"))[1] == "State not found in definition"
    assert tried(states, PASS, stateName="A")["status"] == "SUCCEEDED"


def test_what_is_nested_too_deeply_is_refused(states: Any) -> None:
    arn = states.create({"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {
        "x.$": "States.StringToJson($.text)"}, "End": True}}})  # fmt: skip
    deep = "[" * 900 + "]" * 900
    assert code_of(lambda: states.client.start_execution(stateMachineArn=arn, input=deep))[0] == "InvalidExecutionInput"
    ended = states.ended(states.start(arn, {"text": deep}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "nested too deeply" in ended["cause"]
