"""Parallel and inline Map: flows within a state, begun in order, as many at once as the state allows.

Of a Map's iterations, one begins whenever another waits or ends. The first failure ends the others. A Distributed Map
begins executions of its own: for the run it is an effect.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.language import jsonata_expression
from kumoi.services.stepfunctions.language.definition import State
from kumoi.services.stepfunctions.language.errors import EvaluationFailure, runtime
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.records import Frame
from kumoi.services.stepfunctions.stepping import Stepping

MAX_INLINE = 40
_PENDING = object()
FORK_PHASES = frozenset({"fork", "map-run"})
_ABORTED = frozenset({"call", "callback", "job", "wait", "retry", "fork", "map-run"})


class Forks(Stepping):
    """The part of the interpreter that runs flows within flows."""

    def fork(self, frame: Frame, state: State) -> None:
        """Begin the branches or iterations of a state."""
        if state.type == "Parallel":
            self._parallel(frame, state)
        elif state.distributed:
            self.distributed(frame, state)
        else:
            self._inline_map(frame, state)

    @abstractmethod
    def distributed(self, frame: Frame, state: State) -> None:
        """Begin a map run."""

    def _parallel(self, frame: Frame, state: State) -> None:
        run = self.run
        given = data_flow.effective_input(state, self.view(frame))
        frame.previous = run.emit(self.now(), "ParallelStateStarted", frame.previous)
        self._open(frame, len(state.branches), len(state.branches))
        frame.request = given
        run.ready.append(frame.id)

    def _open(self, frame: Frame, size: int, limit: int) -> None:
        frame.phase, frame.size, frame.limit = "fork", size, limit
        frame.following = frame.active = frame.done = 0
        frame.fork_previous = frame.fork = frame.previous
        self.run.results[frame.id] = [_PENDING] * size
        self.run.touch(frame)

    def _inline_map(self, frame: Frame, state: State) -> None:
        run = self.run
        items, keyed = self.map_items(frame, state)
        wanted = self._concurrency(frame, state)
        frame.previous = run.emit(self.now(), "MapStateStarted", frame.previous, {"length": len(items)})
        self._open(frame, len(items), min(wanted or MAX_INLINE, MAX_INLINE))
        run.items[frame.id] = items
        frame.job = "object" if keyed else None
        run.changes.values.append((frame.id, frame.fork, -1))
        if items:
            run.ready.append(frame.id)
        else:
            self._all_done(frame, state)

    def map_items(self, frame: Frame, state: State) -> tuple[list[Any], bool]:
        """The items of a Map, and whether they are the members of an object."""
        view = self.view(frame)
        if state.jsonata:
            return self._jsonata_items(view, state)
        items = data_flow.read(state.input_path, view.scope(view.input))
        if state.has("ItemsPath"):
            items = self.dynamic(frame, state, "ItemsPath")
        if not isinstance(items, list):
            path = state.fields.get("ItemsPath", "$")
            raise runtime(
                f'Reference path "{path}" must point to array. It points to {dumps(items)[:200]}'
                if state.has("ItemsPath")
                else f"Map state input must be an array but was: {dumps(items)[:200]}"
            )
        return items, False

    def _jsonata_items(self, view: data_flow.View, state: State) -> tuple[list[Any], bool]:
        items = data_flow.jsonata(view, state.fields["Items"], "Items") if state.has("Items") else view.input
        if isinstance(items, dict):
            return [{"Key": key, "Value": value} for key, value in items.items()], True
        if isinstance(items, list):
            return items, False
        if state.has("Items"):
            raise jsonata_expression.wrong_type(str(state.fields["Items"]), "Items", "array", items)
        raise EvaluationFailure(f"Map state input must be an array but was: {dumps(items)[:200]}", "Items")

    def _concurrency(self, frame: Frame, state: State) -> int:
        return int(self.number(frame, state, "MaxConcurrency", 0))

    def number(self, frame: Frame, state: State, field: str, default: float | None) -> Any:
        """A numeric field, given as a number, an expression or a path; it may not be negative."""
        if state.has(f"{field}Path") and not state.jsonata:
            value = self.dynamic(frame, state, f"{field}Path")
            if isinstance(value, bool) or not isinstance(value, int):
                raise runtime(
                    f"The {field}Path field refers to value {dumps(value)} which is not a valid integer: "
                    f"{state.fields[f'{field}Path']}"
                )
        elif state.has(field):
            value = (
                data_flow.jsonata(self.view(frame), state.fields[field], field)
                if state.jsonata
                else (state.fields[field])
            )
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise jsonata_expression.wrong_type(str(state.fields[field]), field, "number", value)
        else:
            return default
        if value < 0:
            raise runtime(f"{field} cannot be negative.")
        return value

    def spawn(self, frame: Frame) -> None:
        """Begin the next branch or iteration of a fork, if one more may run."""
        run, state = self.run, self.run.state_of(frame)
        if frame.following >= frame.size or frame.active >= frame.limit:
            return
        index = frame.following
        frame.following += 1
        frame.active += 1
        run.touch(frame)
        if frame.following < frame.size and frame.active < frame.limit:
            run.ready.append(frame.id)
        if state.type == "Parallel":
            run.child(frame, index, frame.request, frame.previous)
            return
        previous = run.emit(
            self.now(), "MapIterationStarted", frame.fork_previous, {"name": state.name, "index": index}
        )
        child = run.child(frame, index, None, previous)
        child.input = self.item_input(frame, child, state)

    def item_input(self, frame: Frame, child: Frame, state: State) -> Any:
        """What an iteration gets: the item, or what ItemSelector makes of it."""
        item = self.run.items[frame.id][child.index]
        if not state.has("ItemSelector") if state.jsonata else state.item_selector is None:
            return item
        view = self.view(frame)
        value = item["Value"] if frame.job == "object" else item
        view.context["Map"] = {"Item": {"Index": child.index, "Value": value}}
        if frame.job == "object":
            view.context["Map"]["Item"]["Key"] = item["Key"]
        if state.jsonata:
            return data_flow.jsonata(view, state.fields["ItemSelector"], "ItemSelector")
        assert state.item_selector is not None
        return state.item_selector(view.scope(data_flow.read(state.input_path, view.scope(frame.input))))

    def child_ended(self, child: Frame, output: Any) -> None:
        """A branch or an iteration has ended with an output; what then fails is the error of the state around it."""
        run = self.run
        frame = run.frames[child.parent]
        state = run.state_of(frame)
        if state.type == "Map":
            run.emit(self.now(), "MapIterationSucceeded", child.previous, {"name": state.name, "index": child.index})
        frame.fork_previous = max(child.previous, frame.fork_previous) if state.type == "Parallel" else child.previous
        run.results[frame.id][child.index] = output
        run.changes.values.append((frame.id, frame.fork, child.index))
        run.drop(child)
        frame.active -= 1
        frame.done += 1
        run.touch(frame)
        if frame.done == frame.size:
            self._all_done(frame, state)
        elif frame.following < frame.size and frame.id not in run.ready:
            run.ready.append(frame.id)

    def _all_done(self, frame: Frame, state: State) -> None:
        run = self.run
        if state.type == "Map" and frame.size:
            last = run.last
            run.emit(self.now(), "MapStateSucceeded", last)
            frame.previous = last
        elif state.type == "Map":
            run.emit(self.now(), "MapStateSucceeded", frame.previous)
        else:
            run.emit(self.now(), "ParallelStateSucceeded", frame.fork_previous)
            frame.previous = frame.fork_previous
        results = run.results.pop(frame.id)
        run.items.pop(frame.id, None)
        self._close(frame)
        self.guarded(frame, partial(self.complete, frame, results))

    def _close(self, frame: Frame) -> None:
        """A fork runs no more: what was stored of it is no longer needed."""
        frame.phase, frame.request, frame.job = "leaving", None, None
        self.run.changes.closed.add(frame.fork)

    def child_failed(self, child: Frame, error: str | None, cause: str | None) -> None:
        """A branch or an iteration has failed: the others are aborted, and the state around them fails."""
        run = self.run
        frame = run.frames[child.parent]
        state = run.state_of(frame)
        if state.type == "Map":
            run.emit(self.now(), "MapIterationFailed", child.previous, {"name": state.name, "index": child.index})
        frame.previous = child.previous
        run.drop(child)
        for sibling in run.children(frame):
            self.abort(sibling, frame.previous)
        self.guarded(frame, partial(self.fail_state, frame, error or "", cause))

    def abort(self, frame: Frame, failing: int) -> None:
        """Give up a flow because of a failure elsewhere."""
        run, state = self.run, self.run.state_of(frame)
        for child in run.children(frame):
            self.abort(child, failing)
        if frame.phase in _ABORTED:
            run.emit(self.now(), f"{state.type}StateAborted", failing)
        parent = run.state_of(run.frames[frame.parent])
        if parent.type == "Map":
            run.emit(self.now(), "MapIterationAborted", failing, {"name": parent.name, "index": frame.index})
        run.drop(frame)

    def fork_failed(self, frame: Frame, state: State) -> None:
        """Note that a Parallel or Map state has failed, if its branches had not all ended before."""
        if state.type in ("Map", "Parallel") and frame.phase != "leaving":
            frame.previous = self.run.emit(self.now(), f"{state.type}StateFailed", frame.previous)
        if frame.phase in FORK_PHASES:
            self.run.items.pop(frame.id, None)
            self.run.results.pop(frame.id, None)
            self._close(frame)
