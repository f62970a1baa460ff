"""What a state takes in and gives out, in either language: pure functions of a state, its input and what it may see.

JSONPath: InputPath, Parameters, ResultSelector, ResultPath, OutputPath, in that order. JSONata: Arguments and Output,
with `$states` and the variables. Source: "Processing input and output in Step Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kumoi.services.stepfunctions.language import json_path, jsonata_expression
from kumoi.services.stepfunctions.language.definition import ROOT, State
from kumoi.services.stepfunctions.language.errors import RESULT_PATH, StateError
from kumoi.services.stepfunctions.language.json_path import Path, PathMissing
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.language.jsonata_expression import NOTHING, is_expression
from kumoi.services.stepfunctions.language.scope import Scope
from kumoi.services.stepfunctions.language.templates import read_path


class View:
    """What a state's expressions may see: the raw input, the variables, and the context object, made when asked for."""

    __slots__ = ("_context", "_make", "input", "now", "variables")

    def __init__(
        self, input: Any, context: Callable[[], dict[str, Any]], variables: Mapping[str, Any], now: float
    ) -> None:
        self.input = input
        self.now = now
        self.variables = variables
        self._make = context
        self._context: dict[str, Any] | None = None

    @property
    def context(self) -> dict[str, Any]:
        """The context object."""
        if self._context is None:
            self._context = self._make()
        return self._context

    def scope(self, document: Any) -> Scope:
        """The scope of JSONPath with a document of its own."""
        return Scope(document, self._get, self.variables)

    def _get(self) -> dict[str, Any]:
        return self.context

    def bindings(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """What JSONata sees: the variables, and `$states` with what a moment adds to it."""
        return {**self.variables, "states": {"input": self.input, "context": self.context, **more}}


def jsonata(view: View, value: Any, field: str, more: Mapping[str, Any] | None = None) -> Any:
    """A value with the expressions in it evaluated; EvaluationFailure."""
    bindings = view.bindings(more or {})

    def evaluated(one: Any, at: str) -> Any:
        if is_expression(one):
            found = jsonata_expression.evaluate(one, bindings, at, view.now)
            if found is NOTHING:
                raise jsonata_expression.undefined(one, at)
            return found
        if isinstance(one, dict):
            return {key: evaluated(inner, f"{at}/{key}") for key, inner in one.items()}
        if isinstance(one, list):
            return [evaluated(inner, f"{at}[{number}]") for number, inner in enumerate(one)]
        return one

    return evaluated(value, field)


def typed(view: View, state: State, field: str, expected: str) -> Any:
    """The value of a JSONata state's field, checked to be of a JSON type."""
    value = jsonata(view, state.fields[field], field)
    if jsonata_expression.type_name(value) != expected:
        raise jsonata_expression.wrong_type(str(state.fields[field]), field, expected, value)
    return value


def read(path: Path | None, scope: Scope) -> Any:
    """What InputPath or OutputPath selects; an empty object for null."""
    return {} if path is None else read_path(path, scope)


def effective_input(state: State, view: View) -> Any:
    """What the state works on: behind InputPath and Parameters, or Arguments."""
    if state.jsonata:
        return jsonata(view, state.fields["Arguments"], "Arguments") if state.has("Arguments") else view.input
    if state.input_path is ROOT and state.parameters is None:
        return view.input
    selected = read(state.input_path, view.scope(view.input))
    return selected if state.parameters is None else state.parameters(view.scope(selected))


def output_of(state: State, view: View, result: Any, *, produced: bool) -> Any:
    """The output of a state that ended with `result`; `produced` where the result is a task's or of children."""
    if state.jsonata:
        if not state.has("Output"):
            return result
        return jsonata(view, state.fields["Output"], "Output", {"result": result} if produced else None)
    if produced and state.result_selector is not None:
        result = state.result_selector(view.scope(result))
    placed = result if state.result_path is ROOT else place(state.result_path, view, result)
    return placed if state.output_path is ROOT else read(state.output_path, view.scope(placed))


def place(path: Path | None, view: View, result: Any) -> Any:
    """The raw input with a result at ResultPath; the input alone for null."""
    if path is None:
        return view.input
    try:
        return json_path.insert(path, view.input, result)
    except PathMissing:
        raise StateError(
            RESULT_PATH, f'Unable to apply step "{path.text}" to input {dumps(view.input)}', located=True
        ) from None


def assigned(
    assign: Any, state: State, view: View, document: Any, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The variables that an Assign sets, all of them computed from those before."""
    if assign is None:
        return {}
    values = jsonata(view, assign, "Assign", more) if state.jsonata else assign(view.scope(document))
    assert isinstance(values, dict)
    return values
