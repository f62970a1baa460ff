"""Tumbling windows of a shard: which records belong to which window, and the state that goes from batch to batch. Pure.

Rules: "Tumbling windows" of the developer guide: windows are aligned to the epoch; each ends with one invocation that
says so; a state of more than 1 MB, or an answer without one, fails the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from kumoi.event_sources.source import Checkpoint
from kumoi.event_sources.stream_events import StreamRecord

MAX_STATE = 1_048_576


class Step(NamedTuple):
    """One invocation within a window that begins at `start` (epoch seconds) and lasts `length`."""

    start: float
    length: int
    records: Sequence[StreamRecord]
    state: dict[str, Any]
    final: bool

    def event(self, shard: str, source_arn: str) -> dict[str, Any]:
        """What the function gets."""
        return {
            "Records": [record.event for record in self.records],
            "window": {"start": _stamp(self.start), "end": _stamp(self.start + self.length)},
            "state": self.state,
            "shardId": shard,
            "eventSourceARN": source_arn,
            "isFinalInvokeForWindow": self.final,
            "isWindowTerminatedEarly": False,
        }


@dataclass(slots=True)
class Window:
    """The open window of a shard, if there is one."""

    length: int
    start: float | None = None
    state: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, length: int, checkpoint: Checkpoint | None) -> Window | None:
        """As it was when the shard was last read; None for a source without windows."""
        if not length:
            return None
        stored = None if checkpoint is None else checkpoint.window
        return cls(length, stored["start"], stored["state"]) if stored else cls(length)

    def stored(self) -> dict[str, Any] | None:
        """What a checkpoint keeps."""
        return None if self.start is None else {"start": self.start, "state": self.state}

    def over(self) -> float | None:
        """When the open window ends (epoch seconds); None when there is none."""
        return None if self.start is None else self.start + self.length

    def steps(self, records: Sequence[StreamRecord], now: float) -> Iterator[Step]:
        """The invocations for the next records, and for windows that are over; the state is taken between them."""
        at = 0
        while at < len(records):
            begins = records[at].arrived // self.length * self.length
            if self.start is not None and begins > self.start:
                yield from self._final()
            self.start = begins if self.start is None else self.start
            end = at
            while end < len(records) and records[end].arrived < self.start + self.length:
                end += 1
            end = max(end, at + 1)
            yield Step(self.start, self.length, records[at:end], self.state, final=False)
            at = end
        if self.start is not None and now >= self.start + self.length:
            yield from self._final()

    def take(self, payload: bytes, step: Step) -> bool:
        """Take the state that the function answered; False for an answer without a usable one."""
        try:
            answer = orjson.loads(payload or b"null")
        except orjson.JSONDecodeError:
            return False
        if step.final:
            return True
        state = answer.get("state") if isinstance(answer, dict) else None
        if not isinstance(state, dict) or len(orjson.dumps(state)) > MAX_STATE:
            return False
        self.state = state
        return True

    def drop(self, step: Step) -> None:
        """A step was given up: its window goes on with the state before it."""
        self.state = step.state

    def _final(self) -> Iterator[Step]:
        assert self.start is not None, "only an open window ends"
        yield Step(self.start, self.length, (), self.state, final=True)
        self.start, self.state = None, {}


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
