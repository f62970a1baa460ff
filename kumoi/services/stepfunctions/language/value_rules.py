"""The checks that all types of states share: paths, templates, expressions, variables, transitions, numbers."""

from __future__ import annotations

import re
from typing import Any, Protocol

from kumoi.services.stepfunctions.language import json_path, jsonata_expression
from kumoi.services.stepfunctions.language.diagnostics import MISSING_TARGET, SCHEMA
from kumoi.services.stepfunctions.language.errors import Invalid
from kumoi.services.stepfunctions.language.jsonata_expression import is_expression
from kumoi.services.stepfunctions.language.templates import compile_expression

_VARIABLE = re.compile(r"[^\W\d]\w{0,79}")


class Reporter(Protocol):
    """Where findings go."""

    express: bool

    def error(self, message: str, location: str, code: str = SCHEMA) -> None:
        """Note an error."""

    def warning(self, code: str, message: str, location: str) -> None:
        """Note a warning."""


class ValueRules:
    """Checks values of one state. `targets` are the states it was found to lead to."""

    def __init__(
        self,
        report: Reporter,
        name: str,
        body: dict[str, Any],
        at: str,
        jsonata: bool,
        siblings: dict[str, Any] | None,
    ) -> None:
        self.report = report
        self.name = name
        self.body = body
        self.at = at
        self.jsonata = jsonata
        self.siblings = siblings
        self.targets: set[str] = set()
        self.flows: list[tuple[str, Any]] = []
        self.assigned = self.variables_of(body)

    @staticmethod
    def variables_of(body: dict[str, Any]) -> frozenset[str]:
        """The names that a state assigns, in catchers and rules too."""
        holders = [body, *objects_in(body.get("Catch")), *objects_in(body.get("Choices"))]
        return frozenset(
            name.removesuffix(".$")
            for holder in holders
            if isinstance(holder.get("Assign"), dict)
            for name in holder["Assign"]
        )

    def _error(self, message: str, field: str | None = None, code: str = SCHEMA) -> None:
        self.report.error(message, self.at if field is None else f"{self.at}/{field}", code)

    def _target(self, target: Any, field: str) -> None:
        if not isinstance(target, str):
            self._error("Expected value of type String", field)
            return
        self.targets.add(target)
        if self.siblings is not None and target not in self.siblings:
            self._error(f"Missing 'Next' target: {target}", field, MISSING_TARGET)

    def _assign(self, holder: dict[str, Any], prefix: str) -> None:
        assign = holder.get("Assign")
        if assign is None and "Assign" not in holder:
            return
        field = f"{prefix}Assign"
        if not isinstance(assign, dict):
            self._error("Expected value of type Object", field)
            return
        for key in assign:
            name = key if self.jsonata else key.removesuffix(".$")
            if not _VARIABLE.fullmatch(name) or name == "states":
                self._error(f"Variable name '{name}' is not valid", f"{field}/{key}")
        if not self.jsonata:
            self._template(assign, field)

    def _path(self, text: Any, field: str, *, place: bool = False) -> None:
        """A path; a `place` is one that a value can be written to."""
        try:
            if not isinstance(text, str):
                raise Invalid("not a string")
            path = json_path.parse(text)
        except Invalid:
            self._error("Value is not a Reference Path" if place else "Value must be a valid JSONPath.", field)
            return
        if place and (not path.reference or path.root != "$"):
            self._error("Value is not a Reference Path", field)

    def _expression(self, text: Any, field: str) -> None:
        try:
            compile_expression(text)
        except Invalid:
            self._error("Value must be a valid JSONPath or a valid intrinsic function call", field)

    def _template(self, template: Any, field: str) -> None:
        if isinstance(template, dict):
            for key, value in template.items():
                if key.endswith(".$"):
                    try:
                        compile_expression(value)
                    except Invalid:
                        self._error(
                            f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function "
                            "call",
                            field,
                        )
                    if key[:-2] in template:
                        self._error(f"The field '{key[:-2]}' stands twice, with and without '.$'", field)
                else:
                    if isinstance(value, str) and json_path_like(value):
                        self.report.warning(
                            "NO_DOLLAR",
                            f"The value of '{key}' looks like a path, but its name lacks '.$'",
                            f"{self.at}/{field}/{key}",
                        )
                    self._template(value, f"{field}/{key}")
        elif isinstance(template, list):
            for number, value in enumerate(template):
                self._template(value, f"{field}[{number}]")

    def _jsonata_values(self) -> None:
        for field, value in self.body.items():
            if field not in ("Retry", "Choices", "Branches", "ItemProcessor", "Iterator", "Comment", "Next"):
                self._expressions(value, field)
        for number, rule in enumerate(objects_in(self.body.get("Choices"))):
            self._expressions(rule, f"Choices[{number}]")

    def _expressions(self, value: Any, field: str) -> None:
        if is_expression(value):
            try:
                jsonata_expression.check(value)
            except Invalid as error:
                self._error(f"Invalid JSONata expression: {error}", field)
        elif isinstance(value, dict):
            for key, inner in value.items():
                self._expressions(inner, f"{field}/{key}")
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self._expressions(inner, f"{field}[{number}]")

    def _number(self, field: str, least: float, most: float, *, whole: bool = True) -> None:
        value = self.body.get(field)
        if field not in self.body or (self.jsonata and is_expression(value)):
            return
        kinds = int if whole else (int | float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            self._error(f"Value must be a number from {least} to {most}", field)

    def _list(self, field: str) -> list[Any]:
        given = self.body.get(field, [])
        if isinstance(given, list):
            return given
        self._error("Expected value of type Array", field)
        return []


def json_path_like(text: str) -> bool:
    """Whether a plain string looks as if it was meant to be a path."""
    return text.startswith(("$.", "$$.", "$["))


def objects_in(value: Any) -> list[dict[str, Any]]:
    """The objects in an array; none for what is no array."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
