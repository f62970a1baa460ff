"""Checks a definition as CreateStateMachine and ValidateStateMachineDefinition do, in their words.

`validate` answers every finding; a definition without errors can be compiled (`definition.compile_machine`).
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.services.stepfunctions.language.diagnostics import (
    DUPLICATE_STATE,
    ERROR,
    INVALID_JSON,
    INVALID_NAME,
    MISSING_END,
    MISSING_TARGET,
    SCHEMA,
    WARNING,
    Diagnostic,
)
from kumoi.services.stepfunctions.language.jsonata_expression import is_expression
from kumoi.services.stepfunctions.language.state_rules import StateRules

MAX_BYTES = 1_048_576
MAX_NAME = 80
MAX_DEPTH = 40
_TOP = frozenset({"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"})
_FLOW = frozenset({"Comment", "StartAt", "States", "ProcessorConfig", "QueryLanguage"})
LANGUAGES = ("JSONPath", "JSONata")


def validate(text: str, *, express: bool = False) -> list[Diagnostic]:
    """Everything wrong with a definition, errors and warnings, in the order of the document."""
    if not text.strip():
        return [Diagnostic(ERROR, INVALID_JSON, "Definition must be a valid JSON object")]
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        shown = text if len(text) <= 500 else text[:500]
        location = f'[Source: (String)"{shown}"; line: {error.lineno}, column: {error.colno}]'
        return [Diagnostic(ERROR, INVALID_JSON, f"Unrecognized token or structure: {error.msg}", location)]
    if not isinstance(document, dict):
        return [Diagnostic(ERROR, INVALID_JSON, "Definition must be a valid JSON object")]
    checker = _Checker(express)
    checker.machine(document)
    return checker.found


def check_state(name: str, body: Any, *, express: bool = False, jsonata: bool = False) -> list[Diagnostic]:
    """Everything wrong with one state that stands alone (TestState): where it leads to does not matter."""
    checker = _Checker(express)
    if not isinstance(body, dict):
        return [Diagnostic(ERROR, SCHEMA, "State must be a valid JSON object", f"/States/{name}")]
    checker.state(name, body, "", jsonata, frozenset(), None)
    return checker.found


class _Checker:
    """One walk over a document."""

    def __init__(self, express: bool) -> None:
        self.express = express
        self.found: list[Diagnostic] = []
        self._names: set[str] = set()
        self._whole_jsonata = False

    def error(self, message: str, location: str, code: str = SCHEMA) -> None:
        """Note an error."""
        self.found.append(Diagnostic(ERROR, code, message, location))

    def warning(self, code: str, message: str, location: str) -> None:
        """Note a warning."""
        self.found.append(Diagnostic(WARNING, code, message, location))

    def machine(self, document: dict[str, Any]) -> None:
        """Check the whole."""
        self._whole_jsonata = document.get("QueryLanguage") == "JSONata"
        if document.get("QueryLanguage", "JSONPath") not in LANGUAGES:
            self.error("Value is not valid. Valid values: [JSONPath, JSONata]", "/QueryLanguage")
        if document.get("Version", "1.0") != "1.0":
            self.error("Only version 1.0 is supported", "/Version")
        timeout = document.get("TimeoutSeconds")
        if timeout is not None and not (type(timeout) is int and 0 < timeout <= 99_999_999):
            self.error("Value must be a positive integer of at most 99999999", "/TimeoutSeconds")
        self.flow(document, "", self._whole_jsonata, frozenset(), _TOP, 0)

    def flow(
        self,
        document: dict[str, Any],
        at: str,
        jsonata: bool,
        outer: frozenset[str],
        fields: frozenset[str] = _FLOW,
        depth: int = 1,
    ) -> None:
        """Check states and where they start; `outer` are the variables that stand outside."""
        missing = [name for name in ("States", "StartAt") if name not in document]
        if missing:
            self.error(f"These fields are required: [{', '.join(missing)}]", at or "/")
        for name in document.keys() - fields:
            self.error("Field is not supported", f"{at}/{name}")
        states, start = document.get("States"), document.get("StartAt")
        if "States" in document and (not isinstance(states, dict) or not states):
            self.error("States must be a JSON object with at least one state", f"{at}/States")
        if "StartAt" in document and not isinstance(start, str):
            self.error("Expected value of type String", f"{at}/StartAt")
        if not isinstance(states, dict) or not states:
            return
        if depth > MAX_DEPTH:
            self.error("The definition is nested too deeply", f"{at}/States", "TOO_DEEPLY_NESTED")
            return
        if isinstance(start, str) and start not in states:
            self.error(f"Missing 'StartAt' target: {start}", f"{at}/StartAt", MISSING_TARGET)
        reached = {start} if isinstance(start, str) else set()
        ends = False
        assigned = outer | _assigned(states)
        for name, body in states.items():
            place = f"{at}/States/{name}"
            if not 0 < len(name) <= MAX_NAME:
                self.error(f"State name must be 1 to {MAX_NAME} characters long", place, INVALID_NAME)
            if name in self._names:
                self.error(f"Duplicate State name: {name}", f"{at}/States", DUPLICATE_STATE)
            self._names.add(name)
            if not isinstance(body, dict):
                self.error("State must be a valid JSON object", place)
                continue
            rules = self.state(name, body, at, jsonata, assigned, states, depth)
            reached |= rules.targets
            ends = ends or body.get("Type") in ("Succeed", "Fail") or body.get("End") is True
            clash = rules.assigned & outer
            for variable in sorted(clash):
                self.error(f"Variable '{variable}' is already assigned in an outer scope", f"{place}/Assign")
        for name in states:
            if isinstance(start, str) and name not in reached:
                self.error(f'State "{name}" is not reachable.', f"{at}/States/{name}", MISSING_TARGET)
        if not ends:
            self.error(
                "Missing end state: no state has 'End': true, and none is a Succeed or Fail state",
                f"{at}/States",
                MISSING_END,
            )

    def state(
        self,
        name: str,
        body: dict[str, Any],
        at: str,
        jsonata: bool,
        variables: frozenset[str],
        siblings: dict[str, Any] | None,
        depth: int = 0,
    ) -> StateRules:
        """Check one state and what is inside of it."""
        place = f"{at}/States/{name}"
        language = body.get("QueryLanguage")
        if language is not None and language not in LANGUAGES:
            self.error("Value is not valid. Valid values: [JSONPath, JSONata]", f"{place}/QueryLanguage")
        elif language == "JSONPath" and self._whole_jsonata:
            self.error("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", place)
        elif language is not None:
            jsonata = language == "JSONata"
        rules = StateRules(self, name, body, place, jsonata, siblings)
        rules.check()
        for inner_at, inner in rules.flows:
            if isinstance(inner, dict):
                self.flow(inner, inner_at, jsonata, variables, depth=depth + 1)
            else:
                self.error("Expected value of type Object", inner_at)
        return rules


def _assigned(states: dict[str, Any]) -> frozenset[str]:
    """The variables that states of one scope assign."""
    found: set[str] = set()
    for body in states.values():
        if isinstance(body, dict):
            found |= StateRules.variables_of(body)
    return frozenset(found)


__all__ = ["check_state", "is_expression", "validate"]
