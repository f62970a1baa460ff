"""Task states: the events around a call, a callback, an activity or a job, and what is asked of whom.

A function named by its ARN has events of its own (LambdaFunction…), so have activities; all else is Task….
"""

from __future__ import annotations

import secrets
from typing import Any

from kumoi.services.stepfunctions import data_flow
from kumoi.services.stepfunctions.language import errors, jsonata_expression
from kumoi.services.stepfunctions.language.definition import State
from kumoi.services.stepfunctions.language.errors import StateError, runtime
from kumoi.services.stepfunctions.language.json_text import dumps, loads, too_large
from kumoi.services.stepfunctions.language.resources import Resource, parse_resource
from kumoi.services.stepfunctions.records import Frame
from kumoi.services.stepfunctions.stepping import Stepping

_PREFIX = {"function": "LambdaFunction", "activity": "Activity", "service": "Task"}


def resource_of(state: State) -> Resource:
    """What a Task's Resource names."""
    resource = parse_resource(state.resource)
    assert resource is not None, "the definition was checked"
    return resource


def new_token() -> str:
    """A task token."""
    return "AQCkAAAAKgAAAAMAAAAAAAAAA" + secrets.token_urlsafe(96)


class TaskEvents(Stepping):
    """The part of the interpreter that runs tasks."""

    def start_task(self, frame: Frame, state: State) -> None:
        """Begin an attempt of a task: what it asks is noted, and an effect left behind."""
        run, resource = self.run, resource_of(state)
        if resource.kind == "activity" or resource.pattern == ".waitForTaskToken":
            frame.token = new_token()
        request = data_flow.effective_input(state, self.view(frame))
        text = dumps(request)
        if too_large(text):
            raise too_much(state.name)
        timeout = self._seconds(frame, state, "TimeoutSeconds")
        beat = self._seconds(frame, state, "HeartbeatSeconds")
        frame.role = self._role(frame, state)
        now = self.now()
        frame.timeout = None if timeout is None else now + timeout
        frame.beat = beat
        frame.heartbeat = None if beat is None or resource.kind == "function" else now + beat
        frame.request, frame.early, frame.job = request, None, None
        details = self._scheduled(frame, resource, text, timeout, beat)
        kind = _PREFIX[resource.kind]
        frame.scheduled = frame.previous = run.emit(now, f"{kind}Scheduled", frame.previous, details)
        if resource.kind == "function":
            frame.previous = run.emit(now, "LambdaFunctionStarted", frame.previous)
        elif resource.kind == "service":
            frame.previous = run.emit(now, "TaskStarted", frame.previous, _about(resource))
        frame.phase = "callback" if resource.kind == "activity" else "call"
        if frame.token is not None:
            run.changes.tokens.append(frame.id)
        if frame.phase == "call":
            run.changes.effects.append(frame.id)
        run.touch(frame)

    def _scheduled(
        self, frame: Frame, resource: Resource, text: str, timeout: int | None, beat: int | None
    ) -> dict[str, Any]:
        if resource.kind == "service":
            region = resource.arn.split(":")[3] or self.region
            details = {**_about(resource), "region": region, "parameters": text}
        else:
            details = {"resource": resource.arn, "input": text}
        if timeout is not None:
            details["timeoutInSeconds"] = timeout
        if beat is not None and resource.kind != "function":
            details["heartbeatInSeconds"] = beat
        if frame.role is not None:
            details["taskCredentials"] = {"roleArn": frame.role}
        return details

    def _seconds(self, frame: Frame, state: State, field: str) -> int | None:
        if state.has(f"{field}Path") and not state.jsonata:
            value = self.dynamic(frame, state, f"{field}Path")
            if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
                raise runtime(
                    f"The {field}Path parameter does not reference a positive integer: "
                    f"{state.fields[f'{field}Path']} == {dumps(value)}"
                )
            return value
        if not state.has(field):
            return None
        value = state.fields[field]
        if state.jsonata:
            value = data_flow.jsonata(self.view(frame), value, field)
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise jsonata_expression.wrong_type(str(state.fields[field]), field, "number", value)
        return int(value)

    def _role(self, frame: Frame, state: State) -> str | None:
        if not state.has("Credentials"):
            return None
        view = self.view(frame)
        if state.jsonata:
            given = data_flow.jsonata(view, state.fields["Credentials"], "Credentials")
        else:
            given = state.expressions["Credentials"](view.scope(frame.input))
        role = given.get("RoleArn")
        if not isinstance(role, str):
            raise runtime("The Credentials' RoleArn is not a string")
        return role

    def waits(self, frame: Frame) -> bool:
        """Whether a task goes on waiting after its call was answered."""
        return resource_of(self.run.state_of(frame)).waits

    def emit_submitted(self, frame: Frame, state: State, text: str) -> None:
        """The call of a task that goes on waiting was answered."""
        resource = resource_of(state)
        details = {**_about(resource), "output": text}
        frame.previous = self.run.emit(self.now(), "TaskSubmitted", frame.previous, details)

    def emit_succeeded(self, frame: Frame, state: State, text: str) -> None:
        """An attempt has succeeded; States.DataLimitExceeded where it gave too much."""
        resource = resource_of(state)
        if too_large(text):
            raise too_much(_limit_name(state, resource))
        details: dict[str, Any] = {"output": text}
        if resource.kind == "service":
            details = {**_about(resource), **details}
        kind = _PREFIX[resource.kind]
        frame.previous = self.run.emit(self.now(), f"{kind}Succeeded", frame.previous, details)

    def emit_failed(self, frame: Frame, state: State, error: str | None, cause: str | None) -> None:
        """An attempt has failed."""
        self._emit_end(frame, state, "Failed", error, cause)

    def emit_timed_out(self, frame: Frame, state: State) -> None:
        """An attempt took too long, or its worker fell silent."""
        self._emit_end(frame, state, "TimedOut", errors.TIMEOUT, None)

    def _emit_end(self, frame: Frame, state: State, how: str, error: str | None, cause: str | None) -> None:
        resource = resource_of(state)
        details: dict[str, Any] = _about(resource) if resource.kind == "service" else {}
        details |= {name: text for name, text in (("error", error), ("cause", cause)) if text is not None}
        kind = _PREFIX[resource.kind]
        frame.previous = self.run.emit(self.now(), f"{kind}{how}", frame.previous, details)

    @staticmethod
    def result_of(text: str) -> Any:
        """A task's result as a value."""
        return loads(text)


def _about(resource: Resource) -> dict[str, Any]:
    return {"resourceType": resource.type, "resource": resource.name}


def _limit_name(state: State, resource: Resource) -> str:
    if resource.kind == "function":
        return resource.arn
    return "lambda" if resource.type == "lambda" else state.name


def too_much(name: str) -> StateError:
    """States.DataLimitExceeded for a result."""
    return StateError(
        errors.DATA_LIMIT,
        f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit.",
    )
