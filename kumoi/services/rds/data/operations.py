"""The Data API's operations: one statement, a batch, and transactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.rds import rds_data
from kumoi.services.rds.data.database import Result
from kumoi.services.rds.data.dialect import Statement, translate
from kumoi.services.rds.data.failures import bad_request, database_error, refusal
from kumoi.services.rds.data.fields import Column, Value, bound, field, metadata, plain
from kumoi.services.rds.data.parsing import Engine, Refused
from kumoi.services.rds.data.transactions import Databases
from kumoi.services.rds.naming import ENGINES, databases_of, parse_arn
from kumoi.services.rds.records import Cluster, clusters
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a request works: `directory` names the cluster's files, `fixed` the databases that are always there."""

    directory: str
    engine: Engine
    database: str
    fixed: frozenset[str]


@rds_data.operation
async def execute_statement(
    call: Call,
    resourceArn: str,
    secretArn: str,
    sql: str,
    database: str | None = None,
    schema: str | None = None,
    parameters: list[dict[str, Any]] | None = None,
    transactionId: str | None = None,
    includeResultMetadata: bool = False,
    continueAfterTimeout: bool = False,
    resultSetOptions: dict[str, str] | None = None,
    formatRecordsAs: str | None = None,
) -> dict[str, Any]:
    """Run one statement, by itself or in a transaction."""
    place = await _place(call, resourceArn, secretArn, database)
    statement = _translated(sql, place)
    if statement.kind == "database":
        return await _database(call, place, statement)
    (result,) = await _run(call, place, statement, [bound(parameters or ())], transactionId)
    return _answer(result, statement, place, includeResultMetadata, resultSetOptions or {}, formatRecordsAs)


@rds_data.operation
async def batch_execute_statement(
    call: Call,
    resourceArn: str,
    secretArn: str,
    sql: str,
    database: str | None = None,
    schema: str | None = None,
    parameterSets: list[list[dict[str, Any]]] | None = None,
    transactionId: str | None = None,
) -> dict[str, Any]:
    """Run one statement for each set of parameters; all of them or, where one fails, none."""
    place = await _place(call, resourceArn, secretArn, database)
    statement = _translated(sql, place)
    if statement.kind not in ("write", "schema"):
        raise bad_request("Batch execution takes statements that change data.")
    sets = [bound(one) for one in parameterSets or [[]]]
    results = await _run(call, place, statement, sets, transactionId)
    return {"updateResults": [{"generatedFields": _generated(one, place)} for one in results]}


@rds_data.operation
async def begin_transaction(
    call: Call, resourceArn: str, secretArn: str, database: str | None = None, schema: str | None = None
) -> dict[str, Any]:
    """Begin a transaction; it ends by itself when unused for three minutes."""
    place = await _place(call, resourceArn, secretArn, database)
    databases = call.part(Databases)
    found = await databases.find(place.directory, place.database, place.engine, always=place.database in place.fixed)
    return {"transactionId": await databases.begin(place.directory, found)}


@rds_data.operation
async def commit_transaction(call: Call, resourceArn: str, secretArn: str, transactionId: str) -> dict[str, Any]:
    """Make what a transaction did last."""
    place = await _place(call, resourceArn, secretArn, None)
    await call.part(Databases).end(place.directory, transactionId, "COMMIT")
    return {"transactionStatus": "Transaction Committed"}


@rds_data.operation
async def rollback_transaction(call: Call, resourceArn: str, secretArn: str, transactionId: str) -> dict[str, Any]:
    """Undo what a transaction did."""
    place = await _place(call, resourceArn, secretArn, None)
    await call.part(Databases).end(place.directory, transactionId, "ROLLBACK")
    return {"transactionStatus": "Rollback Complete"}


async def _place(call: Call, resource: str, secret: str, database: str | None) -> _Place:
    """The cluster of an ARN, once its Data API is on and the secret is that of its user."""
    try:
        kind, name = parse_arn(resource)
    except AwsError:
        raise bad_request("Invalid ARN") from None
    cluster = await _cluster(call.state, name) if kind == "cluster" else None
    if cluster is None:
        raise aws_error("DatabaseNotFoundException", f"DB cluster {resource} is not found")
    if not cluster.http_endpoint:
        raise aws_error(
            "HttpEndpointNotEnabledException",
            f"HttpEndpoint is not enabled for cluster {name}: EnableHttpEndpoint turns it on.",
        )
    await _check_user(call, cluster, secret)
    engine, _, _, always = ENGINES[cluster.engine]
    fixed = frozenset(one for one in (always, cluster.database) if one)
    return _Place(
        databases_of(call.account, call.region, cluster.resource_id),
        engine,
        database or cluster.database or always,
        fixed,
    )


async def _check_user(call: Call, cluster: Cluster, secret: str) -> None:
    try:
        found = await call.to("secretsmanager", "GetSecretValue", SecretId=secret)
    except AwsError as problem:
        if problem.code != "ResourceNotFoundException":
            raise
        raise aws_error("SecretsErrorException", f"Secret {secret} is not found: {problem.message}") from None
    try:
        content = orjson.loads(found.get("SecretString", ""))
        user, password = str(content["username"]), str(content["password"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise aws_error(
            "InvalidSecretException", "The secret must be JSON with the members username and password"
        ) from None
    known = call.doorway.identity.sealer.open(cluster.password, cluster.resource_id).decode()
    if (user, password) != (cluster.user, known):
        raise database_error(f'FATAL: password authentication failed for user "{user}"; SQLState: 28P01')


def _translated(sql: str, place: _Place) -> Statement:
    try:
        return translate(sql, place.engine)
    except Refused as problem:
        raise refusal(str(problem)) from None


async def _run(
    call: Call, place: _Place, statement: Statement, sets: list[dict[str, Value]], transaction: str | None
) -> list[Result]:
    databases = call.part(Databases)
    values: list[Mapping[str, Value]] = list(sets)
    if transaction is not None:
        return await databases.run_in(place.directory, transaction, statement, values)
    found = await databases.find(place.directory, place.database, place.engine, always=place.database in place.fixed)
    return await found.run(statement, values)


async def _database(call: Call, place: _Place, statement: Statement) -> dict[str, Any]:
    databases, name = call.part(Databases), statement.database
    if statement.dropped:
        if name in place.fixed:
            raise database_error(f'ERROR: database "{name}" is the cluster\'s own; SQLState: 55006')
        if not statement.lenient:
            await databases.find(place.directory, name, place.engine, always=False)
        await databases.drop(place.directory, name)
    else:
        if name in place.fixed:
            raise database_error(f'ERROR: database "{name}" already exists; SQLState: 42P04')
        await databases.create(place.directory, name, place.engine)
    return {"numberOfRecordsUpdated": 0, "generatedFields": []}


def _answer(
    result: Result,
    statement: Statement,
    place: _Place,
    with_metadata: bool,
    options: dict[str, str],
    format_as: str | None,
) -> dict[str, Any]:
    if not result.columns:
        return {"numberOfRecordsUpdated": result.changed, "generatedFields": _generated(result, place)}
    columns = [_typed(column, at, result) for at, column in enumerate(result.columns)]
    answer: dict[str, Any] = {"numberOfRecordsUpdated": result.changed}
    if format_as == "JSON":
        labels = [column.label for column in columns]
        rows = [
            {label: plain(value, column) for label, value, column in zip(labels, row, columns, strict=True)}
            for row in result.rows
        ]
        return {**answer, "formattedRecords": orjson.dumps(rows).decode()}
    decimals, longs = options.get("decimalReturnType", "STRING"), options.get("longReturnType", "LONG")
    answer["records"] = [
        [field(value, column, decimals=decimals, longs=longs) for value, column in zip(row, columns, strict=True)]
        for row in result.rows
    ]
    if with_metadata:
        answer["columnMetadata"] = [metadata(column) for column in columns]
    return answer


def _typed(column: Column, at: int, result: Result) -> Column:
    """A column, with the type of its first value where nothing was declared (an expression)."""
    if column.declared:
        return column
    first = next((row[at] for row in result.rows if row[at] is not None), None)
    names: dict[type, str] = {int: "int8", float: "float8", str: "text", bytes: "bytea"}
    return replace(column, declared=names.get(type(first), "text"))


def _generated(result: Result, place: _Place) -> list[dict[str, Any]]:
    """The key that MySQL made; PostgreSQL's clients ask for it with RETURNING."""
    return [{"longValue": result.generated}] if place.engine == "mysql" and result.generated else []


@transactional
async def _cluster(tx: Transaction, name: str) -> Cluster | None:
    return await clusters.get(tx, name)
