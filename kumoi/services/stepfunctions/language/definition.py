"""A state machine as values: its states with every path, template and rule compiled. Made from a checked document.

`Flow` is what runs from a StartAt to an end: the machine itself, a branch of a Parallel state, the processor of a Map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import orjson

from kumoi.services.stepfunctions.language import json_path
from kumoi.services.stepfunctions.language.choice import Predicate, compile_rule
from kumoi.services.stepfunctions.language.json_path import Path
from kumoi.services.stepfunctions.language.retries import Retrier
from kumoi.services.stepfunctions.language.scope import Expression
from kumoi.services.stepfunctions.language.templates import compile_expression, compile_template

Template = Expression | None
ROOT = json_path.parse("$")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a Choice state: `when` is its predicate (JSONPath) or its Condition (JSONata)."""

    when: Predicate | str | bool
    next: str
    assign: Any = None
    output: Any = None
    has_output: bool = False


@dataclass(frozen=True, slots=True)
class Catcher:
    """One element of Catch."""

    errors: tuple[str, ...]
    next: str
    result_path: Path | None
    assign: Any
    output: Any
    has_output: bool


@dataclass(frozen=True, slots=True)
class State:
    """One state. In JSONPath states `assign` and the templates are compiled; in JSONata states they stand as given.

    `input_path`, `result_path` and `output_path` are None for null. `fields` is the state's own JSON.
    """

    name: str
    type: str
    jsonata: bool
    next: str | None
    fields: dict[str, Any]
    input_path: Path | None = ROOT
    parameters: Template = None
    result_selector: Template = None
    result_path: Path | None = ROOT
    output_path: Path | None = ROOT
    assign: Any = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    choices: tuple[Rule, ...] = ()
    branches: tuple[Flow, ...] = ()
    item_selector: Template = None
    distributed: bool = False
    expressions: dict[str, Expression] = field(default_factory=dict)

    @property
    def resource(self) -> str:
        """A Task's Resource."""
        return str(self.fields["Resource"])

    def has(self, name: str) -> bool:
        """Whether the definition states a field."""
        return name in self.fields


@dataclass(frozen=True, slots=True)
class Flow:
    """States and where they start."""

    start: str
    states: dict[str, State]


@dataclass(frozen=True, slots=True)
class Machine:
    """A whole definition."""

    flow: Flow
    jsonata: bool
    timeout: int | None
    states: dict[str, State]
    """Every state by name, those of branches and processors too."""
    evaluates: bool = False
    """Whether any of them is in JSONata."""


@lru_cache(512)
def compile_machine(text: str) -> Machine:
    """A definition that was found valid, compiled."""
    document = orjson.loads(text)
    states: dict[str, State] = {}
    jsonata = document.get("QueryLanguage") == "JSONata"
    flow = _flow(document, jsonata, states)
    evaluates = any(state.jsonata for state in states.values())
    return Machine(flow, jsonata, document.get("TimeoutSeconds"), states, evaluates)


def compile_state(name: str, document: dict[str, Any], *, jsonata: bool = False) -> State:
    """One state alone (TestState)."""
    return _state(name, document, jsonata, {})


def _flow(document: dict[str, Any], jsonata: bool, every: dict[str, State]) -> Flow:
    own = {name: _state(name, body, jsonata, every) for name, body in document["States"].items()}
    every |= own
    return Flow(document["StartAt"], own)


def _state(name: str, body: dict[str, Any], jsonata: bool, every: dict[str, State]) -> State:
    jsonata = body["QueryLanguage"] == "JSONata" if "QueryLanguage" in body else jsonata
    kind = body["Type"]
    common: dict[str, Any] = {
        "name": name,
        "type": kind,
        "jsonata": jsonata,
        "next": None if body.get("End") else body.get("Next"),
        "fields": body,
        "retry": tuple(Retrier.parse(one) for one in body.get("Retry", ())),
        "catch": tuple(_catcher(one, jsonata) for one in body.get("Catch", ())),
        "choices": tuple(_rule(one, jsonata) for one in body.get("Choices", ())),
        "assign": _template(body, "Assign", jsonata),
    }
    if kind == "Parallel":
        common["branches"] = tuple(_flow(one, jsonata, every) for one in body["Branches"])
    elif kind == "Map":
        processor = body.get("ItemProcessor") or body["Iterator"]
        common["branches"] = (_flow(processor, jsonata, every),)
        common["distributed"] = processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
    if not jsonata:
        common |= _json_path_fields(kind, body)
    return State(**common)


def _json_path_fields(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "input_path": _path(body, "InputPath"),
        "result_selector": _template(body, "ResultSelector", False),
        "result_path": _path(body, "ResultPath"),
        "output_path": _path(body, "OutputPath"),
        "expressions": _expressions(kind, body),
    }
    if kind == "Map":
        selector = "ItemSelector" if "ItemSelector" in body else "Parameters"
        fields["item_selector"] = _template(body, selector, False)
    else:
        fields["parameters"] = _template(body, "Parameters", False)
    return fields


_DYNAMIC = (
    *("SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "ItemsPath", "MaxConcurrencyPath"),
    *("ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "ErrorPath", "CausePath"),
)


def _expressions(kind: str, body: dict[str, Any]) -> dict[str, Expression]:
    """Fields that name a value by a path (or, in Fail states, by a call), compiled."""
    found = {name: compile_expression(body[name]) for name in _DYNAMIC if body.get(name) is not None}
    if kind == "Map":
        for holder, names in (
            ("ItemBatcher", ("MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath")),
            ("ReaderConfig", ("MaxItemsPath",)),
        ):
            block = body.get("ItemReader", {}).get(holder, {}) if holder == "ReaderConfig" else body.get(holder, {})
            found |= {f"{holder}.{name}": compile_expression(block[name]) for name in names if name in block}
        for holder in ("ItemReader", "ResultWriter"):
            parameters = body.get(holder, {}).get("Parameters")
            if parameters is not None:
                found[f"{holder}.Parameters"] = compile_template(parameters, "Parameters")
        batch = body.get("ItemBatcher", {}).get("BatchInput")
        if batch is not None:
            found["ItemBatcher.BatchInput"] = compile_template(batch, "BatchInput")
    credentials = body.get("Credentials")
    if credentials is not None:
        found["Credentials"] = compile_template(credentials, "Credentials")
    return found


def _template(body: dict[str, Any], name: str, jsonata: bool) -> Any:
    if name not in body:
        return None
    return body[name] if jsonata else compile_template(body[name], name)


def _path(body: dict[str, Any], name: str) -> Path | None:
    if name not in body:
        return ROOT
    return None if body[name] is None else json_path.parse(body[name])


def _catcher(body: dict[str, Any], jsonata: bool) -> Catcher:
    return Catcher(
        tuple(body["ErrorEquals"]),
        body["Next"],
        ROOT if jsonata else _path(body, "ResultPath"),
        _template(body, "Assign", jsonata),
        body.get("Output"),
        "Output" in body,
    )


def _rule(body: dict[str, Any], jsonata: bool) -> Rule:
    when: Callable[[Any], bool] | str | bool = body["Condition"] if jsonata else compile_rule(body)
    return Rule(when, body["Next"], _template(body, "Assign", jsonata), body.get("Output"), "Output" in body)


Mode = Literal["STANDARD", "EXPRESS"]
