"""Relational data sources: up to two statements through the RDS Data API.

The variables of `variableMap` (`:NAME` in statements) are bound as parameters. Programs get the results as AppSync
writes them: a text of JSON with `sqlStatementResults`. Source: "Resolver mapping template reference for RDS".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from kumoi.services.appsync.resolving.outcomes import FieldError

MOST_STATEMENTS = 2
_VARIABLE = re.compile(r"(?<!:):([A-Za-z_][A-Za-z0-9_]*)")


async def ask(execute: Callable[..., Awaitable[Any]], config: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Run a request's statements, one after another; raises FieldError."""
    statements = request.get("statements")
    if not isinstance(statements, list) or not 0 < len(statements) <= MOST_STATEMENTS:
        raise FieldError(f"RDS requests have one or {MOST_STATEMENTS} statements.", "MappingTemplate")
    endpoint = config.get("rdsHttpEndpointConfig") or {}
    place = {
        "resourceArn": endpoint.get("dbClusterIdentifier"),
        "secretArn": endpoint.get("awsSecretStoreArn"),
        "database": endpoint.get("databaseName"),
        "schema": endpoint.get("schema"),
    }
    variables = {str(name).removeprefix(":"): value for name, value in (request.get("variableMap") or {}).items()}
    hints = {str(name).removeprefix(":"): hint for name, hint in (request.get("variableTypeHintMap") or {}).items()}
    results = []
    for statement in statements:
        text = str(statement)
        used = {name for name in _VARIABLE.findall(text) if name in variables}
        parameters = [_parameter(name, variables[name], hints.get(name)) for name in sorted(used)]
        answer = await execute(
            "ExecuteStatement",
            sql=text,
            parameters=parameters,
            includeResultMetadata=True,
            **{name: value for name, value in place.items() if value is not None},
        )
        results.append(
            {
                "numberOfRecordsUpdated": answer.get("numberOfRecordsUpdated", 0),
                "records": answer.get("records", []),
                "columnMetadata": answer.get("columnMetadata", []),
                "generatedFields": answer.get("generatedFields", []),
            }
        )
    return orjson.dumps({"sqlStatementResults": results}, default=_text).decode()


def plain_results(text: str) -> list[list[dict[str, Any]]]:
    """A list of rows for each statement of a result's text, by column; raises FieldError."""
    try:
        results = orjson.loads(text)["sqlStatementResults"]
        return [
            [
                {column["label"] or column["name"]: _plain(held) for column, held in zip(columns, row, strict=True)}
                for columns, row in ((one["columnMetadata"], row) for row in one["records"])
            ]
            for one in results
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError):
        raise FieldError("This is no result of SQL statements.", "MappingTemplate") from None


def _plain(held: Mapping[str, Any]) -> Any:
    return None if held.get("isNull") else next(iter(held.values()))


def _parameter(name: str, value: Any, hint: Any) -> dict[str, Any]:
    if value is None:
        held: dict[str, Any] = {"isNull": True}
    elif isinstance(value, bool):
        held = {"booleanValue": value}
    elif isinstance(value, int):
        held = {"longValue": value}
    elif isinstance(value, float):
        held = {"longValue": int(value)} if value.is_integer() else {"doubleValue": value}
    elif isinstance(value, str):
        held = {"stringValue": value}
    else:
        held = {"stringValue": orjson.dumps(value).decode()}
    parameter = {"name": name, "value": held}
    return {**parameter, "typeHint": str(hint)} if hint else parameter


def _text(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)
