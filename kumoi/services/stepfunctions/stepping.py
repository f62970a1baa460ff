"""What the parts of the interpreter have in common: the run they step, and what they ask of one another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from kumoi.services.stepfunctions.data_flow import View
from kumoi.services.stepfunctions.language.definition import State
from kumoi.services.stepfunctions.records import Frame
from kumoi.services.stepfunctions.run import Run


class Stepping(ABC):
    """Steps one run. `now` answers the platform's time; `region` is the machine's."""

    def __init__(self, run: Run, now: Callable[[], float], region: str) -> None:
        self.run = run
        self.now = now
        self.region = region

    @abstractmethod
    def view(self, frame: Frame) -> View:
        """What the state of a frame may see."""

    @abstractmethod
    def dynamic(self, frame: Frame, state: State, field: str) -> Any:
        """The value that a field like SecondsPath points at."""

    @abstractmethod
    def guarded(self, frame: Frame, action: Callable[[], None]) -> None:
        """Run an action of a frame; what it raises is an error of the frame's state."""

    @abstractmethod
    def complete(self, frame: Frame, result: Any) -> None:
        """The work of a Task, Parallel or Map state is done."""

    @abstractmethod
    def fail_state(self, frame: Frame, error: str, cause: str | None) -> None:
        """A state has failed: it is retried, or caught, or fails its flow."""

    @abstractmethod
    def leave(
        self, frame: Frame, state: State, output: Any, values: dict[str, Any], *, following: str | None = None
    ) -> None:
        """Leave a state with an output, setting variables; go on to the next, or end the flow."""

    @abstractmethod
    def fail_flow(self, frame: Frame, error: str | None, cause: str | None) -> None:
        """A flow has failed: so does what holds it."""

    @abstractmethod
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
