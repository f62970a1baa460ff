"""An API's schema: created (at once, so that who polls asks once), its status, and read back.

A definition that is no schema leaves the one before in place.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.lookup import find_api
from kumoi.services.appsync.records import Schema, schemas
from kumoi.services.appsync.schema import BadSchema
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_DEFINITION = 1024 * 1024


@appsync.operation
async def start_schema_creation(call: Call, apiId: str, definition: bytes) -> dict[str, Any]:
    """Read and check a schema, and serve it if it is one."""
    if len(definition) > MAX_DEFINITION:
        raise bad_request("Schema document exceeds the maximum size of 1 MB.")
    await find_api(call.state, apiId)
    try:
        text, version = definition.decode(), hashlib.sha256(definition).hexdigest()
        made = await call.part(Kept).schema(version, text)
    except UnicodeDecodeError:
        await _fail(call.state, apiId, "Failed to parse schema document - it is not encoded in UTF-8.")
    except BadSchema as problem:
        await _fail(call.state, apiId, str(problem))
    else:
        from kumoi.services.appsync.schema.documents import own_types

        details = f"Successfully created schema with {len(own_types(made))} types."
        await _store(call.state, Schema(api=apiId, status="SUCCESS", details=details, definition=text, version=version))
    return {"status": "PROCESSING"}


@appsync.operation
async def get_schema_creation_status(call: Call, apiId: str) -> dict[str, Any]:
    """How the last creation went."""
    schema = await find_schema(call.state, apiId)
    if schema is None:
        return {"status": "NOT_APPLICABLE"}
    return {"status": schema.status, "details": schema.details}


@appsync.operation
async def get_introspection_schema(
    call: Call, apiId: str, format: str, includeDirectives: bool = True
) -> dict[str, Any]:
    """The schema that is served."""
    from kumoi.services.appsync.schema.documents import whole

    schema = await find_schema(call.state, apiId)
    if schema is None or not schema.definition:
        raise aws_error("GraphQLSchemaException", "No schema definition exists.")
    found = await call.part(Kept).schema(schema.version, schema.definition)
    return {"schema": await asyncio.to_thread(whole, found, schema.definition, format, includeDirectives)}


@transactional
async def find_schema(tx: Transaction, api_id: str) -> Schema | None:
    """The schema of an API that is there."""
    await find_api(tx, api_id)
    return await schemas.get(tx, api_id)


@transactional
async def _store(tx: Transaction, schema: Schema) -> None:
    await find_api(tx, schema.api)
    await schemas.put(tx, schema)


@transactional
async def _fail(tx: Transaction, api_id: str, details: str) -> None:
    await find_api(tx, api_id)
    before = await schemas.get(tx, api_id) or Schema(api=api_id, status="", details="")
    await schemas.put(tx, msgspec.structs.replace(before, status="FAILED", details=details))
