"""The states at work: each step takes a frame as far as its state can go and notes what happened in the run's changes.

Nothing here waits, stores or calls: a task leaves an effect behind, a wait leaves the time it is due. What comes back
(`succeeded`, `failed`, `submitted`, `due`) moves the frame on. Previous event ids follow what the service records:
the event that led to a state, through its task, to its exit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.data_flow import View
from kumoi.services.stepfunctions.language import errors
from kumoi.services.stepfunctions.language.definition import Catcher, State
from kumoi.services.stepfunctions.language.errors import EvaluationFailure, StateError, runtime
from kumoi.services.stepfunctions.language.json_path import PathMissing
from kumoi.services.stepfunctions.language.json_text import dumps, too_large
from kumoi.services.stepfunctions.language.retries import find_retrier, matches
from kumoi.services.stepfunctions.map_plan import MapPlans
from kumoi.services.stepfunctions.plain_states import PlainStates
from kumoi.services.stepfunctions.records import Early, Frame
from kumoi.services.stepfunctions.run import HistoryFull
from kumoi.services.stepfunctions.task_events import TaskEvents, too_much

logger = logging.getLogger(__name__)

_RUNNING = ("call", "callback", "job")
_NOTHING = object()


class Interpreter(MapPlans, TaskEvents, PlainStates):
    """Steps one run."""

    _written: tuple[Any, str] = (_NOTHING, "")

    # What moves a run on

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

    def settle(self, frame_id: int, scheduled: int, outcome: Early) -> None:
        """A task's attempt has ended; nothing where it is not under way any more."""
        frame = self.task(frame_id, scheduled)
        if frame is not None:
            self.guarded(frame, partial(self._outcome, frame, outcome))

    def callback(self, frame_id: int, scheduled: int, outcome: Early) -> bool:
        """What a task token's holder reports; False where it is known already, or nobody waits for it.

        It may come before the call that handed the token out was answered.
        """
        frame = self.task(frame_id, scheduled)
        if frame is None or frame.early is not None:
            return False
        if frame.phase == "call":
            frame.early = outcome
            self.run.touch(frame)
        else:
            self.guarded(frame, partial(self._outcome, frame, outcome))
        return True

    def callback_now(self, frame_id: int, scheduled: int, outcome: Early) -> None:
        """The final outcome of a task that is mocked, whatever it would have waited for."""
        frame = self.task(frame_id, scheduled)
        if frame is None:
            return
        if frame.phase == "call" and self.waits(frame):
            self.submitted(frame_id, scheduled, {}, None)
        self.settle(frame_id, scheduled, outcome)

    def submitted(self, frame_id: int, scheduled: int, output: Any, job: str | None) -> None:
        """The call of a task that waits for a callback or a job was answered."""
        frame = self.task(frame_id, scheduled)
        if frame is not None and frame.phase == "call":
            self.guarded(frame, partial(self._submitted, frame, output, job))

    def _submitted(self, frame: Frame, output: Any, job: str | None) -> None:
        state = self.run.state_of(frame)
        self.run.changes.answered.append(frame.scheduled)
        self.emit_submitted(frame, state, dumps(output))
        frame.phase, frame.job = ("callback", None) if job is None else ("job", job)
        self.run.touch(frame)
        early, frame.early = frame.early, None
        if early is not None:
            self._outcome(frame, early)
        elif job is not None:
            self.run.changes.effects.append(frame.id)

    def beat(self, frame_id: int, scheduled: int) -> None:
        """A worker lives."""
        frame = self.task(frame_id, scheduled)
        if frame is not None and frame.beat is not None:
            frame.heartbeat = self.now() + frame.beat
            self.run.touch(frame)

    def taken(self, frame_id: int, scheduled: int, worker: str | None) -> bool:
        """A worker takes an activity's task; False where another has it already, or nobody waits for it."""
        frame = self.task(frame_id, scheduled)
        if frame is None or frame.job is not None:
            return False
        self.guarded(frame, partial(self._taken, frame, worker))
        return True

    def _taken(self, frame: Frame, worker: str | None) -> None:
        frame.job = "taken"
        details = {"workerName": worker} if worker else {}
        frame.previous = self.run.emit(self.now(), "ActivityStarted", frame.previous, details)
        if frame.beat is not None:
            frame.heartbeat = self.now() + frame.beat
        self.run.touch(frame)

    def due(self) -> None:
        """Move on whatever has fallen due, in that order."""
        run, now = self.run, self.now()
        deadline = run.execution.deadline
        fallen: list[tuple[float, int, str]] = []
        for frame in run.frames.values():
            for kind in ("due", "timeout", "heartbeat"):
                at = getattr(frame, kind)
                if at is not None and at <= now:
                    fallen.append((at, frame.id, kind))
        for at, frame_id, kind in sorted(fallen):
            if deadline is not None and deadline <= at:
                break
            due_frame = run.frames.get(frame_id)
            if due_frame is None or run.ended or getattr(due_frame, kind) != at:
                continue
            self.guarded(due_frame, partial(self._fell_due, due_frame))
        if deadline is not None and deadline <= now and not run.ended:
            self.finish("TIMED_OUT", "ExecutionTimedOut", self._root_previous())

    def stop(self, error: str | None, cause: str | None) -> None:
        """StopExecution."""
        self.finish("ABORTED", "ExecutionAborted", self._root_previous(), error=error, cause=cause)

    def task(self, frame_id: int, scheduled: int) -> Frame | None:
        """The frame of a task's attempt that is under way."""
        frame = self.run.frames.get(frame_id)
        if frame is None or self.run.ended or frame.phase not in _RUNNING or frame.scheduled != scheduled:
            return None
        return frame

    def _text(self, value: Any) -> str:
        """A value as JSON; what was written last, where it is the same value still."""
        last, text = self._written
        if last is not value:
            text = dumps(value)
            self._written = (value, text)
        return text

    # States

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

    # Ends of states

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

    def fail_state(self, frame: Frame, error: str, cause: str | None) -> None:
        """A state has failed: it is retried, or caught, or fails its flow."""
        run, state = self.run, self.run.state_of(frame)
        self.fork_failed(frame, state)
        run.release(frame)
        run.touch(frame)
        retrier = find_retrier(state.retry, frame.counts, error)
        if retrier is not None:
            frame.counts[retrier] += 1
            seed = f"{run.execution.arn}/{frame.entered_id}/{sum(frame.counts)}"
            frame.phase = "retry"
            frame.due = self.now() + state.retry[retrier].delay(frame.counts[retrier], seed)
            return
        for number, catcher in enumerate(state.catch):
            if matches(catcher, error):
                self._catch(frame, state, catcher, number, {"Error": error, "Cause": cause or ""})
                return
        self.fail_flow(frame, error, cause)

    def _catch(self, frame: Frame, state: State, catcher: Catcher, number: int, failure: dict[str, str]) -> None:
        view = self.view(frame)
        more = {"errorOutput": failure}
        if not state.jsonata:
            output = data_flow.place(catcher.result_path, view, failure)
        elif catcher.has_output:
            output = data_flow.jsonata(view, catcher.output, f"Catch[{number}]/Output", more)
        else:
            output = failure
        values = data_flow.assigned(catcher.assign, state, view, failure, more)
        self.leave(frame, state, output, values, following=catcher.next)

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

    # Errors and time

    def guarded(self, frame: Frame, action: Callable[[], None]) -> None:
        """Run an action of a frame; what it raises is an error of the frame's state."""
        try:
            self._tried(frame, action)
        except HistoryFull:
            self._history_full()
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            logger.exception("the state %s of %s could not be run", frame.state, self.run.execution.arn)
            cause = f"Kumoi failed at the state '{frame.state}' ({type(error).__name__}); its log has the details."
            self.finish("FAILED", "ExecutionFailed", frame.previous, error=errors.RUNTIME, cause=cause)

    def _tried(self, frame: Frame, action: Callable[[], None]) -> None:
        try:
            action()
        except StateError as error:
            try:
                self.state_error(frame, error)
            except StateError as second:  # a catcher's own output cannot be made
                self._give_up(frame, second)

    def _history_full(self) -> None:
        cause = "The execution reached the maximum number of history events (25000)."
        self.finish("FAILED", "ExecutionFailed", self.run.last, error=errors.RUNTIME, cause=cause)

    def state_error(self, frame: Frame, error: StateError) -> None:
        """A state could not be evaluated, or ends itself with an error."""
        run, cause = self.run, self._located(frame, error)
        if error.error == errors.RUNTIME:
            self.finish("FAILED", "ExecutionFailed", frame.previous, error=error.error, cause=cause)
            return
        if isinstance(error, EvaluationFailure):
            self._evaluation_failed(frame, error, cause)
        run.ready = [one for one in run.ready if one != frame.id]
        for child in run.children(frame):
            self.abort(child, frame.previous)
        self.fail_state(frame, error.error, cause)

    def _give_up(self, frame: Frame, error: StateError) -> None:
        cause = self._located(frame, error)
        if isinstance(error, EvaluationFailure):
            self._evaluation_failed(frame, error, cause)
        self.fail_flow(frame, error.error, cause)

    def _evaluation_failed(self, frame: Frame, error: EvaluationFailure, cause: str | None) -> None:
        previous = frame.before if frame.previous == frame.entered_id else frame.previous
        details = {"error": error.error, "cause": cause, "location": error.location, "state": frame.state}
        frame.previous = self.run.emit(self.now(), "EvaluationFailed", previous, details)

    def _located(self, frame: Frame, error: StateError) -> str | None:
        if not error.located:
            return error.cause
        return (
            f"An error occurred while executing the state '{frame.state}' (entered at the event id "
            f"#{frame.entered_id}). {error.cause}"
        )

    def _fell_due(self, frame: Frame) -> None:
        run, state = self.run, self.run.state_of(frame)
        if frame.phase == "wait":
            frame.due = None
            self.waited(frame, state)
        elif frame.phase == "retry":
            frame.due, frame.phase = None, "again"
            run.touch(frame)
            run.ready.append(frame.id)
        elif frame.phase in _RUNNING:
            self.emit_timed_out(frame, state)
            self.fail_state(frame, errors.TIMEOUT, None)

    def _outcome(self, frame: Frame, outcome: Early) -> None:
        state = self.run.state_of(frame)
        frame.phase = "settled"
        self.run.changes.answered.append(frame.scheduled)
        if outcome.succeeded:
            self.emit_succeeded(frame, state, outcome.output or "null")
            self.complete(frame, self.result_of(outcome.output or "null"))
        else:
            error = outcome.error or ""
            self.emit_failed(frame, state, outcome.error, outcome.cause)
            self.fail_state(frame, error, outcome.cause)

    def _root_previous(self) -> int:
        root = self.run.frames.get(0)
        return self.run.last if root is None else root.previous


def stamp(seconds: float) -> str:
    """Epoch seconds as `2026-01-02T03:04:05.678Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
