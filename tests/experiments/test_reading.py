"""What an experiment file may say, and how a hostile or a careless one is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.experiments.model import BadExperiment, filled, seconds
from kumoi.experiments.reading import parse_experiment

LOAD = "load: {http: {path: /x}}\n"
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"

REFUSED = [
    (BOMB, "aliases are not taken"),
    ("a: &a {b: 1}\nc: {<<: *a}", "aliases are not taken"),
    ("<<: {title: x}", "merge keys"),
    ("title: !!python/object/apply:os.system ['true']", "tags are not taken"),
    ("title: !!timestamp never", "tags are not taken"),
    ("title: 1" + ":1" * 200_000, "a number is longer"),
    ("title: 1" + ":1" * 400 + ".5", "a number is longer"),
    ("title: [" * 100, "deeper than 40|not YAML"),
    ("x: [" + "1," * 60_000 + "1]", "more than 50000 values"),
    ("- a", "is a mapping"),
    ("title: a\ntitle: b", "twice"),
    ("nothing: 1", "unknown field `nothing`"),
    ("load: {http: {path: /x}, count: 1000000000}", "load.count lies between"),
    ("load: {http: {path: /x}, count: .inf}", "Expected `int`"),
    ("load: {http: {path: /x}, rate: .nan}", "load.rate lies between"),
    ("load: {http: {path: /x}, parallel: 10000}", "load.parallel lies between"),
    ("load: {http: {path: http://169.254.169.254/}}", "begins with one slash"),
    ("load: {http: {path: //evil.example/}}", "begins with one slash"),
    ("load: {http: {path: /a b}}", "begins with one slash"),
    ('load: {http: {path: /, headers: {a: "b\\r\\nc: d"}}}', "line breaks"),
    ("load: {http: {path: /, method: CONNECT}}", "Invalid enum value"),
    ("load: {}", "none of http, call"),
    ("steady_state: [{http: {path: /}, empty: q}]", "takes one"),
    ("method: [{pause: 1000000000d}]", "no duration|longer than a week"),
    ("method: [{pause: soon}]", "no duration"),
    ("method: [{fault: {action: explode}}]", r"method\[0\].fault"),
    ("method: [{fault: {action: fail, probability: 7}}]", "probability"),
    ("method: [{fault: {action: delay, delay: 8000d}}]", "longer than a week|no duration"),
    ("method: [{call: {service: s3, operation: ../../etc}}]", "operation's name"),
    ("speed: 1.0e+308", "speed lies between"),
    ("invariants: [{arrives: {table: t}}]", "need a load"),
    (LOAD + "invariants: [{arrives: {table: t, queue: q}}]", "in a table or in a queue"),
    (LOAD + "invariants: [{arrives: {}}]", "in a table or in a queue"),
    ("invariants: [{arrives: {table: t, from: {}}}]", r"arrives.from is in a table or in a queue"),
    ("invariants: [{arrives: {table: t, from: {table: t, from: {table: t}}}}]", "unknown field `from`"),
    ("budget: -1", "budget lies between"),
    ("steady-state-hypothesis: [1]", "not an experiment of chaostoolkit"),
    ("method: [{provider: [1]}]", "not an experiment of chaostoolkit"),
    ("method: [{provider: {}, pauses: {before: soon}}]", "not an experiment of chaostoolkit"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=range(len(REFUSED)))
def test_it_is_refused_clearly(text: str, said: str) -> None:
    with pytest.raises(BadExperiment, match=said):
        parse_experiment(text.encode())


def test_a_described_experiment_with_a_method_is_ours() -> None:
    found = parse_experiment((LOAD + "title: t\ndescription: d\nmethod: [{pause: 1s}]").encode())
    assert found.description == "d"
    assert found.load is not None
    assert [step.pause for step in found.method] == ["1s"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["title", "method", "load", "http", "fault", "action", "path"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=100)
def test_nothing_but_a_refusal_comes_of_garbage(value: Any) -> None:
    with contextlib.suppress(BadExperiment):
        parse_experiment(json.dumps(value).encode())


def test_names_are_filled_in() -> None:
    variables = {"n": 3, "Table": "orders"}
    assert filled({"${Table}": ["${n}", "order-${n}"]}, variables) == {"orders": [3, "order-3"]}
    with pytest.raises(BadExperiment, match=r"\$\{Missing\} is neither .* there are: Table, n"):
        filled("${Missing}", variables)
    assert [seconds(one) for one in ("500ms", "1.5s", "2h")] == [0.5, 1.5, 7200.0]


TOOLKIT: dict[str, Any] = {
    "title": "t",
    "description": "d",
    "configuration": {"function": "checkout"},
    "steady-state-hypothesis": {
        "title": "h",
        "probes": [
            {
                "type": "probe",
                "name": "answers",
                "tolerance": [200, 204],
                "provider": {"type": "http", "url": "http://localhost:4566/_kumoi/health?a=b", "timeout": 3},
            }
        ],
    },
    "method": [
        {
            "type": "action",
            "name": "throttle",
            "pauses": {"after": 2},
            "provider": {
                "type": "python",
                "module": "chaosaws.awslambda.actions",
                "func": "put_function_concurrency",
                "arguments": {"function_name": "${function}", "concurrent_executions": 0},
            },
        }
    ],
    "rollbacks": [],
}


def test_a_chaostoolkit_experiment_is_read() -> None:
    found = parse_experiment(json.dumps(TOOLKIT).encode())
    [probe] = found.steady_state
    assert probe.http is not None and probe.http.path == "/_kumoi/health?a=b" and probe.expect.status == [200, 204]
    call, pause = found.method
    assert call.call is not None and call.call.operation == "PutFunctionConcurrency"
    assert filled(call.call.parameters, found.variables) == {
        "FunctionName": "checkout",
        "ReservedConcurrentExecutions": 0,
    }
    assert pause.pause == "2s"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"controls": [{"name": "c"}]}, "controls"),
        ({"secrets": {"a": {"type": "vault"}}}, "secrets"),
        ({"configuration": {"a": {"type": "vault"}}}, "vault"),
        ({"method": [{"name": "p", "provider": {"type": "process", "path": "rm"}}]}, "process"),
        ({"method": [{"name": "p", "provider": {"type": "python", "module": "os", "func": "system"}}]}, "os.system"),
        ({"method": [{"name": "p", "provider": {"type": "http", "url": "http://evil.example/"}}]}, "not the platform"),
    ],
)
def test_what_would_run_code_of_the_file_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadExperiment, match=said):
        parse_experiment(json.dumps(TOOLKIT | change).encode())
