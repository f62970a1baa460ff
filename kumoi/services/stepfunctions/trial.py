"""One state tried alone (TestState): what it does with an input, step by step, with its task mocked or made for real.

The interpreter runs the state; instead of going on or failing an execution, the trial notes what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.data_flow import View
from kumoi.services.stepfunctions.interpreter import Interpreter
from kumoi.services.stepfunctions.language.definition import State
from kumoi.services.stepfunctions.language.errors import StateError
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.language.retries import find_retrier, matches
from kumoi.services.stepfunctions.records import Frame
from kumoi.services.stepfunctions.run import Run


@dataclass(slots=True)
class Finding:
    """What came of a trial."""

    status: str = "SUCCEEDED"
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    next_state: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


class Trial(Interpreter):
    """Runs one state of a run that goes nowhere. `given` is the context object, where the caller gives one."""

    def __init__(
        self, run: Run, now: Callable[[], float], region: str, given: dict[str, Any] | None, retries: int
    ) -> None:
        super().__init__(run, now, region)
        self.finding = Finding()
        self._given = given
        self._retries = retries

    def context(self, frame: Frame) -> dict[str, Any]:
        """The context object: the caller's over the trial's own."""
        return {**super().context(frame), **(self._given or {})}

    def leave(
        self, frame: Frame, state: State, output: Any, values: dict[str, Any], *, following: str | None = None
    ) -> None:
        """The state was left."""
        self.finding.output, self.finding.next_state = dumps(output), following or state.next
        frame.variables = {**frame.variables, **values}

    def fail_state(self, frame: Frame, error: str, cause: str | None) -> None:
        """The state has failed: it would be retried, is caught, or fails the execution."""
        state, found = self.run.state_of(frame), self.finding
        found.error, found.cause = error, cause
        index = find_retrier(state.retry, [self._retries] * len(state.retry), error)
        if index is not None:
            found.status = "RETRIABLE"
            delay = state.retry[index].delay(self._retries + 1, "trial")
            found.details = {"retryIndex": index, "retryBackoffIntervalSeconds": round(delay)}
            return
        for number, catcher in enumerate(state.catch):
            if matches(catcher, error):
                self._catch(frame, state, catcher, number, {"Error": error, "Cause": cause or ""})
                found.status, found.details = "CAUGHT_ERROR", {"catchIndex": number}
                return
        found.status = "FAILED"

    def fail_flow(self, frame: Frame, error: str | None, cause: str | None) -> None:
        """The state fails the execution."""
        self.finding.status, self.finding.error, self.finding.cause = "FAILED", error, cause

    def finish(self, status: str, event: str, previous: int, **outcome: Any) -> None:
        """The execution would end."""
        self.finding.status = status
        self.finding.error, self.finding.cause = outcome.get("error"), outcome.get("cause")

    def attempt(self, frame: Frame, action: Callable[[], None]) -> None:
        """Do something for the state; what it raises is the state's error."""
        self.guarded(frame, action)


def inspect(state: State, view: View, result: Any, *, has_result: bool) -> dict[str, str]:
    """The steps between input and output, each as far as it can be made."""
    steps: dict[str, str] = {"input": dumps(view.input)}
    with suppress(StateError):
        if state.jsonata:
            if state.has("Arguments"):
                steps["afterArguments"] = dumps(data_flow.effective_input(state, view))
            if has_result:
                steps["result"] = dumps(result)
            return steps
        if state.type == "Pass" and state.has("Result"):
            result, has_result = state.fields["Result"], True
            steps["result"] = dumps(result)
        else:
            steps["afterInputPath"] = dumps(data_flow.read(state.input_path, view.scope(view.input)))
            effective = data_flow.effective_input(state, view)
            steps["afterParameters"] = dumps(effective)
            if state.type == "Pass":
                result, has_result = effective, True
        if not has_result:
            return steps
        if state.type in ("Task", "Map", "Parallel"):
            steps["result"] = dumps(result)
        selected = result if state.result_selector is None else state.result_selector(view.scope(result))
        steps["afterResultSelector"] = dumps(selected)
        steps["afterResultPath"] = dumps(data_flow.place(state.result_path, view, selected))
    return steps
