"""Executions that are traced tell X-Ray: a segment an execution, in it one part a state, in that one a task's attempt.

The execution's segment is sent as it begins and, complete, as it ends; states and attempts are sent alone as they end,
so that little is kept in memory and an execution that outlives the process goes on telling. Of a state that was under
way when the process ended nothing is told. Source: "Trace Step Functions request data in AWS X-Ray", developer guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from kumoi.doorway import NO_TRACE, Call, Sampled, Trace
from kumoi.services.stepfunctions.records import Event, ExecutionRecord, MachineRecord

Document = dict[str, Any]

_SCHEDULED = frozenset({"TaskScheduled", "LambdaFunctionScheduled"})
_ENDED = frozenset(
    {
        *("TaskSucceeded", "TaskFailed", "TaskTimedOut", "TaskSubmitFailed", "TaskStartFailed"),
        *("LambdaFunctionSucceeded", "LambdaFunctionFailed", "LambdaFunctionTimedOut"),
        *("LambdaFunctionScheduleFailed", "LambdaFunctionStartFailed"),
    }
)
_OVER = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})
_NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\\-@]")
_NAMES = {"dynamodb": "DynamoDB", "sqs": "SQS", "sns": "SNS", "lambda": "Lambda", "events": "EventBridge"}


async def begin(call: Call, machine: MachineRecord, arn: str, header: str | None) -> bool:
    """Whether an execution that begins is traced; `header` is the trace header that a client gave."""
    if header is not None:
        call.trace = Trace.parse(header, call.now)
    if not machine.tracing.get("enabled"):
        return False
    return await call.doorway.tracing.sampled(call, Sampled(machine.name, "AWS::StepFunctions::StateMachine", arn))


def of_task(execution: ExecutionRecord, scheduled: int) -> Trace:
    """The trace that an attempt of a task goes on with."""
    if execution.span is None:
        return NO_TRACE
    trace = Trace.parse(execution.span, execution.started)
    if not execution.traced:
        return trace
    return replace(trace, sampled=True, upstream=_id(execution, f"task/{scheduled}"))


@dataclass(slots=True)
class _Seen:
    """What is under way of an execution: states by their Entered event, attempts by the event that began them."""

    owners: dict[int, int] = field(default_factory=dict)
    states: dict[int, Event] = field(default_factory=dict)
    tasks: dict[int, Event] = field(default_factory=dict)


class Tracer:
    """Makes documents of events."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def documents(self, execution: ExecutionRecord, events: list[Event]) -> list[Document]:
        """The documents that events of an execution make."""
        if not execution.traced:
            return []
        seen = self._seen.setdefault(execution.arn, _Seen())
        found: list[Document] = []
        for event in events:
            found += self._of(execution, seen, event)
        return found

    def _of(self, execution: ExecutionRecord, seen: _Seen, event: Event) -> list[Document]:
        kind = event.type
        if kind in ("ExecutionStarted", "ExecutionRedriven"):
            return [_segment(execution, None)]
        if kind in _OVER:
            self._seen.pop(execution.arn, None)
            left = [_state(execution, entered, event, failed=True) for entered in seen.states.values()]
            return [*left, _segment(execution, event)]
        owner = seen.owners.get(event.previous, 0)
        if kind.endswith("StateEntered"):
            owner = event.id
            seen.states[event.id] = event
        seen.owners[event.id] = owner
        if kind in _SCHEDULED:
            seen.tasks[owner] = event
        elif kind in _ENDED and (scheduled := seen.tasks.pop(owner, None)) is not None:
            return [_task(execution, owner, scheduled, event)]
        elif kind.endswith("StateExited") and (entered := _left(seen, owner, event)) is not None:
            return [_state(execution, entered, event)]
        return []


def _left(seen: _Seen, owner: int, event: Event) -> Event | None:
    """The Entered event of the state that is left: the one the events lead back to, else an open one of its name."""
    name = (event.details or {}).get("name")
    here = seen.states.get(owner)
    if here is None or (here.details or {}).get("name") != name:
        here = next((one for one in seen.states.values() if (one.details or {}).get("name") == name), None)
    if here is not None:
        del seen.states[here.id]
    return here


def _id(execution: ExecutionRecord, what: str) -> str:
    return blake2b(f"{execution.arn}/{what}".encode(), digest_size=8).hexdigest()


def _segment(execution: ExecutionRecord, over: Event | None) -> Document:
    trace = Trace.parse(execution.span, execution.started)
    arn = execution.arn.split(":")
    machine = ":".join([*arn[:5], "stateMachine", execution.machine])
    failed = over is not None and over.type != "ExecutionSucceeded"
    return {
        "id": _id(execution, "execution"),
        "name": execution.machine.partition("/")[0],
        "start_time": execution.started,
        **({"in_progress": True} if over is None else {"end_time": max(over.time, execution.started)}),
        **({"parent_id": execution.upstream} if execution.upstream else {}),
        "aws": {"account_id": arn[4], "execution_arn": execution.arn, "region": arn[3]},
        **({"fault": True, "cause": _cause(execution, over)} if failed and over is not None else {}),
        "trace_id": trace.root,
        "origin": "AWS::StepFunctions::StateMachine",
        "resource_arn": machine,
    }


def _cause(execution: ExecutionRecord, event: Event) -> Document:
    details = event.details or {}
    kind, message = details.get("error") or event.type, details.get("cause") or ""
    return {"exceptions": [{"id": _id(execution, f"cause/{event.id}"), "type": kind, "message": str(message)[:250]}]}


def _alone(execution: ExecutionRecord, parent: str, began: Event, ended: Event) -> Document:
    return {
        "type": "subsegment",
        "trace_id": Trace.parse(execution.span, execution.started).root,
        "parent_id": parent,
        "start_time": began.time,
        "end_time": max(ended.time, began.time),
    }


def _state(execution: ExecutionRecord, entered: Event, left: Event, *, failed: bool = False) -> Document:
    return {
        "id": _id(execution, f"state/{entered.id}"),
        "name": _NOT_IN_NAMES.sub("_", str((entered.details or {}).get("name", entered.type))),
        **_alone(execution, _id(execution, "execution"), entered, left),
        **({"fault": True} if failed and left.type != "ExecutionSucceeded" else {}),
    }


def _task(execution: ExecutionRecord, state: int, scheduled: Event, ended: Event) -> Document:
    details = scheduled.details or {}
    kind = str(details.get("resourceType", "lambda"))
    failed = not ended.type.endswith("Succeeded")
    return {
        "id": _id(execution, f"task/{scheduled.id}"),
        "name": _NAMES.get(kind, kind.removeprefix("aws-sdk:")),
        **_alone(execution, _id(execution, f"state/{state}"), scheduled, ended),
        "namespace": "aws",
        "aws": {"operation": details.get("resource", "invoke"), "region": execution.arn.split(":")[3]},
        **({"fault": True, "cause": _cause(execution, ended)} if failed else {}),
    }
