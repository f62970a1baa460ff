"""What others are told of executions: log lines for the machine's log group, status changes for EventBridge, segments
for X-Ray.

Both follow the commit and hold nothing up: they are written in the background, in the order of the events, and what is
waiting when the process is killed is lost, as AWS promises no more. Sources: "Logging using CloudWatch Logs" and
"Automating event delivery with EventBridge" of the developer guide.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.names import Arn
from kumoi.services.stepfunctions.charging import charge
from kumoi.services.stepfunctions.driver import Driver
from kumoi.services.stepfunctions.history_shape import details_of
from kumoi.services.stepfunctions.language.json_text import dumps
from kumoi.services.stepfunctions.logging_configuration import group_of
from kumoi.services.stepfunctions.records import Event, ExecutionRecord, MachineRecord, machines
from kumoi.services.stepfunctions.run import Changes
from kumoi.services.stepfunctions.tracing import Tracer
from kumoi.state import State, Transaction, transactional
from kumoi.wire import AwsError

logger = logging.getLogger(__name__)

MOST_ENTRIES = 10
_FATAL = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
_ERRORS = ("Failed", "TimedOut", "Aborted")
_DATA = frozenset({"input", "output", "inputDetails", "outputDetails", "parameters", "assignedVariables"})


class _Told(NamedTuple):
    state: State
    execution: ExecutionRecord
    events: list[Event]


class Publishing:
    """Tells of events once they are committed."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._waiting: list[_Told] = []
        self._writer: asyncio.Task[None] | None = None
        self._tracer = Tracer()

    def told(self, driver: Driver, changes: Changes) -> None:
        """Changes of an execution were committed."""
        charge(self._doorway.charges, driver, changes.transitions)
        if not changes.events:
            return
        self._waiting.append(_Told(driver.state, driver.run.execution, changes.events))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            await self._writer

    async def _write(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            try:
                await self._log(waiting)
                await self._announce(waiting)
                await self._trace(waiting)
            except (AwsError, CallDropped, ValueError) as error:
                logger.warning("Step Functions could not tell of executions: %s", error)
            await asyncio.sleep(0)

    async def _log(self, waiting: list[_Told]) -> None:
        streams: dict[tuple[str, str, str, str], list[dict[str, Any]]] = defaultdict(list)
        machines_of: dict[tuple[str, str, str], MachineRecord | None] = {}
        for told in waiting:
            name = told.execution.machine.partition("/")[0]
            place = (told.state.account, told.state.region, name)
            if place not in machines_of:
                machines_of[place] = await _machine(told.state, name)
            machine = machines_of[place]
            group = None if machine is None else group_of(machine.logging)
            if machine is None or group is None:
                continue
            minute = datetime.fromtimestamp(told.execution.started, UTC).strftime("%Y-%m-%d-%H-%M")
            stream = f"states/{machine.name}/{minute}/{machine.id[:8]}"
            lines = [
                {"timestamp": int(event.time * 1000), "message": line(event, told.execution, machine.logging)}
                for event in told.events
                if wanted(event.type, machine.logging["level"])
            ]
            streams[told.state.account, told.state.region, group, stream] += lines
        for (account, region, group, stream), lines in streams.items():
            if lines:
                caller = Principal.of_service(account, "states.amazonaws.com", "stepfunctions")
                params = {"logGroupName": group, "logStreamName": stream, "logEvents": lines}
                await self._doorway.ask("logs", "WriteFunctionLogs", params, caller, region)

    async def _announce(self, waiting: list[_Told]) -> None:
        entries: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for told in waiting:
            if told.execution.express or told.execution.map_run is not None:
                continue
            for event in told.events:
                status = _STATUSES.get(event.type)
                if status is not None:
                    entries[told.state.account, told.state.region].append(entry(told.execution, status, event))
        for (account, region), found in entries.items():
            caller = Principal.of_service(account, "states.amazonaws.com", "stepfunctions")
            for start in range(0, len(found), MOST_ENTRIES):
                params = {"Entries": found[start : start + MOST_ENTRIES]}
                await self._doorway.ask("events", "PutEvents", params, caller, region)

    async def _trace(self, waiting: list[_Told]) -> None:
        """Send the segments of executions that are traced to X-Ray, in their machines' roles."""
        for told in waiting:
            if not told.execution.traced:
                continue
            documents = self._tracer.documents(told.execution, told.events)
            if documents:
                arn = Arn.parse(told.execution.arn)
                caller = Principal.of_role(arn.account, told.execution.role, told.execution.name[:64], "stepfunctions")
                params = {"TraceSegmentDocuments": [dumps(document) for document in documents]}
                await self._doorway.ask("xray", "PutTraceSegments", params, caller, arn.region)


_STATUSES = {
    "ExecutionStarted": "RUNNING",
    "ExecutionRedriven": "RUNNING",
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}


def wanted(kind: str, level: str) -> bool:
    """Whether a type of event is logged at a level."""
    if level == "ALL":
        return True
    if kind in _FATAL:
        return level in ("ERROR", "FATAL")
    return level == "ERROR" and (kind.endswith(_ERRORS) or kind == "FailStateEntered")


def line(event: Event, execution: ExecutionRecord, config: dict[str, Any]) -> str:
    """An event as a line of the log."""
    details = details_of(event)
    if not config.get("includeExecutionData"):
        details = {name: value for name, value in details.items() if name not in _DATA}
    return dumps(
        {
            "id": str(event.id),
            "type": event.type,
            "details": details,
            "previous_event_id": str(event.previous),
            "event_timestamp": str(int(event.time * 1000)),
            "execution_arn": execution.arn,
            "redrive_count": str(execution.redrives),
        }
    )


def entry(execution: ExecutionRecord, status: str, event: Event) -> dict[str, Any]:
    """A status change as EventBridge is told of it."""
    base = ":".join(execution.arn.split(":")[:5])
    ended = status != "RUNNING"
    detail = {
        "executionArn": execution.arn,
        "stateMachineArn": f"{base}:stateMachine:{execution.machine}",
        "name": execution.name,
        "status": status,
        "startDate": int(execution.started * 1000),
        "stopDate": int(event.time * 1000) if ended else None,
        "input": execution.input,
        "output": execution.output if ended else None,
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if ended and execution.output is not None else None,
        "error": execution.error if ended else None,
        "cause": execution.cause if ended else None,
    }
    return {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Detail": dumps(detail),
        "Resources": [execution.arn],
        "Time": datetime.fromtimestamp(event.time, UTC),
    }


@transactional
async def _machine(tx: Transaction, name: str) -> MachineRecord | None:
    return await machines.get(tx, name)
