"""The types of a schema, one by one."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import not_found
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.naming import api_arn, page
from kumoi.services.appsync.operations.schemas import find_schema


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
            "definition": text,
            "format": format,
        }
        for type_, text in await asyncio.to_thread(by_type, found, format, name)
    ]
