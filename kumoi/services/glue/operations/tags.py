"""Tags of databases and tables."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.glue import glue
from kumoi.services.glue.catalog import database_of, table_of
from kumoi.services.glue.errors import invalid
from kumoi.services.glue.records import databases, tables
from kumoi.state import Transaction, transactional


@glue.operation
async def tag_resource(call: Call, ResourceArn: str, TagsToAdd: dict[str, str]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(call.state, ResourceArn, TagsToAdd, [])
    return {}


@glue.operation
async def untag_resource(call: Call, ResourceArn: str, TagsToRemove: list[str]) -> dict[str, Any]:
    """Remove tags."""
    await _change(call.state, ResourceArn, {}, TagsToRemove)
    return {}


@glue.operation
async def get_tags(call: Call, ResourceArn: str) -> dict[str, Any]:
    """The tags of a database or table."""
    return {"Tags": await _change(call.state, ResourceArn, {}, [])}


@transactional
async def _change(tx: Transaction, resource: str, added: dict[str, str], removed: list[str]) -> dict[str, str]:
    try:
        kind, *names = Arn.parse(resource).resource.split("/")
    except ValueError:
        raise invalid(f"{resource} is no ARN.") from None
    if kind == "database" and len(names) == 1:
        database = await database_of(tx, names[0])
        changed = _changed(database.tags, added, removed)
        await databases.put(tx, msgspec.structs.replace(database, tags=changed))
        return changed
    if kind == "table" and len(names) == 2:
        table = await table_of(tx, *names)
        changed = _changed(table.tags, added, removed)
        await tables.put(tx, msgspec.structs.replace(table, tags=changed))
        return changed
    raise invalid(f"{resource} is no database or table of the catalog.")


def _changed(before: dict[str, str], added: dict[str, str], removed: list[str]) -> dict[str, str]:
    tags = {key: value for key, value in {**before, **added}.items() if key not in removed}
    if len(tags) > 50:
        raise invalid("A resource can have up to 50 tags.")
    return tags
