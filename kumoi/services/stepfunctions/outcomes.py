"""What comes back to a frame: a task's answer, what a token's holder reports, a time that has come, a stop.

Whatever it is about may be over meanwhile: then nothing happens.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kumoi.services.stepfunctions.language import errors
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.plain_states import PlainStates
from kumoi.services.stepfunctions.records import Early, Frame
from kumoi.services.stepfunctions.task_events import TaskEvents

_RUNNING = ("call", "callback", "job")


class Outcomes(TaskEvents, PlainStates):
    """The part of the interpreter that takes what comes back."""

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
