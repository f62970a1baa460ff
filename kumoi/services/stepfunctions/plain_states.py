"""Pass, Choice, Wait and Fail: the states that ask nothing of anybody."""

from __future__ import annotations

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.data_flow import View
from kumoi.services.stepfunctions.language import choice, errors, jsonata_expression
from kumoi.services.stepfunctions.language.definition import State
from kumoi.services.stepfunctions.language.errors import StateError, runtime
from kumoi.services.stepfunctions.language.json_path import PathMissing
from kumoi.services.stepfunctions.language.json_text import dumps, java_text
from kumoi.services.stepfunctions.records import Frame
from kumoi.services.stepfunctions.stepping import Stepping


class PlainStates(Stepping):
    """The part of the interpreter that runs states which only compute, or wait for a time."""

    def run_pass(self, frame: Frame, state: State) -> None:
        """Hand on the input, or a result."""
        view = self.view(frame)
        if state.jsonata:
            result = frame.input
        elif state.has("Result"):
            result = state.fields["Result"]
        else:
            result = data_flow.effective_input(state, view)
        output = data_flow.output_of(state, view, result, produced=False)
        self.leave(frame, state, output, data_flow.assigned(state.assign, state, view, result))

    def run_choice(self, frame: Frame, state: State) -> None:
        """Go on where the first rule that holds leads."""
        view = self.view(frame)
        document = frame.input if state.jsonata else data_flow.effective_input(state, view)
        scope = view.scope(document)
        for number, rule in enumerate(state.choices):
            when = rule.when
            if callable(when):
                holds = when(scope)
            else:
                field = f"Choices[{number}]/Condition"
                holds = data_flow.jsonata(view, when, field)
                if not isinstance(holds, bool):
                    raise jsonata_expression.wrong_type(str(when), field, "boolean", holds)
            if holds:
                if rule.has_output:
                    output = data_flow.jsonata(view, rule.output, f"Choices[{number}]/Output")
                else:
                    output = data_flow.output_of(state, view, document, produced=False)
                values = data_flow.assigned(rule.assign, state, view, document)
                self.leave(frame, state, output, values, following=rule.next)
                return
        default = state.fields.get("Default")
        if default is None:
            raise StateError(
                errors.NO_CHOICE,
                "The choice state does not have a default or a rule that is true.",
                located=True,
            )
        output = data_flow.output_of(state, view, document, produced=False)
        values = data_flow.assigned(state.assign, state, view, document)
        self.leave(frame, state, output, values, following=default)

    def run_wait(self, frame: Frame, state: State) -> None:
        """Wait, or go on at once when it is late already."""
        due = self._wait_until(frame, state)
        if due <= self.now():
            self.waited(frame, state)
            return
        frame.phase, frame.due = "wait", due
        self.run.touch(frame)

    def _wait_until(self, frame: Frame, state: State) -> float:
        view = self.view(frame)
        if state.jsonata:
            name = "Seconds" if state.has("Seconds") else "Timestamp"
            value = data_flow.jsonata(view, state.fields[name], name)
        else:
            name = next(one for one in ("Seconds", "Timestamp", "SecondsPath", "TimestampPath") if state.has(one))
            value = self.dynamic(frame, state, name) if name.endswith("Path") else state.fields[name]
        if name.startswith("Seconds"):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 99_999_999:
                if state.jsonata:
                    raise jsonata_expression.wrong_type(str(state.fields[name]), name, "number", value)
                raise runtime(
                    f"The {name} parameter does not reference an integer value: {state.fields[name]} == {value}"
                )
            return self.now() + int(value)
        moment = choice.timestamp(value)
        if moment is None:
            raise runtime(
                f"The {name} parameter does not reference a valid ISO-8601 extended offset date-time format string: "
                f"{state.fields[name]} == {value if isinstance(value, str) else dumps(value)}"
            )
        return moment

    def waited(self, frame: Frame, state: State) -> None:
        """The wait is over."""
        view = self.view(frame)
        result = frame.input if state.jsonata else data_flow.effective_input(state, view)
        output = data_flow.output_of(state, view, result, produced=False)
        self.leave(frame, state, output, data_flow.assigned(state.assign, state, view, result))

    def run_fail(self, frame: Frame, state: State) -> None:
        """Fail the flow."""
        found: dict[str, str | None] = {}
        view = self.view(frame)
        for name in ("Error", "Cause"):
            value = state.fields.get(name)
            if state.jsonata and value is not None:
                value = data_flow.jsonata(view, value, name)
                if not isinstance(value, str):
                    raise jsonata_expression.wrong_type(str(state.fields[name]), name, "string", value)
            elif f"{name}Path" in state.fields:
                value = self._fail_text(view, state, f"{name}Path")
            found[name] = value
        self.fail_flow(frame, found["Error"], found["Cause"])

    def _fail_text(self, view: View, state: State, field: str) -> str:
        try:
            value = state.expressions[field](view.scope(view.input))
        except PathMissing:
            raise runtime(
                f"The JSONPath '{state.fields[field]}' specified for the field '{field}' could not be found in the "
                f"input '{dumps(view.input)}'"
            ) from None
        if not isinstance(value, str):
            raise runtime(f"The {field} field refers to value '{java_text(value)}' which is not a string")
        return value
