"""Prepared statements of work groups: create, get, list, update, delete; EXECUTE runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.athena import athena
from kumoi.services.athena.errors import invalid
from kumoi.services.athena.operations.work_groups import work_group
from kumoi.services.athena.paging import page
from kumoi.services.athena.records import PreparedStatement, prepared
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@athena.operation
async def create_prepared_statement(
    call: Call, StatementName: str, WorkGroup: str, QueryStatement: str, Description: str | None = None
) -> dict[str, Any]:
    """Prepare a statement."""
    await work_group(call.state, WorkGroup)
    made = PreparedStatement(
        work_group=WorkGroup, name=StatementName, query=QueryStatement, modified=call.now, description=Description
    )
    await _create(call.state, made)
    return {}


@athena.operation
async def get_prepared_statement(call: Call, StatementName: str, WorkGroup: str) -> dict[str, Any]:
    """A prepared statement."""
    one = await _get(call.state, WorkGroup, StatementName)
    found: dict[str, Any] = {
        "StatementName": one.name,
        "QueryStatement": one.query,
        "WorkGroupName": one.work_group,
        "LastModifiedTime": one.modified,
    }
    if one.description is not None:
        found["Description"] = one.description
    return {"PreparedStatement": found}


@athena.operation
async def list_prepared_statements(
    call: Call, WorkGroup: str, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """The prepared statements of a work group."""
    await work_group(call.state, WorkGroup)
    shown, more = page(await _list(call.state, WorkGroup), lambda one: one.name, NextToken, MaxResults)
    listed = [{"StatementName": one.name, "LastModifiedTime": one.modified} for one in shown]
    return {"PreparedStatements": listed, **more}


@athena.operation
async def update_prepared_statement(
    call: Call, StatementName: str, WorkGroup: str, QueryStatement: str, Description: str | None = None
) -> dict[str, Any]:
    """Give a prepared statement another text."""
    before = await _get(call.state, WorkGroup, StatementName)
    changed = msgspec.structs.replace(
        before,
        query=QueryStatement,
        modified=call.now,
        description=before.description if Description is None else Description,
    )
    await _put(call.state, changed)
    return {}


@athena.operation
async def delete_prepared_statement(call: Call, StatementName: str, WorkGroup: str) -> dict[str, Any]:
    """Delete a prepared statement."""
    await _get(call.state, WorkGroup, StatementName)
    await _delete(call.state, WorkGroup, StatementName)
    return {}


@transactional
async def _create(tx: Transaction, made: PreparedStatement) -> None:
    if await prepared.get(tx, made.work_group, made.name) is not None:
        raise invalid(f"PreparedStatement {made.name} already exists in WorkGroup {made.work_group}")
    await prepared.put(tx, made)


@transactional
async def _get(tx: Transaction, group: str, name: str) -> PreparedStatement:
    found = await prepared.get(tx, group, name)
    if found is None:
        raise aws_error("ResourceNotFoundException", f"PreparedStatement {name} was not found in workGroup {group}")
    return found


@transactional
async def _list(tx: Transaction, group: str) -> Sequence[PreparedStatement]:
    return await prepared.list(tx, group)


@transactional
async def _put(tx: Transaction, one: PreparedStatement) -> None:
    await prepared.put(tx, one)


@transactional
async def _delete(tx: Transaction, group: str, name: str) -> None:
    await prepared.delete(tx, group, name)
