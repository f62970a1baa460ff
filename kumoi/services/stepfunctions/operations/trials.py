"""TestState: one state run alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.stepfunctions import data_flow, stepfunctions
from kumoi.services.stepfunctions.effects import Effects
from kumoi.services.stepfunctions.integrations import TaskCall, TaskError
from kumoi.services.stepfunctions.language.definition import Flow, Machine, State, compile_state
from kumoi.services.stepfunctions.language.diagnostics import ERROR, error_text
from kumoi.services.stepfunctions.language.errors import StateError
from kumoi.services.stepfunctions.language.json_text import loads
from kumoi.services.stepfunctions.language.validation import check_state
from kumoi.services.stepfunctions.mock_schema import problem
from kumoi.services.stepfunctions.operations.executions import check_input
from kumoi.services.stepfunctions.records import ExecutionRecord, Frame
from kumoi.services.stepfunctions.run import Run
from kumoi.services.stepfunctions.task_events import resource_of
from kumoi.services.stepfunctions.trial import Trial, inspect
from kumoi.wire.errors import AwsError, aws_error

_WORK = ("Task", "Parallel", "Map")


@stepfunctions.operation
async def test_state(
    call: Call,
    definition: str,
    roleArn: str | None = None,
    input: str = "{}",
    inspectionLevel: str = "INFO",
    revealSecrets: bool = False,
    variables: str | None = None,
    stateName: str | None = None,
    mock: dict[str, Any] | None = None,
    context: str | None = None,
    stateConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run one state with an input; a task is mocked, or made for real in a role."""
    check_input(input)
    name, body, jsonata = _chosen(definition, stateName)
    found = check_state(name, body, jsonata=jsonata)
    if any(one.severity == ERROR for one in found):
        raise aws_error("InvalidDefinition", f"Invalid State Machine Definition: '{error_text(found)}'")
    state = compile_state(name, body, jsonata=jsonata)
    _check_mock(state, mock, roleArn)
    _check_result(call, state, mock)
    trial, frame = _trial(call, state, roleArn, input, (variables, context), stateConfiguration or {})
    result, has_result = await _run(call, trial, frame, state, mock)
    finding = trial.finding
    shown = {"output": finding.output, "error": finding.error, "cause": finding.cause, "nextState": finding.next_state}
    answer: dict[str, Any] = {"status": finding.status}
    answer |= {key: one for key, one in shown.items() if one is not None}
    if inspectionLevel != "INFO":
        inspected = partial(inspect, state, trial.view(frame), result, has_result=has_result)
        steps: dict[str, Any] = dict(await asyncio.to_thread(inspected))
        if frame.variables:
            steps["variables"] = orjson.dumps(frame.variables).decode()
        if finding.details:
            steps["errorDetails"] = finding.details
        answer["inspectionData"] = steps
    return answer


def _chosen(definition: str, name: str | None) -> tuple[str, Any, bool]:
    """The state to try: the definition itself, or one of a machine's, and whether it is JSONata by default."""
    try:
        document = orjson.loads(definition)
    except orjson.JSONDecodeError as error:
        raise _invalid(str(error)) from None
    if not isinstance(document, dict):
        raise _invalid("Definition must be a valid JSON object")
    if "States" not in document:
        return name or "State", document, False
    if name is None:
        raise _refused("stateName is required when the definition is a state machine")
    pending: list[Any] = [document]
    while pending:
        flow = pending.pop()
        states = flow.get("States") if isinstance(flow, dict) else None
        for key, body in states.items() if isinstance(states, dict) else ():
            if key == name:
                return name, body, document.get("QueryLanguage") == "JSONata"
            if isinstance(body, dict):
                branches = body.get("Branches")
                pending += branches if isinstance(branches, list) else []
                pending += [body[one] for one in ("ItemProcessor", "Iterator") if one in body]
    raise _refused("State not found in definition")


def _check_mock(state: State, mock: dict[str, Any] | None, role: str | None) -> None:
    if mock is not None:
        given = [one for one in ("result", "errorOutput") if one in mock]
        if len(given) > 1:
            raise _refused("A test mock should have only one of the following fields: [result, errorOutput].")
        if state.type not in _WORK and given:
            raise _refused(f"State type '{state.type}' is not supported when a mock is specified")
        try:
            loads(mock.get("result", "{}"))
        except ValueError:
            raise _refused("Mock result must be valid JSON") from None
        return
    if state.type in ("Map", "Parallel"):
        raise _refused(f"State type '{state.type}' is not supported without a mock")
    if state.type == "Task":
        resource = resource_of(state)
        if role is None:
            raise _refused("Must provide roleArn or mock")
        if resource.waits or resource.kind == "activity":
            raise _refused(f"Resource '{resource.arn}' is not supported without a mock")


def _check_result(call: Call, state: State, mock: dict[str, Any] | None) -> None:
    """Refuse a mocked result that the operation could not answer."""
    if mock is None or "result" not in mock or state.type != "Task":
        return
    resource = resource_of(state)
    if resource.kind != "service" or resource.waits:
        return
    shape = call.part(Effects).output_shape(resource)
    if shape is not None:
        found = problem(shape, loads(mock["result"]), mock.get("fieldValidationMode", "STRICT"))
        if found is not None:
            raise _refused(found)


def _invalid(why: str) -> AwsError:
    return aws_error("InvalidDefinition", f"Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: {why}'")


def _refused(why: str) -> AwsError:
    return aws_error("ValidationException", why)


def _trial(
    call: Call,
    state: State,
    role: str | None,
    given: str,
    objects: tuple[str | None, str | None],
    configuration: dict[str, Any],
) -> tuple[Trial, Frame]:
    try:
        variables, context = (loads(text or "{}") for text in objects)
    except ValueError:
        raise _refused("variables and context must be JSON objects") from None
    if not isinstance(variables, dict) or not isinstance(context, dict):
        raise _refused("variables and context must be JSON objects")
    name = uuid()
    record = ExecutionRecord(
        machine="test",
        name=name,
        arn=f"arn:aws:states:{call.region}:{call.account}:express:test:{name}:{uuid()}",
        express=True,
        hash="",
        role=role or "",
        input=given,
        status="RUNNING",
        started=call.now,
    )
    run = Run(record, Machine(Flow(state.name, {state.name: state}), state.jsonata, None, {state.name: state}))
    retries = int(configuration.get("retrierRetryCount", 0))
    trial = Trial(run, call.doorway.clock.now, call.region, context, retries)
    frame = run.add(Frame(id=0, state=state.name, input=run.input, variables=variables, entered=call.now))
    frame.counts = [retries] * len(state.retry)
    return trial, frame


async def _run(call: Call, trial: Trial, frame: Frame, state: State, mock: dict[str, Any] | None) -> tuple[Any, bool]:
    """Run the state; its result, and whether there is one. On threads, since JSONata may take long."""

    async def attempt(action: Callable[[], None]) -> None:
        await asyncio.to_thread(trial.attempt, frame, action)

    if state.type not in _WORK:
        await attempt(partial(trial.begin_state, frame))
        return None, False
    failure = None if mock is None else mock.get("errorOutput")
    if failure is not None:
        await attempt(partial(trial.fail_state, frame, failure.get("error", ""), failure.get("cause")))
        return None, False
    try:
        request = None
        if state.type != "Map":
            request = await asyncio.to_thread(data_flow.effective_input, state, trial.view(frame))
        result = await _perform(call, trial, state, request) if mock is None else loads(mock.get("result", "{}"))
    except StateError as error:
        await attempt(partial(trial.state_error, frame, error))
        return None, False
    except TaskError as error:
        await attempt(partial(trial.fail_state, frame, error.error, error.cause))
        return None, False
    await attempt(partial(trial.complete, frame, result))
    return result, True


async def _perform(call: Call, trial: Trial, state: State, request: Any) -> Any:
    execution = trial.run.execution
    task = TaskCall(
        resource=resource_of(state),
        request=request,
        key=uuid(),
        execution=execution.arn,
        machine="test",
        account=call.account,
        region=call.region,
        role=execution.role,
        trace=call.trace,
        durable=False,
    )
    try:
        return (await call.part(Effects).perform(task)).output
    except AwsError as error:
        raise TaskError("States.TaskFailed", f"{error.code}: {error.message}") from None
