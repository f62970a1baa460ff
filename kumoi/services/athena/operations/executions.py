"""Executions: started, told, listed, stopped."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.athena import athena
from kumoi.services.athena.commands import Execute, Statement, kind_of
from kumoi.services.athena.errors import StatementFailed, invalid
from kumoi.services.athena.history import FORGET, KEPT
from kumoi.services.athena.operations.work_groups import ENGINE, work_group
from kumoi.services.athena.places import Asker, Location
from kumoi.services.athena.records import (
    PRIMARY,
    Execution,
    Listed,
    Token,
    Unfinished,
    WorkGroup,
    executions,
    listed,
    prepared,
    tokens,
    unfinished,
)
from kumoi.services.athena.runner import Job, Runner
from kumoi.services.athena.statements import read
from kumoi.state import State, Transaction, transactional

_PAGE = 50


@athena.operation
async def start_query_execution(
    call: Call,
    QueryString: str,
    ClientRequestToken: str | None = None,
    QueryExecutionContext: dict[str, str] | None = None,
    ResultConfiguration: dict[str, Any] | None = None,
    WorkGroup: str = PRIMARY,
    ExecutionParameters: list[str] | None = None,
    ResultReuseConfiguration: dict[str, Any] | None = None,
    EngineConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Begin to run a statement. The same request with the same token is one."""
    group = await work_group(call.state, WorkGroup)
    if group.state != "ENABLED":
        raise invalid(f"WorkGroup {WorkGroup} is disabled.")
    catalog = (QueryExecutionContext or {}).get("Catalog", "AwsDataCatalog")
    if catalog.lower() != "awsdatacatalog":
        raise invalid(f"Data catalog {catalog} is not found: Kumoi has AwsDataCatalog.")
    location = _location(group, ResultConfiguration or {})
    try:
        statement = await _statement(call.state, WorkGroup, QueryString, ExecutionParameters or [])
        Location.of(location)
    except StatementFailed as error:
        raise invalid(str(error).replace("SYNTAX_ERROR: ", "")) from None
    execution = Execution(
        id=uuid(),
        query=QueryString,
        kind=kind_of(statement),
        work_group=WorkGroup,
        database=(QueryExecutionContext or {}).get("Database", "default"),
        location=location,
        submitted=call.now,
        parameters=tuple(ExecutionParameters or ()),
        token=ClientRequestToken,
    )
    known = await _create(call.state, execution)
    if known.id != execution.id:
        if known.query != QueryString:
            raise invalid("Idempotent parameters do not match")
        return {"QueryExecutionId": known.id}
    call.part(Runner).start(Job(call.state, execution, statement, Asker.of(call)), call.account)
    return {"QueryExecutionId": execution.id}


@athena.operation
async def get_query_execution(call: Call, QueryExecutionId: str) -> dict[str, Any]:
    """An execution."""
    return {"QueryExecution": _shown(await execution_of(call.state, QueryExecutionId), call.now)}


@athena.operation
async def batch_get_query_execution(call: Call, QueryExecutionIds: list[str]) -> dict[str, Any]:
    """Executions; those that are not there are told."""
    found = {one.id: one for one in await _some(call.state, QueryExecutionIds)}
    missing = [
        {
            "QueryExecutionId": name,
            "ErrorCode": "INVALID_INPUT",
            "ErrorMessage": f"QueryExecution {name} was not found",
        }
        for name in QueryExecutionIds
        if name not in found
    ]
    shown = [_shown(found[name], call.now) for name in QueryExecutionIds if name in found]
    return {"QueryExecutions": shown, "UnprocessedQueryExecutionIds": missing}


@athena.operation
async def list_query_executions(
    call: Call, WorkGroup: str = PRIMARY, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """The executions of a work group, the newest first."""
    await work_group(call.state, WorkGroup)
    most = MaxResults or _PAGE
    found = await _of_group(call.state, WorkGroup, _position(NextToken), most + 1)
    more = {"NextToken": _token(found[most - 1])} if len(found) > most else {}
    return {"QueryExecutionIds": [one.id for one in found[:most]], **more}


@athena.operation
async def stop_query_execution(call: Call, QueryExecutionId: str) -> dict[str, Any]:
    """Stop an execution; one that has ended stays as it is."""
    await execution_of(call.state, QueryExecutionId)
    await call.part(Runner).cancel(QueryExecutionId)
    return {}


@athena.operation
async def get_query_runtime_statistics(call: Call, QueryExecutionId: str) -> dict[str, Any]:
    """Times and sizes of an execution."""
    one = await execution_of(call.state, QueryExecutionId)
    timeline = _statistics(one, call.now)
    shown = {name: timeline[name] for name in ("QueryQueueTimeInMillis", "TotalExecutionTimeInMillis")}
    shown["EngineExecutionTimeInMillis"] = timeline["EngineExecutionTimeInMillis"]
    return {"QueryRuntimeStatistics": {"Timeline": shown, "Rows": {"InputBytes": one.scanned}}}


def _token(one: Listed) -> str:
    return base64.b64encode(f"{one.submitted}/{one.id}".encode()).decode()


def _position(token: str | None) -> tuple[int, str] | None:
    """When the last execution of the page before was submitted, and its id."""
    if token is None:
        return None
    try:
        submitted, _, name = base64.b64decode(token, validate=True).decode().partition("/")
        return int(submitted), name
    except ValueError:
        raise invalid("The NextToken is not valid.") from None


def _location(group: WorkGroup, given: dict[str, Any]) -> str:
    """Where the answer goes: as the work group says where it insists, else as asked."""
    own = (group.configuration.get("ResultConfiguration") or {}).get("OutputLocation")
    insists = group.configuration.get("EnforceWorkGroupConfiguration", True)
    location = (own if insists else None) or given.get("OutputLocation") or own
    if not location:
        raise invalid(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    return str(location)


async def _statement(state: State, group: str, text: str, parameters: Sequence[str]) -> Statement:
    statement = await asyncio.to_thread(read, text)
    if isinstance(statement, Execute):
        query = await _prepared(state, group, statement.name)
        return await asyncio.to_thread(lambda: read(_bound(query, statement.parameters or parameters)))
    return await asyncio.to_thread(lambda: read(_bound(text, parameters))) if parameters else statement


def _bound(text: str, parameters: Sequence[str]) -> str:
    """A statement with its question marks replaced; those in texts and names stay."""
    pieces = re.split(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")", text)
    left = list(parameters)

    def replaced(piece: str) -> str:
        return re.sub(r"\?", lambda _: left.pop(0) if left else "?", piece)

    bound = "".join(piece if at % 2 else replaced(piece) for at, piece in enumerate(pieces))
    wanted = sum(piece.count("?") for at, piece in enumerate(pieces) if at % 2 == 0)
    if wanted != len(parameters):
        raise StatementFailed(f"Incorrect number of parameters: expected {wanted} but found {len(parameters)}")
    return bound


def _shown(one: Execution, now: float) -> dict[str, Any]:
    status: dict[str, Any] = {"State": one.state, "SubmissionDateTime": one.submitted}
    if one.completed is not None:
        status["CompletionDateTime"] = one.completed
    if one.reason is not None:
        status["StateChangeReason"] = one.reason
    if one.state == "FAILED":
        status["AthenaError"] = {
            "ErrorCategory": 1 if (one.reason or "").startswith("INTERNAL_ERROR") else 2,
            "ErrorType": 1 if (one.reason or "").startswith("INTERNAL_ERROR") else 1006,
            "Retryable": (one.reason or "").startswith("Kumoi was stopped"),
            "ErrorMessage": one.reason,
        }
    found: dict[str, Any] = {
        "QueryExecutionId": one.id,
        "Query": one.query,
        "StatementType": one.kind,
        "ResultConfiguration": {"OutputLocation": output_url(one)},
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": {"Database": one.database, "Catalog": "awsdatacatalog"},
        "Status": status,
        "Statistics": _statistics(one, now),
        "WorkGroup": one.work_group,
        "EngineVersion": ENGINE,
    }
    return {**found, "ExecutionParameters": list(one.parameters)} if one.parameters else found


def output_url(one: Execution) -> str:
    """Where the answer of an execution is, or will be."""
    place = Location.of(one.location)
    ending = "csv" if one.kind == "DML" else "txt"
    return f"s3://{place.bucket}/{one.output or place.key(f'{one.id}.{ending}')}"


def _statistics(one: Execution, now: float) -> dict[str, Any]:
    end = now if one.completed is None else one.completed
    begun = end if one.begun is None else one.begun
    manifest = f"s3://{Location.of(one.location).bucket}/{one.manifest}"
    return {
        "EngineExecutionTimeInMillis": round((end - begun) * 1000),
        "DataScannedInBytes": one.scanned,
        **({} if one.manifest is None else {"DataManifestLocation": manifest}),
        "TotalExecutionTimeInMillis": round((end - one.submitted) * 1000),
        "QueryQueueTimeInMillis": round((begun - one.submitted) * 1000),
        "ServiceProcessingTimeInMillis": 0,
        "ResultReuseInformation": {"ReusedPreviousResult": False},
    }


@transactional
async def execution_of(tx: Transaction, name: str) -> Execution:
    """An execution; InvalidRequestException."""
    found = await executions.get(tx, name)
    if found is None:
        raise invalid(f"QueryExecution {name} was not found")
    return found


@transactional
async def _create(tx: Transaction, made: Execution) -> Execution:
    if made.token is not None:
        known = await tokens.get(tx, made.token)
        found = await executions.get(tx, known.id) if known is not None else None
        if found is not None:
            return found
        await tokens.put(tx, Token(made.token, made.id))
    await executions.put(tx, made)
    await listed.put(tx, Listed(made.work_group, int(made.submitted * 1000), made.id))
    await unfinished.put(tx, Unfinished(made.id, tx.account, tx.region))
    tx.timer(made.submitted + KEPT, FORGET, made.id.encode(), key=made.id)
    return made


@transactional
async def _some(tx: Transaction, names: Sequence[str]) -> list[Execution]:
    return [found for name in names if (found := await executions.get(tx, name)) is not None]


@transactional
async def _of_group(tx: Transaction, group: str, after: tuple[int, str] | None, most: int) -> list[Listed]:
    bound = None if after is None else (group, *after)
    return await listed.list(tx, group, after=bound, limit=most, reverse=True)


@transactional
async def _prepared(tx: Transaction, group: str, name: str) -> str:
    found = await prepared.get(tx, group, name)
    if found is None:
        raise invalid(f"PreparedStatement {name} was not found in workGroup {group}")
    return found.query
