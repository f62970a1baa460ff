"""States at work: what machines answer. Whole histories are in `golden/`."""

from __future__ import annotations

import json
from typing import Any

import pytest


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def done(**fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "End": True, **fields}


def mapped(*, fields: dict[str, Any] | None = None, **states: Any) -> dict[str, Any]:
    return {"Type": "Map", "End": True, "ItemProcessor": machine(**states), **(fields or {})}


OUTPUTS: list[tuple[str, dict[str, Any], Any, Any]] = [
    (
        "paths in their order",
        machine(
            A=done(
                InputPath="$.in",
                Parameters={"x.$": "$.a", "y": 1},
                ResultPath="$.out",
                OutputPath="$.out",
            )
        ),
        {"in": {"a": 5}},
        {"x": 5, "y": 1},
    ),
    ("null paths", machine(A=done(InputPath=None, ResultPath="$.r")), {"a": 1}, {"a": 1, "r": {}}),
    ("a discarded result", machine(A=done(Result=1, ResultPath=None)), {"a": 1}, {"a": 1}),
    (
        "choice",
        machine(
            A={
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Big"}],
                "Default": "Small",
            },
            Big=done(Result="big"),
            Small=done(Result="small"),
        ),
        {"n": 6},
        "big",
    ),
    (
        "variables swap, and hold in inner scopes",
        machine(
            A={"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
            B={"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}, "Next": "C"},
            C=mapped(D=done(Parameters={"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "x.$": "$x"})),
        ),
        ["a"],
        [{"i": 0, "v": "a", "x": 2}],
    ),
    (
        "map with a selector and a result path",
        machine(
            A=mapped(
                fields={
                    "ItemsPath": "$.items",
                    "ItemSelector": {"v.$": "$$.Map.Item.Value", "of.$": "$.of"},
                    "ResultPath": "$.r",
                    "ResultSelector": {"first.$": "$[0]"},
                    "MaxConcurrency": 1,
                },
                B=done(),
            )
        ),
        {"items": [1, 2], "of": "x"},
        {"items": [1, 2], "of": "x", "r": {"first": {"v": 1, "of": "x"}}},
    ),
    ("an empty map", machine(A=mapped(B=done())), [], []),
    (
        "parallel branches in order",
        machine(
            A={
                "Type": "Parallel",
                "End": True,
                "Parameters": {"p.$": "$.q"},
                "Branches": [machine(B=done()), machine(C=done(Result=2))],
            }
        ),
        {"q": 7},
        [{"p": 7}, 2],
    ),
    (
        "an error's output at a path",
        machine(
            A={
                "Type": "Parallel",
                "Branches": [machine(B={"Type": "Fail", "Error": "Lost", "Cause": "why"})],
                "Catch": [
                    {"ErrorEquals": ["Other"], "Next": "D"},
                    {"ErrorEquals": ["Lost"], "Next": "C", "ResultPath": "$.error"},
                ],
                "Next": "D",
            },
            C=done(),
            D=done(Result="not here"),
        ),
        {"keep": 1},
        {"keep": 1, "error": {"Error": "Lost", "Cause": "why"}},
    ),
    (
        "jsonata",
        {
            "QueryLanguage": "JSONata",
            **machine(
                A={"Type": "Pass", "Assign": {"total": "{% $sum($states.input.prices) %}"}, "Next": "B"},
                B={
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $total > 10 %}", "Next": "C", "Output": {"t": "{% $total %}"}}],
                    "Default": "D",
                },
                C=done(Output={"big": "{% $states.input.t %}", "literal": " {% 1 %}", "null": None}),
                D={"Type": "Fail"},
            ),
        },
        {"prices": [5, 6.5]},
        {"big": 11.5, "literal": " {% 1 %}", "null": None},
    ),
    (
        "an object's members as items",
        {
            "QueryLanguage": "JSONata",
            **machine(
                A=mapped(
                    fields={
                        "Items": {"a": 1, "b": 2},
                        "ItemSelector": {
                            "k": "{% $states.context.Map.Item.Key %}",
                            "v": "{% $states.context.Map.Item.Value %}",
                        },
                    },
                    B=done(),
                )
            ),
        },
        {},
        [{"k": "a", "v": 1}, {"k": "b", "v": 2}],
    ),
]


@pytest.mark.parametrize(
    ("definition", "given", "expected"), [one[1:] for one in OUTPUTS], ids=[one[0] for one in OUTPUTS]
)
def test_outputs(states: Any, definition: dict[str, Any], given: Any, expected: Any) -> None:
    assert states.output(definition, given) == expected


def test_the_context_object(states: Any) -> None:
    arn = states.create(machine(A=done(Parameters={"all.$": "$$"})))
    execution = states.start(arn, {"x": 1}, name="named")
    context = json.loads(states.ended(execution)["output"])["all"]
    assert context["Execution"].pop("StartTime").endswith("Z")
    assert context["State"].pop("EnteredTime").endswith("Z")
    assert context == {
        "Execution": {
            "Id": execution,
            "Input": {"x": 1},
            "Name": "named",
            "RoleArn": "arn:aws:iam::000000000000:role/states",
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": arn, "Name": "machine-1"},
        "State": {"Name": "A"},
    }


FAILURES: list[tuple[str, dict[str, Any], Any, str, str]] = [
    (
        "a missing path",
        machine(X={"Type": "Fail", "ErrorPath": "$.ErrorX"}),
        {"a": 1},
        "States.Runtime",
        "An error occurred while executing the state 'X' (entered at the event id #2). The JSONPath '$.ErrorX' "
        "specified for the field 'ErrorPath' could not be found in the input '{\"a\":1}'",
    ),
    (
        "no choice",
        machine(X={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "Y"}]}, Y=done()),
        {"a": 1},
        "States.NoChoiceMatched",
        "An error occurred while executing the state 'X' (entered at the event id #2). The choice state does not have "
        "a default or a rule that is true.",
    ),
    (
        "a timestamp that is none",
        machine(X={"Type": "Wait", "TimestampPath": "$.at", "End": True}),
        {"at": "tomorrow"},
        "States.Runtime",
        "An error occurred while executing the state 'X' (entered at the event id #2). The TimestampPath parameter "
        "does not reference a valid ISO-8601 extended offset date-time format string: $.at == tomorrow",
    ),
    (
        "undefined",
        {"QueryLanguage": "JSONata", **machine(F=done(Output={"error": "{% $x %}"}))},
        {},
        "States.QueryEvaluationError",
        "An error occurred while executing the state 'F' (entered at the event id #2). The JSONata expression '$x' "
        "specified for the field 'Output/error' returned nothing (undefined).",
    ),
    (
        "too much",
        machine(X=done(Parameters={"a.$": "$.s", "b.$": "$.s"})),
        {"s": "x" * 140_000},
        "States.DataLimitExceeded",
        "The state/task 'X' returned a result with a size exceeding the maximum number of bytes service limit.",
    ),
    (
        "a failing intrinsic",
        machine(X=done(Parameters={"a.$": "States.ArrayGetItem($.l, 3)"})),
        {"l": []},
        "States.IntrinsicFailure",
        "An error occurred while executing the state 'X' (entered at the event id #2). States.ArrayGetItem: there is "
        "no element 3 in an array of 0",
    ),
]


@pytest.mark.parametrize(
    ("definition", "given", "error", "cause"),
    [one[1:] for one in FAILURES],
    ids=[one[0] for one in FAILURES],
)
def test_failures(states: Any, definition: dict[str, Any], given: Any, error: str, cause: str) -> None:
    ended = states.run(definition, given)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", error, cause)
    assert "output" not in ended


FAILING = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Oops"}}}


@pytest.mark.parametrize(
    "state",
    [{"Type": "Parallel", "Branches": [FAILING]}, {"Type": "Map", "Items": [1, 2], "ItemProcessor": FAILING}],
    ids=["Parallel", "Map"],
)
def test_a_catcher_of_branches_that_fails_itself_fails_its_state(states: Any, state: dict[str, Any]) -> None:
    catcher = {"ErrorEquals": ["Oops"], "Output": "{% $number('x') %}", "Next": "D"}
    inner = machine(A={**state, "Catch": [catcher], "End": True}, D=done())
    caught = {"ErrorEquals": ["States.QueryEvaluationError"], "Output": "{% $states.errorOutput.Error %}", "Next": "C"}
    outer = machine(P={"Type": "Parallel", "Branches": [inner], "Catch": [caught], "End": True}, C=done())
    assert states.run({"QueryLanguage": "JSONata", **inner})["error"] == "States.QueryEvaluationError"
    assert states.output({"QueryLanguage": "JSONata", **outer}) == "States.QueryEvaluationError"


def test_a_loop_ends_with_the_history(states: Any) -> None:
    loop = machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Choice", "Default": "A", "Choices": [
        {"Variable": "$.stop", "BooleanEquals": True, "Next": "C"}]}, C=done())  # fmt: skip
    execution = states.start(states.create(loop), {"stop": False})
    ended = states.ended(execution)
    assert ended["status"] == "FAILED"
    assert ended["cause"] == "The execution reached the maximum number of history events (25000)."
    (last,) = states.client.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"]
    assert last["id"] == 25_000


def test_long_evaluations_do_not_hold_up_others(states: Any) -> None:
    endless = "{% ($f := function($n) { $n > 20000 ? $n : $f($n + 1) }; $f(1)) %}"
    slow = states.create({"QueryLanguage": "JSONata", **machine(A=done(Output=endless))})
    execution = states.start(slow)
    assert states.output(machine(A=done(Result=1))) == 1
    states.client.stop_execution(executionArn=execution, error="Enough")


def test_express_machines_answer_at_once(states: Any) -> None:
    express = states.create(machine(A=done(Result={"a": 1})), type="EXPRESS")
    answer = states.client.start_sync_execution(stateMachineArn=express, input="{}")
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", '{"a":1}')
    assert answer["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100}
    failing = states.create(machine(A={"Type": "Fail", "Error": "E", "Cause": "C"}), type="EXPRESS")
    answer = states.client.start_sync_execution(stateMachineArn=failing)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "E", "C")
