"""Distributed Map within its execution: what is to be run is worked out, and how it ended is told.

The plan (where items come from, how many run at once, how many may fail, where results go) is evaluated once, when the
state is entered; the map run itself is an effect (`map_runs.py`).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.forks import Forks
from kumoi.services.stepfunctions.integrations.task import key_of
from kumoi.services.stepfunctions.language.definition import State
from kumoi.services.stepfunctions.language.errors import runtime
from kumoi.services.stepfunctions.language.json_path import PathMissing
from kumoi.services.stepfunctions.map_records import label_of
from kumoi.services.stepfunctions.records import Frame

DEFAULT_CONCURRENCY = 1_000
MAX_CONCURRENCY = 10_000


class MapPlans(Forks):
    """The part of the interpreter that begins and ends map runs."""

    def distributed(self, frame: Frame, state: State) -> None:
        """Work out a map run and leave it behind as an effect."""
        run = self.run
        if frame.job is not None:
            self._redriven(frame, state)
            return
        items: list[Any] = []
        if not state.has("ItemReader"):
            items, keyed = self.map_items(frame, state)
            items = [{"Key": one["Key"], "Value": one["Value"]} for one in items] if keyed else items
        frame.previous = run.emit(self.now(), "MapStateStarted", frame.previous, {"length": len(items)})
        frame.request = self._plan(frame, state)
        label = label_of(state)
        machine = run.execution.machine
        key = key_of(run.execution.arn, frame.previous)
        base = ":".join(run.execution.arn.split(":")[:5])
        frame.job = f"{base}:mapRun:{machine}/{label}:{key}"
        frame.fork = frame.previous
        frame.scheduled = frame.previous = run.emit(
            self.now(), "MapRunStarted", frame.previous, {"mapRunArn": frame.job}
        )
        frame.phase = "map-run"
        run.items[frame.id] = items
        run.results[frame.id] = []
        run.changes.values.append((frame.id, frame.fork, -1))
        run.changes.effects.append(frame.id)
        run.touch(frame)

    def _redriven(self, frame: Frame, state: State) -> None:
        """Go on with a map run that failed: its children are there."""
        run = self.run
        frame.request = self._plan(frame, state)
        details = {"mapRunArn": frame.job, "redriveCount": run.execution.redrives}
        frame.scheduled = frame.previous = run.emit(self.now(), "MapRunRedriven", frame.previous, details)
        frame.phase = "map-run"
        run.changes.effects.append(frame.id)
        run.touch(frame)

    def _plan(self, frame: Frame, state: State) -> dict[str, Any]:
        fields = state.fields
        concurrency = int(self.number(frame, state, "MaxConcurrency", 0) or DEFAULT_CONCURRENCY)
        return {
            "concurrency": min(concurrency, MAX_CONCURRENCY),
            "count": self.number(frame, state, "ToleratedFailureCount", None),
            "percentage": self.number(frame, state, "ToleratedFailurePercentage", None),
            "reader": self._block(frame, state, "ItemReader"),
            "writer": self._block(frame, state, "ResultWriter"),
            "batcher": self._batcher(frame, state) if "ItemBatcher" in fields else None,
        }

    def _block(self, frame: Frame, state: State, name: str) -> dict[str, Any] | None:
        """ItemReader or ResultWriter with their arguments evaluated."""
        if not state.has(name):
            return None
        block: dict[str, Any] = dict(state.fields[name])
        view = self.view(frame)
        if state.jsonata:
            block = data_flow.jsonata(view, block, name)
            arguments = block.get("Arguments", {})
        else:
            made = state.expressions.get(f"{name}.Parameters")
            arguments = (
                {} if made is None else made(view.scope(data_flow.read(state.input_path, view.scope(view.input))))
            )
        config = dict(block.get("ReaderConfig") or block.get("WriterConfig") or {})
        if "MaxItemsPath" in config:
            config["MaxItems"] = self._at(frame, state, "ReaderConfig.MaxItemsPath")
        return {"resource": block.get("Resource"), "arguments": arguments, "config": config}

    def _batcher(self, frame: Frame, state: State) -> dict[str, Any]:
        block: dict[str, Any] = dict(state.fields["ItemBatcher"])
        view = self.view(frame)
        if state.jsonata:
            block = data_flow.jsonata(view, block, "ItemBatcher")
        else:
            for name in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
                if f"{name}Path" in block:
                    block[name] = self._at(frame, state, f"ItemBatcher.{name}Path")
            made = state.expressions.get("ItemBatcher.BatchInput")
            if made is not None:
                block["BatchInput"] = made(view.scope(data_flow.read(state.input_path, view.scope(view.input))))
        for name in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
            value = block.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
                raise runtime(f"{name} must be a positive integer.")
        return block

    def _at(self, frame: Frame, state: State, name: str) -> Any:
        view = self.view(frame)
        try:
            return state.expressions[name](view.scope(data_flow.read(state.input_path, view.scope(view.input))))
        except PathMissing as missing:
            raise runtime(f"Invalid path of {name.rpartition('.')[2]} : {missing}") from None

    def selected(self, frame: Frame, state: State, index: int, item: Any) -> Any:
        """What a child gets of an item: the item, or what ItemSelector makes of it."""
        view = self.view(frame)
        view.context["Map"] = {"Item": {"Index": index, "Value": item}}
        if state.jsonata:
            if not state.has("ItemSelector"):
                return item
            return data_flow.jsonata(view, state.fields["ItemSelector"], "ItemSelector")
        if state.item_selector is None:
            return item
        return state.item_selector(view.scope(data_flow.read(state.input_path, view.scope(frame.input))))

    def map_run_ended(self, frame_id: int, scheduled: int, result: Any, failure: tuple[str, str | None] | None) -> None:
        """A map run has succeeded with a result, or failed."""
        run = self.run
        frame = run.frames.get(frame_id)
        if frame is None or run.ended or frame.phase != "map-run" or frame.scheduled != scheduled:
            return
        self.guarded(frame, partial(self._map_run_ended, frame, result, failure))

    def _map_run_ended(self, frame: Frame, result: Any, failure: tuple[str, str | None] | None) -> None:
        run = self.run
        run.items.pop(frame.id, None)
        run.results.pop(frame.id, None)
        run.changes.closed.add(frame.fork)
        frame.job, frame.request = None, None
        if failure is None:
            last = run.emit(self.now(), "MapRunSucceeded", frame.previous)
            run.emit(self.now(), "MapStateSucceeded", last)
            frame.phase = "leaving"
            self.complete(frame, result)
            return
        error, cause = failure
        details = {"error": error, "cause": cause} if cause is not None else {"error": error}
        frame.previous = run.emit(self.now(), "MapRunFailed", frame.previous, details)
        frame.phase = "failed-run"
        self.fail_state(frame, error, cause)
