"""What goes wrong in a state: it is retried, or caught, or fails its flow; some errors end the execution at once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.forks import Forks
from kumoi.services.stepfunctions.language import errors
from kumoi.services.stepfunctions.language.definition import Catcher, State
from kumoi.services.stepfunctions.language.errors import EvaluationFailure, StateError
from kumoi.services.stepfunctions.language.retries import find_retrier, matches
from kumoi.services.stepfunctions.records import Frame
from kumoi.services.stepfunctions.run import HistoryFull

logger = logging.getLogger(__name__)


class Failures(Forks):
    """The part of the interpreter that deals with errors."""

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
