"""The checks of Retry and Catch."""

from __future__ import annotations

from typing import Any

from kumoi.services.stepfunctions.language import errors
from kumoi.services.stepfunctions.language.value_rules import ValueRules, objects_in

_MOST = 99_999_999


class ErrorRules(ValueRules):
    """Checks how a state meets errors."""

    def _error_equals(self, one: dict[str, Any], field: str) -> None:
        names = one.get("ErrorEquals")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            self._error("ErrorEquals must be a non-empty array of strings", field)
        elif errors.ALL in names and len(names) > 1:
            self._error("States.ALL must stand alone", f"{field}/ErrorEquals")

    def _all_last(self, field: str) -> None:
        for one in objects_in(self.body.get(field))[:-1]:
            if isinstance(one.get("ErrorEquals"), list) and errors.ALL in one["ErrorEquals"]:
                self._error("States.ALL must stand in the last element", field)

    def _retrier(self, one: Any, field: str) -> None:
        if not isinstance(one, dict):
            self._error("Expected value of type Object", field)
            return
        self._error_equals(one, field)
        bounds = {
            "IntervalSeconds": (1, _MOST),
            "MaxAttempts": (0, _MOST),
            "BackoffRate": (1, 1e9),
            "MaxDelaySeconds": (1, 31_622_399),
        }
        for name, value in one.items():
            if name in bounds:
                least, most = bounds[name]
                fraction = isinstance(value, float) and name == "BackoffRate"
                if isinstance(value, bool) or not (isinstance(value, int) or fraction) or not least <= value <= most:
                    self._error(f"Value must be a number from {least} to {most}", f"{field}/{name}")
            elif name == "JitterStrategy":
                if value not in ("NONE", "FULL"):
                    self._error("Value is not valid. Valid values: [NONE, FULL]", f"{field}/{name}")
            elif name not in ("ErrorEquals", "Comment"):
                self._error("Field is not supported", f"{field}/{name}")

    def _catcher(self, one: Any, field: str) -> None:
        if not isinstance(one, dict):
            self._error("Expected value of type Object", field)
            return
        self._error_equals(one, field)
        allowed = {"ErrorEquals", "Next", "Comment", "Assign", "Output" if self.jsonata else "ResultPath"}
        for name in one.keys() - allowed:
            self._error("Field is not supported", f"{field}/{name}")
        if "Next" in one:
            self._target(one["Next"], f"{field}/Next")
        else:
            self._error("These fields are required: [Next]", field)
        if not self.jsonata and one.get("ResultPath") is not None:
            self._path(one["ResultPath"], f"{field}/ResultPath", place=True)
        self._assign(one, f"{field}/")
