"""Executions that a task began and waits for: `states:startExecution.sync` and `.sync:2`.

As long as it runs its end is awaited, and then it is described. Stopping the outer execution stops the inner one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kumoi.names import uuid
from kumoi.services.stepfunctions.integrations.operation import Operations
from kumoi.services.stepfunctions.integrations.shapes import from_answer
from kumoi.services.stepfunctions.integrations.task import TaskCall, TaskError
from kumoi.services.stepfunctions.language.json_text import dumps, loads


class Nested:
    """Waits for executions. `ended` returns once an execution runs no more (at once where it does not run)."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self.ended: Callable[[str], Awaitable[None]] | None = None

    async def wait(self, task: TaskCall, arn: str) -> Any:
        """What an execution ends with, as the task's result; TaskError when it does not succeed."""
        assert self.ended is not None
        await self.ended(arn)
        operation = self._operations.model("stepfunctions", "describeExecution")
        answer = await self._operations.ask(task, "stepfunctions", operation, {"executionArn": arn}, uuid())
        described = await from_answer(operation.output, answer, millis=True)
        kept = {name: value for name, value in described.items() if name in _MEMBERS}
        if described["Status"] != "SUCCEEDED":
            raise TaskError("States.TaskFailed", dumps(kept))
        if task.resource.pattern == ".sync:2":
            for name in ("Input", "Output"):
                if name in kept:
                    kept[name] = loads(kept[name])
        return kept


_MEMBERS = frozenset(
    (
        *("Cause", "Error", "ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "StartDate"),
        *("StateMachineAliasArn", "StateMachineArn", "StateMachineVersionArn", "Status", "StopDate", "TraceHeader"),
    )
)
