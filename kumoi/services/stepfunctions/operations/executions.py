"""Executions: started, described, listed, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.stepfunctions import stepfunctions, tracing
from kumoi.services.stepfunctions.charging import EXPRESS_MB, express_milliseconds
from kumoi.services.stepfunctions.effects import Effects
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.language.definition import Machine, compile_machine
from kumoi.services.stepfunctions.language.json_text import loads, too_deep, too_large
from kumoi.services.stepfunctions.lookup import (
    Found,
    definition_text,
    find_definition,
    find_execution,
    find_machine,
    place_of,
)
from kumoi.services.stepfunctions.naming import check_name, execution_arn, no_execution, not_supported, small_number
from kumoi.services.stepfunctions.paging import bad_token, read_token, token_of
from kumoi.services.stepfunctions.records import (
    HISTORY_SECONDS,
    ExecutionRecord,
    ExecutionStart,
    executions,
    starts,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

SCAN = 200
"""Executions read at once while a list looks for those that match."""
EXPRESS_SECONDS = 300.0
STANDARD_SECONDS = 365 * 86_400.0
_STATUSES = ("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING")


@stepfunctions.operation
async def start_execution(
    call: Call, stateMachineArn: str, name: str | None = None, input: str = "{}", traceHeader: str | None = None
) -> dict[str, Any]:
    """Start an execution; a Standard one of the same name and input that still runs is answered again."""
    found, text = await find_definition(call, stateMachineArn)
    execution, machine = await _prepare(call, found, text, name, input, traceHeader)
    engine = call.part(Engine)
    if execution.express:
        engine.launch(found.arn.account, found.arn.region, execution, machine)
        return {"executionArn": execution.arn, "startDate": execution.started}
    there, driver = await engine.start(found.arn.account, found.arn.region, execution, machine)
    if driver is not None or (there.status == "RUNNING" and there.input == execution.input):
        return {"executionArn": there.arn, "startDate": there.started}
    raise aws_error("ExecutionAlreadyExists", f"Execution Already Exists: '{execution.arn}'")


@stepfunctions.operation
async def start_sync_execution(
    call: Call,
    stateMachineArn: str,
    name: str | None = None,
    input: str = "{}",
    traceHeader: str | None = None,
    includedData: str = "ALL_DATA",
) -> dict[str, Any]:
    """Run an Express state machine and answer what it came to."""
    found, text = await find_definition(call, stateMachineArn)
    if found.machine.type != "EXPRESS":
        raise not_supported()
    execution, machine = await _prepare(call, found, text, name, input, traceHeader)
    driver = call.part(Engine).launch(found.arn.account, found.arn.region, execution, machine)
    ended = await asyncio.shield(driver.finished)
    assert ended.stopped is not None
    answer: dict[str, Any] = {
        "executionArn": ended.arn,
        "stateMachineArn": stateMachineArn.partition("#")[0],
        "name": ended.name,
        "startDate": ended.started,
        "stopDate": ended.stopped,
        "status": ended.status,
        "billingDetails": {
            "billedMemoryUsedInMB": EXPRESS_MB,
            "billedDurationInMilliseconds": express_milliseconds(ended),
        },
    }
    if includedData == "ALL_DATA":
        answer |= {"input": ended.input, "inputDetails": {"included": True}}
        if ended.output is not None:
            answer |= {"output": ended.output, "outputDetails": {"included": True}}
    return answer | _failure(ended)


async def _prepare(
    call: Call, found: Found, text: str, name: str | None, given: str, trace: str | None
) -> tuple[ExecutionRecord, Machine]:
    """A new execution's record; InvalidName, InvalidExecutionInput."""
    if name is not None:
        check_name(name)
    check_input(given)
    machine = compile_machine(text)
    if found.arn.mock is not None:
        call.part(Effects).mocks.check(found.machine.name, found.arn.mock)
    express = found.machine.type == "EXPRESS"
    name = name or uuid()
    base = f"arn:aws:states:{found.arn.region}:{found.arn.account}"
    arn = f"{base}:execution:{found.machine.name}:{name}"
    if express:
        arn = f"{base}:express:{found.machine.name}:{name}:{uuid()}"
    longest = EXPRESS_SECONDS if express else STANDARD_SECONDS
    machine_arn = f"{base}:stateMachine:{found.machine.name}"
    traced = await tracing.begin(call, found.machine, machine_arn, trace)
    execution = ExecutionRecord(
        machine=found.machine.name,
        name=name,
        arn=arn,
        express=express,
        hash=found.hash,
        role=found.role,
        input=given,
        status="RUNNING",
        started=round(call.now, 3),
        version_arn=None if found.version is None else f"{machine_arn}:{found.version.number}",
        alias_arn=None if found.alias is None else f"{machine_arn}:{found.alias.name}",
        trace=trace,
        span=call.trace.header(call.span),
        deadline=call.now + min(machine.timeout or longest, longest),
        mock=found.arn.mock,
        traced=traced,
        upstream=call.trace.segment(call.span) if traced else "",
    )
    return execution, machine


def check_input(text: str) -> None:
    """Raise InvalidExecutionInput for what is no JSON, or too large."""
    if too_large(text):
        raise _invalid_input("Input is longer than 262144 bytes")
    try:
        loads(text)
    except ValueError as error:
        raise _invalid_input(f"Unrecognized token: {error}") from None
    if too_deep(text):
        raise _invalid_input("Input is nested too deeply")


def _invalid_input(why: str) -> Exception:
    return aws_error("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{why}'")


@stepfunctions.operation
async def describe_execution(call: Call, executionArn: str, includedData: str = "ALL_DATA") -> dict[str, Any]:
    """An execution: its status, input, and what it came to."""
    parsed = execution_arn(executionArn)
    if parsed.express:
        raise not_supported_arn()
    _, one = await find_execution(call, executionArn)
    if one.stopped is not None and one.stopped < call.now - HISTORY_SECONDS:
        raise no_execution(executionArn)
    answer: dict[str, Any] = {
        "executionArn": one.arn,
        "stateMachineArn": f"{executionArn.split(':execution:')[0]}:stateMachine:{one.machine}",
        "name": one.name,
        "status": one.status,
        "startDate": one.started,
        "redriveCount": one.redrives,
        **redrive_status(one),
    }
    if includedData == "ALL_DATA":
        answer |= {"input": one.input, "inputDetails": {"included": True}}
        if one.output is not None:
            answer |= {"output": one.output, "outputDetails": {"included": True}}
    optional = {
        "stopDate": one.stopped,
        "traceHeader": one.trace,
        "mapRunArn": one.map_run,
        "stateMachineVersionArn": one.version_arn,
        "stateMachineAliasArn": one.alias_arn,
        "redriveDate": one.redriven,
    }
    return answer | {key: value for key, value in optional.items() if value is not None} | _failure(one)


def redrive_status(one: ExecutionRecord) -> dict[str, str]:
    """Whether an execution can be redriven, and if not, why."""
    if one.map_run is not None and one.status in ("FAILED", "ABORTED", "TIMED_OUT"):
        return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    if one.status in ("FAILED", "ABORTED", "TIMED_OUT"):
        return {"redriveStatus": "REDRIVABLE"}
    reason = f"Execution is {one.status} and cannot be redriven"
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def not_supported_arn() -> Exception:
    """InvalidArn for an Express execution where only Standard ones are described."""
    return aws_error("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")


def _failure(one: ExecutionRecord) -> dict[str, str]:
    found = {"error": one.error, "cause": one.cause}
    return {name: text for name, text in found.items() if text is not None}


@stepfunctions.operation
async def list_executions(
    call: Call,
    stateMachineArn: str | None = None,
    mapRunArn: str | None = None,
    statusFilter: str | None = None,
    maxResults: int = 0,
    nextToken: str | None = None,
    redriveFilter: str | None = None,
) -> dict[str, Any]:
    """The executions of a state machine or a map run, the newest first."""
    if (stateMachineArn is None) == (mapRunArn is None):
        raise aws_error("ValidationException", "Must provide either a state machine ARN or a map run ARN, not both")
    if statusFilter is not None and statusFilter not in _STATUSES:
        raise aws_error(
            "ValidationException",
            f"1 validation error detected: Value '{statusFilter}' at 'statusFilter' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(_STATUSES)}]",
        )
    qualified: str | None = None
    if stateMachineArn is not None:
        found = await find_machine(call, stateMachineArn)
        if found.machine.type == "EXPRESS":
            raise not_supported()
        state, owner = place_of(call, found.arn), found.machine.name
        qualified = stateMachineArn if found.arn.qualifier is not None else None
    else:
        assert mapRunArn is not None
        state, owner = call.state, mapRunArn

    def matches(one: ExecutionRecord) -> bool:
        return (
            (statusFilter is None or one.status == statusFilter)
            and (qualified is None or qualified in (one.version_arn, one.alias_arn))
            and (redriveFilter is None or (redriveFilter == "REDRIVEN") == (one.redrives > 0))
        )

    after = None if nextToken is None else _place(owner, nextToken)
    shown, last = await _executions(state, owner, after, maxResults or 100, matches)
    more = {} if last is None else {"nextToken": token_of(f"{last.micros}/{last.name}")}
    return {"executions": [_listed(one) for one in shown], **more}


def _place(owner: str, token: str) -> tuple[str, int, str]:
    """Where a page begins."""
    micros, slash, name = read_token(token).partition("/")
    began = small_number(micros, 18)
    if not slash or began is None:
        raise bad_token(token)
    return owner, began, name


def _listed(one: ExecutionRecord) -> dict[str, Any]:
    base = one.arn.split(":execution:")[0]
    listed: dict[str, Any] = {
        "executionArn": one.arn,
        "stateMachineArn": f"{base}:stateMachine:{one.machine}",
        "name": one.name,
        "status": one.status,
        "startDate": one.started,
        "redriveCount": one.redrives,
    }
    optional = {
        "stopDate": one.stopped,
        "mapRunArn": one.map_run,
        "itemCount": one.item_count,
        "stateMachineVersionArn": one.version_arn,
        "stateMachineAliasArn": one.alias_arn,
        "redriveDate": one.redriven,
    }
    return listed | {key: value for key, value in optional.items() if value is not None}


@transactional
async def _executions(
    tx: Transaction,
    owner: str,
    after: tuple[str, int, str] | None,
    limit: int,
    matches: Callable[[ExecutionRecord], bool],
) -> tuple[list[ExecutionRecord], ExecutionStart | None]:
    """Up to `limit` executions that match, the newest first, and the last of them where more follow."""
    found: list[tuple[ExecutionRecord, ExecutionStart]] = []
    while rows := await starts.list(tx, owner, after=after, limit=SCAN, reverse=True):
        for start in rows:
            one = await executions.get(tx, start.machine, start.name)
            if one is not None and matches(one):
                found.append((one, start))
            if len(found) > limit:
                return [one for one, _ in found[:limit]], found[limit - 1][1]
        after = (owner, rows[-1].micros, rows[-1].name)
    return [one for one, _ in found], None


@stepfunctions.operation
async def stop_execution(
    call: Call, executionArn: str, error: str | None = None, cause: str | None = None
) -> dict[str, Any]:
    """Stop a Standard execution that runs; one that has ended stays as it is."""
    if execution_arn(executionArn).express:
        raise not_supported()
    _, one = await find_execution(call, executionArn)
    if one.status == "RUNNING":
        await call.part(Engine).abort(executionArn, error, cause)
        _, one = await find_execution(call, executionArn)
    return {"stopDate": one.stopped if one.stopped is not None else call.now}


@stepfunctions.operation
async def describe_state_machine_for_execution(
    call: Call, executionArn: str, includedData: str = "ALL_DATA"
) -> dict[str, Any]:
    """The state machine as it was when an execution of it began."""
    parsed, one = await find_execution(call, executionArn)
    base = executionArn.split(":execution:")[0]
    found = await find_machine(call, f"{base}:stateMachine:{parsed.machine}")
    answer: dict[str, Any] = {
        "stateMachineArn": f"{base}:stateMachine:{one.machine}",
        "name": parsed.machine,
        "roleArn": one.role,
        "updateDate": found.machine.updated,
        "loggingConfiguration": found.machine.logging,
        "tracingConfiguration": found.machine.tracing,
        "encryptionConfiguration": found.machine.encryption,
    }
    if includedData == "ALL_DATA":
        answer["definition"] = await definition_text(place_of(call, found.arn), one.hash)
    if one.map_run is not None:
        answer |= {"mapRunArn": one.map_run, "label": parsed.label}
    if found.machine.revision and found.machine.hash == one.hash:
        answer["revisionId"] = found.machine.revision
    return answer
