"""Queries that are saved under a name."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any
from uuid import UUID

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.logs import logs
from kumoi.services.logs.query_records import QueryDefinition, definitions
from kumoi.services.logs.rules import invalid
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_MISSING = "The specified query definition does not exist."


@logs.operation
async def put_query_definition(
    call: Call,
    name: str,
    queryString: str,
    queryDefinitionId: str | None = None,
    logGroupNames: list[str] | None = None,
    clientToken: str | None = None,
    queryLanguage: str = "CWLI",
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Save a query, or change a saved one by its id. The same client token makes one definition."""
    if queryLanguage != "CWLI":
        raise aws_error("NotImplemented", f"Kumoi runs Logs Insights QL (CWLI) only, not {queryLanguage} yet.")
    definition = QueryDefinition(
        id=queryDefinitionId or (uuid() if clientToken is None else _id_of(clientToken)),
        name=name,
        text=queryString,
        groups=logGroupNames or [],
        modified=int(call.now * 1000),
        parameters=parameters or [],
    )
    await _put(call.state, definition, existing=queryDefinitionId is not None)
    return {"queryDefinitionId": definition.id}


@logs.operation
async def describe_query_definitions(
    call: Call,
    queryDefinitionNamePrefix: str = "",
    maxResults: int = 1000,
    nextToken: str | None = None,
    queryLanguage: str | None = None,
) -> dict[str, Any]:
    """Saved queries by name."""
    found = sorted(
        (
            one
            for one in await _all(call.state)
            if one.name.startswith(queryDefinitionNamePrefix) and queryLanguage in (None, "CWLI")
        ),
        key=lambda one: (one.name, one.id),
    )
    if nextToken is not None:
        ids = [one.id for one in found]
        if nextToken not in ids:
            raise invalid("The specified nextToken is invalid.")
        found = found[ids.index(nextToken) + 1 :]
    answer: dict[str, Any] = {"queryDefinitions": [_described(one) for one in found[:maxResults]]}
    if len(found) > maxResults:
        answer["nextToken"] = found[maxResults - 1].id
    return answer


@logs.operation
async def delete_query_definition(call: Call, queryDefinitionId: str) -> dict[str, Any]:
    """Delete a saved query."""
    await _delete(call.state, queryDefinitionId)
    return {"success": True}


def _id_of(token: str) -> str:
    """The id that a client token stands for."""
    return str(UUID(bytes=blake2b(token.encode(), digest_size=16).digest(), version=4))


def _described(one: QueryDefinition) -> dict[str, Any]:
    return {
        "queryLanguage": "CWLI",
        "queryDefinitionId": one.id,
        "name": one.name,
        "queryString": one.text,
        "lastModified": one.modified,
        "logGroupNames": one.groups,
        "parameters": one.parameters or None,
    }


@transactional
async def _put(tx: Transaction, definition: QueryDefinition, *, existing: bool) -> None:
    if existing and await definitions.get(tx, definition.id) is None:
        raise aws_error("ResourceNotFoundException", _MISSING)
    await definitions.put(tx, definition)


@transactional
async def _all(tx: Transaction) -> list[QueryDefinition]:
    return await definitions.list(tx)


@transactional
async def _delete(tx: Transaction, definition_id: str) -> None:
    if not await definitions.delete(tx, definition_id):
        raise aws_error("ResourceNotFoundException", _MISSING)
