"""Databases: create, get, list, update, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.glue import glue
from kumoi.services.glue.catalog import database_of, drop_database
from kumoi.services.glue.errors import exists
from kumoi.services.glue.paging import page
from kumoi.services.glue.records import Database, databases
from kumoi.state import Transaction, transactional

_PAGE = 100


@glue.operation
async def create_database(
    call: Call, DatabaseInput: dict[str, Any], CatalogId: str | None = None, Tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Create a database."""
    name = DatabaseInput["Name"].lower()
    await _create(call.state, Database(name=name, created=call.now, given=DatabaseInput, tags=Tags or {}))
    return {}


@glue.operation
async def get_database(call: Call, Name: str, CatalogId: str | None = None) -> dict[str, Any]:
    """A database."""
    return {"Database": _shown(call, await database_of(call.state, Name))}


@glue.operation
async def get_databases(
    call: Call,
    CatalogId: str | None = None,
    NextToken: str | None = None,
    MaxResults: int | None = None,
    ResourceShareType: str | None = None,
    AttributesToGet: list[str] | None = None,
) -> dict[str, Any]:
    """Databases by name."""
    shown, more = page(await _list(call.state), lambda one: one.name, NextToken, MaxResults, _PAGE)
    return {"DatabaseList": [_shown(call, one) for one in shown], **more}


@glue.operation
async def update_database(
    call: Call, Name: str, DatabaseInput: dict[str, Any], CatalogId: str | None = None
) -> dict[str, Any]:
    """Give a database another definition; its name stays."""
    await _update(call.state, Name, DatabaseInput)
    return {}


@glue.operation
async def delete_database(call: Call, Name: str, CatalogId: str | None = None) -> dict[str, Any]:
    """Delete a database with its tables."""
    await drop_database(call.state, Name)
    return {}


def _shown(call: Call, one: Database) -> dict[str, Any]:
    return {**one.given, "Name": one.name, "CreateTime": one.created, "CatalogId": call.account}


@transactional
async def _create(tx: Transaction, made: Database) -> None:
    if await databases.get(tx, made.name) is not None:
        raise exists("Database already exists.")
    await databases.put(tx, made)


@transactional
async def _list(tx: Transaction) -> Sequence[Database]:
    return await databases.list(tx)


@transactional
async def _update(tx: Transaction, name: str, given: dict[str, Any]) -> None:
    await databases.put(tx, msgspec.structs.replace(await database_of(tx, name), given=given))
