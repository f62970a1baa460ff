"""Queries with names: create, get, list, update, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.athena import athena
from kumoi.services.athena.errors import invalid
from kumoi.services.athena.operations.work_groups import work_group
from kumoi.services.athena.paging import page
from kumoi.services.athena.records import PRIMARY, NamedQuery, Token, named_queries, tokens
from kumoi.state import Transaction, transactional


@athena.operation
async def create_named_query(
    call: Call,
    Name: str,
    Database: str,
    QueryString: str,
    Description: str | None = None,
    ClientRequestToken: str | None = None,
    WorkGroup: str = PRIMARY,
) -> dict[str, Any]:
    """Give a query a name. The same request with the same token is one."""
    await work_group(call.state, WorkGroup)
    made = NamedQuery(
        id=uuid(),
        name=Name,
        database=Database,
        query=QueryString,
        work_group=WorkGroup,
        description=Description,
    )
    return {"NamedQueryId": await _create(call.state, made, ClientRequestToken)}


@athena.operation
async def get_named_query(call: Call, NamedQueryId: str) -> dict[str, Any]:
    """A named query."""
    return {"NamedQuery": _shown(await _get(call.state, NamedQueryId))}


@athena.operation
async def batch_get_named_query(call: Call, NamedQueryIds: list[str]) -> dict[str, Any]:
    """Named queries; those that are not there are told."""
    found = {one.id: one for one in await _list(call.state) if one.id in NamedQueryIds}
    missing = [
        {"NamedQueryId": name, "ErrorCode": "INVALID_INPUT", "ErrorMessage": f"NamedQuery {name} was not found"}
        for name in NamedQueryIds
        if name not in found
    ]
    shown = [_shown(found[name]) for name in NamedQueryIds if name in found]
    return {"NamedQueries": shown, "UnprocessedNamedQueryIds": missing}


@athena.operation
async def list_named_queries(
    call: Call, WorkGroup: str = PRIMARY, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """The named queries of a work group."""
    await work_group(call.state, WorkGroup)
    found = [one for one in await _list(call.state) if one.work_group == WorkGroup]
    shown, more = page(found, lambda one: one.id, NextToken, MaxResults)
    return {"NamedQueryIds": [one.id for one in shown], **more}


@athena.operation
async def update_named_query(
    call: Call, NamedQueryId: str, Name: str, QueryString: str, Description: str | None = None
) -> dict[str, Any]:
    """Give a named query another text."""
    before = await _get(call.state, NamedQueryId)
    changed = msgspec.structs.replace(
        before, name=Name, query=QueryString, description=before.description if Description is None else Description
    )
    await _put(call.state, changed)
    return {}


@athena.operation
async def delete_named_query(call: Call, NamedQueryId: str) -> dict[str, Any]:
    """Delete a named query."""
    await _get(call.state, NamedQueryId)
    await _delete(call.state, NamedQueryId)
    return {}


def _shown(one: NamedQuery) -> dict[str, Any]:
    found = {
        "NamedQueryId": one.id,
        "Name": one.name,
        "Database": one.database,
        "QueryString": one.query,
        "WorkGroup": one.work_group,
    }
    return {**found, "Description": one.description} if one.description is not None else found


@transactional
async def _create(tx: Transaction, made: NamedQuery, token: str | None) -> str:
    if token is not None:
        known = await tokens.get(tx, token)
        if known is not None and await named_queries.get(tx, known.id) is not None:
            return known.id
        await tokens.put(tx, Token(token, made.id))
    await named_queries.put(tx, made)
    return made.id


@transactional
async def _get(tx: Transaction, name: str) -> NamedQuery:
    found = await named_queries.get(tx, name)
    if found is None:
        raise invalid(f"NamedQuery {name} was not found")
    return found


@transactional
async def _list(tx: Transaction) -> Sequence[NamedQuery]:
    return await named_queries.list(tx)


@transactional
async def _put(tx: Transaction, one: NamedQuery) -> None:
    await named_queries.put(tx, one)


@transactional
async def _delete(tx: Transaction, name: str) -> None:
    await named_queries.delete(tx, name)
