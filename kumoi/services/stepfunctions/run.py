"""One execution in memory: its frames, and what has changed since the last commit. Nothing here waits or stores."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.services.stepfunctions.language.definition import Machine, State
from kumoi.services.stepfunctions.language.json_text import loads
from kumoi.services.stepfunctions.records import Event, ExecutionRecord, Frame

MAX_EVENTS = 25_000
ROOT = 0


class HistoryFull(Exception):
    """The history has reached its greatest length."""


class Changes:
    """What is to be committed: events, frames touched and dropped, values of forks; and what to do afterwards."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.touched: set[int] = set()
        self.dropped: set[int] = set()
        self.values: list[tuple[int, int, int]] = []
        self.closed: set[int] = set()
        self.effects: list[int] = []
        self.cancelled: list[int] = []
        self.abandoned: list[tuple[int, str]] = []
        self.tokens: list[int] = []
        self.spent: list[str] = []
        self.answered: list[int] = []
        self.transitions = 0

    @property
    def matter(self) -> bool:
        """Whether anything has changed."""
        return bool(self.events or self.touched or self.dropped or self.spent)


class Run:
    """An execution under way. `stored` are the frames that state has."""

    def __init__(self, execution: ExecutionRecord, machine: Machine) -> None:
        self.execution = execution
        self.machine = machine
        self.frames: dict[int, Frame] = {}
        self.items: dict[int, list[Any]] = {}
        self.results: dict[int, list[Any]] = {}
        self.last = execution.last_event
        self.next_frame = 1
        self.ready: list[int] = []
        self.stored: set[int] = set()
        self.changes = Changes()
        self.input = loads(execution.input)

    @property
    def ended(self) -> bool:
        """Whether the execution is over."""
        return self.execution.status != "RUNNING"

    def emit(self, now: float, kind: str, previous: int, details: dict[str, Any] | None = None) -> int:
        """Add an event to the history; its id. HistoryFull."""
        if self.last >= MAX_EVENTS - 1 and not kind.startswith("Execution"):
            raise HistoryFull
        self.last += 1
        self.changes.events.append(Event(self.last, previous, now, kind, details))
        return self.last

    def begin(self, now: float) -> None:
        """Start the machine's own flow."""
        execution = self.execution
        details: dict[str, Any] = {"input": execution.input}
        details["roleArn"] = execution.role
        if execution.alias_arn is not None:
            details["stateMachineAliasArn"] = execution.alias_arn
        if execution.version_arn is not None:
            details["stateMachineVersionArn"] = execution.version_arn
        self.emit(now, "ExecutionStarted", 0, details)
        flow = self.machine.flow
        self.add(Frame(id=ROOT, state=flow.start, input=self.input, text=execution.input))

    def add(self, frame: Frame) -> Frame:
        """Add a frame that is to run."""
        self.frames[frame.id] = frame
        self.changes.touched.add(frame.id)
        self.ready.append(frame.id)
        return frame

    def child(self, parent: Frame, index: int, value: Any, previous: int) -> Frame:
        """A frame for a branch or an iteration."""
        flow = self.state_of(parent).branches[0 if self.state_of(parent).type == "Map" else index]
        number = self.next_frame
        self.next_frame += 1
        return self.add(
            Frame(id=number, parent=parent.id, index=index, state=flow.start, input=value, previous=previous)
        )

    def touch(self, frame: Frame) -> None:
        """Note that a frame has changed."""
        self.changes.touched.add(frame.id)

    def drop(self, frame: Frame) -> None:
        """Remove a frame, with what it held."""
        self.frames.pop(frame.id, None)
        self.release(frame)
        self.changes.touched.discard(frame.id)
        if frame.id in self.stored:
            self.changes.dropped.add(frame.id)
        if frame.phase in ("fork", "map-run"):
            self.changes.closed.add(frame.fork)
        self.items.pop(frame.id, None)
        self.results.pop(frame.id, None)

    def release(self, frame: Frame) -> None:
        """Give up what a frame waits for: its effect, its token."""
        if frame.phase in ("call", "job", "callback", "map-run"):
            self.changes.cancelled.append(frame.id)
        if frame.phase in ("job", "map-run") and frame.job is not None:
            self.changes.abandoned.append((frame.id, frame.job))
        if frame.token is not None:
            self.changes.spent.append(frame.token)
            frame.token = None
        frame.due = frame.timeout = frame.heartbeat = frame.beat = None
        frame.request = frame.early = frame.job = None

    def children(self, parent: Frame) -> list[Frame]:
        """The frames of a fork that are under way, in order."""
        return [frame for frame in self.frames.values() if frame.parent == parent.id]

    def state_of(self, frame: Frame) -> State:
        """The state a frame is at."""
        return self.machine.states[frame.state]

    def variables(self, frame: Frame) -> dict[str, Any]:
        """What a frame sees: the variables of its own and of the scopes around it."""
        if frame.parent < 0:
            return frame.variables
        outer = self.variables(self.frames[frame.parent])
        return {**outer, **frame.variables} if frame.variables else outer

    def map_item(self, frame: Frame) -> dict[str, Any] | None:
        """`Map.Item` of the context object: the item of the innermost iteration around a frame."""
        while frame.parent >= 0:
            parent = self.frames[frame.parent]
            if parent.id in self.items:
                item = self.items[parent.id][frame.index]
                if parent.job == "object":
                    return {"Index": frame.index, "Key": item["Key"], "Value": item["Value"]}
                return {"Index": frame.index, "Value": item}
            frame = parent
        return None

    def next_due(self) -> float | None:
        """When the next thing is due by the clock, None without one."""
        found = self.execution.deadline
        for frame in self.frames.values():
            for due in (frame.due, frame.timeout, frame.heartbeat):
                if due is not None and (found is None or due < found):
                    found = due
        return found

    def replace(self, **changes: Any) -> None:
        """Change the execution's record."""
        self.execution = msgspec.structs.replace(self.execution, **changes)

    def restore(self, fork: int, index: int, value: Any) -> None:
        """Take back what was stored of a fork that is under way."""
        for frame in self.frames.values():
            if frame.fork == fork and index < 0:
                self.items[frame.id] = value
            elif frame.fork == fork:
                self.results.setdefault(frame.id, [None] * frame.size)[index] = value

    def resume(self, *, crashed: bool) -> None:
        """Have what was under way go on; where the platform `crashed`, with effects and tokens that may be lost."""
        for frame in self.frames.values():
            if frame.phase in ("enter", "again"):
                self.ready.append(frame.id)
            elif frame.phase == "fork":
                self.results.setdefault(frame.id, [None] * frame.size)
                self.ready.append(frame.id)
            elif crashed and frame.phase in ("call", "job", "map-run"):
                self.changes.effects.append(frame.id)
            elif crashed and frame.phase == "callback" and frame.job is None:
                self.changes.tokens.append(frame.id)
