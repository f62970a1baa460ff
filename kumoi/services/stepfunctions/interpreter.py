"""The states at work: each step takes a frame as far as its state can go and notes what happened in the run's changes.

Nothing here waits, stores or calls: a task leaves an effect behind, a wait leaves the time it is due. What comes back
(`outcomes.py`) moves the frame on; what goes wrong (`failures.py`) is retried, caught, or ends its flow. Previous event
ids follow what the service records: the event that led to a state, through its task, to its exit.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.data_flow import View
from kumoi.services.stepfunctions.failures import Failures
from kumoi.services.stepfunctions.language import errors
from kumoi.services.stepfunctions.language.definition import State
from kumoi.services.stepfunctions.language.errors import StateError, runtime
from kumoi.services.stepfunctions.language.json_path import PathMissing
from kumoi.services.stepfunctions.language.json_text import dumps, too_large
from kumoi.services.stepfunctions.map_plan import MapPlans
from kumoi.services.stepfunctions.outcomes import Outcomes
from kumoi.services.stepfunctions.records import Frame
from kumoi.services.stepfunctions.task_events import too_much

logger = logging.getLogger(__name__)

_NOTHING = object()


class Interpreter(Failures, MapPlans, Outcomes):
    """Steps one run."""

    _written: tuple[Any, str] = (_NOTHING, "")

    def begin(self) -> None:
        """Start the execution."""
        self.run.begin(self.now())

    def step(self) -> None:
        """Take the frame that became ready last as far as its state goes."""
        run = self.run
        frame = run.frames.get(run.ready.pop())
        if frame is None or run.ended:
            return
        self.guarded(frame, partial(self._advance, frame))

    def _advance(self, frame: Frame) -> None:
        if frame.phase == "fork":
            self.spawn(frame)
        elif frame.phase == "enter":
            self._enter(frame)
        elif frame.phase == "again":
            self.run.changes.transitions += 1
            self.begin_state(frame)
        else:
            frame_outcome = frame.early
            assert frame_outcome is not None
            frame.early = None
            self._outcome(frame, frame_outcome)

    def _text(self, value: Any) -> str:
        """A value as JSON; what was written last, where it is the same value still."""
        last, text = self._written
        if last is not value:
            text = dumps(value)
            self._written = (value, text)
        return text

    def _enter(self, frame: Frame) -> None:
        run, state = self.run, self.run.state_of(frame)
        text = self._text(frame.input) if frame.text is None else frame.text
        now = self.now()
        frame.before, frame.text = frame.previous, None
        frame.entered, frame.counts = now, [0] * len(state.retry)
        details = {"name": state.name, "input": text}
        frame.previous = frame.entered_id = run.emit(now, f"{state.type}StateEntered", frame.previous, details)
        run.changes.transitions += 1
        run.touch(frame)
        self.begin_state(frame)

    def begin_state(self, frame: Frame) -> None:
        """Do what the state is for; again, where it is retried."""
        state = self.run.state_of(frame)
        match state.type:
            case "Pass":
                self.run_pass(frame, state)
            case "Task":
                self.start_task(frame, state)
            case "Choice":
                self.run_choice(frame, state)
            case "Wait":
                self.run_wait(frame, state)
            case "Succeed":
                view = self.view(frame)
                result = frame.input if state.jsonata else data_flow.effective_input(state, view)
                self.leave(frame, state, data_flow.output_of(state, view, result, produced=False), {})
            case "Fail":
                self.run_fail(frame, state)
            case _:
                self.fork(frame, state)

    def view(self, frame: Frame) -> View:
        """What the state of a frame may see."""
        return View(frame.input, partial(self.context, frame), self.run.variables(frame), self.now())

    def context(self, frame: Frame) -> dict[str, Any]:
        """The context object."""
        run, execution = self.run, self.run.execution
        about: dict[str, Any] = {
            "Id": execution.arn,
            "Input": run.input,
            "StartTime": stamp(execution.started),
            "Name": execution.name,
            "RoleArn": execution.role,
        }
        if not execution.express:
            about["RedriveCount"] = execution.redrives
            if execution.redriven is not None:
                about["RedriveTime"] = stamp(execution.redriven)
        prefix = execution.arn.split(":")[:5]
        state: dict[str, Any] = {"Name": frame.state, "EnteredTime": stamp(frame.entered)}
        if run.state_of(frame).type in ("Task", "Parallel", "Map"):
            state["RetryCount"] = sum(frame.counts)
        found: dict[str, Any] = {
            "Execution": about,
            "StateMachine": {"Id": ":".join([*prefix, "stateMachine", execution.machine]), "Name": execution.machine},
            "State": state,
        }
        if frame.token is not None:
            found["Task"] = {"Token": frame.token}
        item = run.map_item(frame)
        if item is not None:
            found["Map"] = {"Item": item}
        return found

    def dynamic(self, frame: Frame, state: State, field: str) -> Any:
        """The value that a field like SecondsPath points at."""
        view = self.view(frame)
        try:
            return state.expressions[field](view.scope(data_flow.read(state.input_path, view.scope(frame.input))))
        except PathMissing as missing:
            raise runtime(f"Invalid path '{state.fields[field]}' : {missing}") from None

    def complete(self, frame: Frame, result: Any) -> None:
        """The work of a Task, Parallel or Map state is done."""
        state = self.run.state_of(frame)
        view = self.view(frame)
        output = data_flow.output_of(state, view, result, produced=True)
        self.leave(frame, state, output, data_flow.assigned(state.assign, state, view, result, {"result": result}))

    def leave(
        self, frame: Frame, state: State, output: Any, values: dict[str, Any], *, following: str | None = None
    ) -> None:
        """Leave a state with an output, setting variables; go on to the next, or end the flow."""
        run = self.run
        text = self._text(output)
        if too_large(text):
            raise too_much(state.name)
        details: dict[str, Any] = {"name": state.name, "output": text}
        if values:
            details["assignedVariables"] = self._assign(frame, state, values)
        frame.previous = run.emit(self.now(), f"{state.type}StateExited", frame.previous, details)
        run.release(frame)
        target = following or state.next
        if target is None:
            self.end_flow(frame, output, text)
            return
        frame.state, frame.input, frame.text, frame.phase = target, output, text, "enter"
        frame.counts = []
        run.touch(frame)
        run.ready.append(frame.id)

    def _assign(self, frame: Frame, state: State, values: dict[str, Any]) -> dict[str, str]:
        texts = {name: dumps(value) for name, value in values.items()}
        if sum(len(text) for text in texts.values()) > 262_144:
            raise StateError(
                errors.DATA_LIMIT, f"The variables assigned in '{state.name}' exceed the limit of 256 KiB."
            )
        frame.variables = {**frame.variables, **values}
        return texts

    def end_flow(self, frame: Frame, output: Any, text: str) -> None:
        """A flow has reached its end."""
        if frame.parent < 0:
            details = {"output": text}
            self.finish("SUCCEEDED", "ExecutionSucceeded", frame.previous, details=details, output=text)
        else:
            self.child_ended(frame, output)

    def fail_flow(self, frame: Frame, error: str | None, cause: str | None) -> None:
        """A flow has failed: so does what holds it."""
        if frame.parent < 0:
            self.finish("FAILED", "ExecutionFailed", frame.previous, error=error, cause=cause)
        else:
            self.child_failed(frame, error, cause)

    def finish(
        self,
        status: str,
        event: str,
        previous: int,
        *,
        details: dict[str, Any] | None = None,
        output: str | None = None,
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        """End the execution."""
        run, now = self.run, self.now()
        if details is None:
            details = {name: text for name, text in (("error", error), ("cause", cause)) if text is not None}
        run.emit(now, event, previous, details)
        run.replace(status=status, stopped=now, output=output, error=error, cause=cause, deadline=None)
        run.ready.clear()
        for frame in list(run.frames.values()):
            if status == "SUCCEEDED":
                run.drop(frame)
            else:
                run.release(frame)
                run.touch(frame)


def stamp(seconds: float) -> str:
    """Epoch seconds as `2026-01-02T03:04:05.678Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
