"""Effects: what a frame asks of others once it is committed, and how the answer finds its way back to the frame."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from kumoi.doorway import Doorway
from kumoi.services.stepfunctions import tracing
from kumoi.services.stepfunctions.driver import Driver
from kumoi.services.stepfunctions.integrations import Answer, TaskCall, TaskError
from kumoi.services.stepfunctions.integrations.nested import Nested
from kumoi.services.stepfunctions.integrations.operation import Operations
from kumoi.services.stepfunctions.integrations.optimized import Optimized
from kumoi.services.stepfunctions.integrations.task import key_of
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.language.resources import Resource
from kumoi.services.stepfunctions.mocks import MOCK_VARIABLE, Mocks, Response
from kumoi.services.stepfunctions.records import Early, Frame
from kumoi.services.stepfunctions.task_events import resource_of
from kumoi.wire import AwsError, Wire
from kumoi.wire.model import Shape

logger = logging.getLogger(__name__)


class Effects:
    """Makes the calls of tasks and waits for their jobs. `map_runs` runs the executions of a Distributed Map."""

    def __init__(self, doorway: Doorway, wire: Wire) -> None:
        self._doorway = doorway
        self.mocks = Mocks.load(os.environ.get(MOCK_VARIABLE))
        self._attempts: dict[str, dict[str, list[int]]] = {}
        operations = Operations(doorway, wire)
        self._operations = operations
        self._optimized = Optimized(operations)
        self.nested = Nested(operations)
        self.map_runs: Callable[[Driver, Frame], Awaitable[None]] | None = None
        self.http: Callable[[TaskCall], Awaitable[Any]] | None = None

    async def run(self, driver: Driver, frame: Frame) -> None:
        """Do what a frame asks for, and tell its driver what came of it."""
        if frame.phase == "map-run":
            assert self.map_runs is not None
            await self.map_runs(driver, frame)
            return
        number, scheduled = frame.id, frame.scheduled
        task = self.task_of(driver, frame)
        try:
            mock = self._mock(driver, frame)
            if mock is not None:
                outcome = Early(succeeded=True, output=dumps(await mock.answer(self._doorway.clock)))
                driver.post(lambda one: one.callback_now(number, scheduled, outcome))
                return
            if frame.phase == "job":
                assert frame.job is not None
                answer = Answer(await self.nested.wait(task, frame.job))
            else:
                answer = await self.perform(task)
            if frame.phase == "call" and task.resource.waits:
                driver.post(lambda one: one.submitted(number, scheduled, answer.output, answer.job))
                return
            outcome = Early(succeeded=True, output=dumps(answer.output))
        except TaskError as error:
            outcome = Early(succeeded=False, error=error.error, cause=error.cause)
        except AwsError as error:
            outcome = Early(succeeded=False, error="States.TaskFailed", cause=f"{error.code}: {error.message}")
        except Exception as error:
            logger.exception("a task of %s failed", driver.run.execution.arn)
            cause = f"Kumoi failed at {task.resource.arn} ({type(error).__name__}); its log has the details."
            outcome = Early(succeeded=False, error="States.TaskFailed", cause=cause)
        driver.post(lambda one: one.settle(number, scheduled, outcome))

    def _mock(self, driver: Driver, frame: Frame) -> Response | None:
        """What the mock file has for an attempt; None where the task is to be made for real."""
        execution = driver.run.execution
        if execution.mock is None:
            return None
        seen = self._attempts.setdefault(execution.arn, {}).setdefault(frame.state, [])
        if frame.scheduled not in seen:
            seen.append(frame.scheduled)
        attempt = seen.index(frame.scheduled)
        return self.mocks.response(execution.machine.partition("/")[0], execution.mock, frame.state, attempt)

    def forget(self, arn: str) -> None:
        """An execution has ended."""
        self._attempts.pop(arn, None)

    def task_of(self, driver: Driver, frame: Frame) -> TaskCall:
        """The attempt that a frame is at."""
        execution = driver.run.execution
        return TaskCall(
            resource=resource_of(driver.run.state_of(frame)),
            request=frame.request,
            key=key_of(execution.arn, frame.scheduled),
            execution=execution.arn,
            machine=execution.machine,
            account=driver.state.account,
            region=driver.region,
            role=frame.role or execution.role,
            trace=tracing.of_task(execution, frame.scheduled),
            durable=driver.durable,
            foreign=frame.role is not None and frame.role.startswith("arn:"),
        )

    def output_shape(self, resource: Resource) -> Shape | None:
        """What the operation of a task answers; None where there is no model of it."""
        try:
            return self._operations.model_of(resource).output
        except TaskError:
            return None

    async def perform(self, task: TaskCall) -> Answer:
        """Make a task's call; TaskError."""
        resource = task.resource
        if resource.kind == "function":
            return await self._optimized.function(task)
        if resource.type.startswith("aws-sdk:"):
            return Answer(await self._operations.sdk(task))
        if resource.type == "http":
            assert self.http is not None
            return Answer(await self.http(task))
        return await self._optimized.call(task)
