"""The types of a schema, one by one: read, and changed, where the whole is a schema still.

A type that was given alone is answered in the format it was given in as it was written, as AWS does.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request, not_found
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.naming import api_arn, page
from kumoi.services.appsync.operations.schemas import MAX_DEFINITION, find_schema
from kumoi.services.appsync.records import Schema, schemas
from kumoi.services.appsync.schema import BadSchema
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

if TYPE_CHECKING:
    from kumoi.services.appsync.schema.compiled import Compiled

Written = dict[str, tuple[str, str] | None]
"""What is written of types now, by name: a format and a definition, or None where a type is gone."""


@appsync.operation
async def list_types(
    call: Call, apiId: str, format: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The types that the schema defines, by name."""
    found = await _types(call, apiId, format)
    shown, more = page(found, lambda one: str(one["name"]), nextToken, maxResults)
    return {"types": list(shown), **more}


@appsync.operation
async def get_type(call: Call, apiId: str, typeName: str, format: str) -> dict[str, Any]:
    """A type that the schema defines."""
    for one in await _types(call, apiId, format, typeName):
        return {"type": one}
    raise not_found(f"No type found named {typeName}")


@appsync.operation
async def create_type(call: Call, apiId: str, definition: str, format: str) -> dict[str, Any]:
    """Put a type into the schema."""
    return await _changed(call, apiId, definition, format, None)


@appsync.operation
async def update_type(
    call: Call, apiId: str, typeName: str, format: str, definition: str | None = None
) -> dict[str, Any]:
    """Give a type another definition; without one, it stays."""
    if definition is None:
        return await get_type(call, apiId, typeName, format)
    return await _changed(call, apiId, definition, format, typeName)


@appsync.operation
async def delete_type(call: Call, apiId: str, typeName: str) -> dict[str, Any]:
    """Take a type out of the schema; BadRequestException where others refer to it."""
    from kumoi.services.appsync.schema import edits

    await _edit(call, apiId, lambda text, _: (edits.without_type(text, typeName), {typeName: None}), typeName)
    return {}


async def _changed(call: Call, api_id: str, definition: str, format: str, name: str | None) -> dict[str, Any]:
    """Put in a type (where `name` is None), or replace one."""
    from kumoi.services.appsync.schema import edits

    given = ""

    def edit(text: str, found: Compiled | None) -> tuple[str, Written]:
        nonlocal given
        given, written = edits.as_text(definition, format, found)
        if name is None:
            return edits.with_type(text, given, written), {given: (format, definition)}
        if given != name:
            raise BadSchema(f"The definition is of the type {given}, not of {name}.")
        return edits.with_other_type(text, name, written), {name: (format, definition)}

    await _edit(call, api_id, edit, name or "")
    return await get_type(call, api_id, given, format)


async def _edit(
    call: Call, api_id: str, edit: Callable[[str, Compiled | None], tuple[str, Written]], name: str
) -> None:
    """Change the schema's text, compile it, and serve it, if nobody changed it meanwhile."""
    from kumoi.services.appsync.schema.documents import own_types
    from kumoi.services.appsync.schema.edits import NoSuchType

    before = await find_schema(call.state, api_id)
    text, version = ("", "") if before is None else (before.definition, before.version)
    kept = call.part(Kept)
    try:
        found = await kept.schema(version, text) if text else None
        after, changes = await asyncio.to_thread(edit, text, found)
        if len(after.encode()) > MAX_DEFINITION:
            raise BadSchema("Schema document exceeds the maximum size of 1 MB.")
        digest = hashlib.sha256(after.encode()).hexdigest()
        made = await kept.schema(digest, after)
    except NoSuchType:
        raise not_found(f"No type found named {name}") from None
    except BadSchema as problem:
        raise bad_request(str(problem)) from None
    details = f"Successfully created schema with {len(own_types(made))} types."
    both = {**({} if before is None else before.written), **changes}
    written = {one: said for one, said in both.items() if said is not None}
    schema = Schema(api=api_id, status="SUCCESS", details=details, definition=after, version=digest, written=written)
    await _replace(call.state, schema, version)


@transactional
async def _replace(tx: Transaction, schema: Schema, version: str) -> None:
    current = await schemas.get(tx, schema.api)
    if (current.version if current is not None else "") != version:
        text = "Schema is currently being altered, please wait until that is complete."
        raise aws_error("ConcurrentModificationException", text)
    await schemas.put(tx, schema)


async def _types(call: Call, api_id: str, format: str, name: str | None = None) -> list[dict[str, Any]]:
    schema = await find_schema(call.state, api_id)
    if schema is None or not schema.definition:
        return []
    found = await call.part(Kept).schema(schema.version, schema.definition)
    from kumoi.services.appsync.schema.documents import by_type

    return [
        {
            "name": type_.name,
            **({"description": type_.description} if type_.description else {}),
            "arn": api_arn(call, api_id, f"types/{type_.name}"),
            "definition": said[1] if (said := schema.written.get(type_.name)) and said[0] == format else text,
            "format": format,
        }
        for type_, text in await asyncio.to_thread(by_type, found, format, name)
    ]
