"""The data plane: `POST /graphql` of an API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.appsync import appsync, tracing
from kumoi.services.appsync.access import Refused, authenticate
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.lookup import find_place
from kumoi.services.appsync.records import (
    Api,
    DataSource,
    Function,
    Schema,
    apis,
    data_sources,
    functions,
    resolvers,
    schemas,
)
from kumoi.services.appsync.resolving.field import Asked
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.resolver import Plan, plan
from kumoi.state import Transaction, transactional
from kumoi.wire.http import BodyTooLarge, Response

MAX_REQUEST = 1024 * 1024
_CORS = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType")]
_PREFLIGHT = [
    *_CORS,
    ("Access-Control-Allow-Methods", "POST, OPTIONS"),
    (
        "Access-Control-Allow-Headers",
        "authorization, content-type, x-api-key, x-amz-date, x-amz-security-token, x-amz-user-agent, x-amzn-requestid",
    ),
    ("Access-Control-Max-Age", "172800"),
]


@appsync.data_plane("appsync-api")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer one request; `attributes` has the API's `id`, which a key stands for as well."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    if request.method == "OPTIONS":
        return Response(200, _PREFLIGHT, b"")
    wanted = attributes.get("id") or request.headers.get("x-api-key") or ""
    place = await find_place(call.doorway.state.at("", ""), wanted)
    if place is None or path.rstrip("/") != "/graphql":
        return _failed(call, 404, "NotFoundException", "The API or the path is not found.")
    call.account, call.region, call.node = place.account, place.region, f"appsync:{place.api}"
    api, schema = await _read(call.state, place.api)
    if api is None:
        return _failed(call, 404, "NotFoundException", "The API is not found.")
    if api.properties.get("xrayEnabled"):
        await tracing.begin(call, api)
    if request.method != "POST":
        return _failed(call, 405, "UnsupportedOperation", "AppSync takes POST only.")
    try:
        body = await request.body.read(MAX_REQUEST)
    except BodyTooLarge:
        return _failed(call, 413, "RequestEntityTooLargeException", "Request body is larger than 1 MB.")
    headers = {name.lower(): value for name, value in request.headers.items}
    asked = _asked(body, headers.get("content-type", ""))
    try:
        caller = await authenticate(call, api, asked if isinstance(asked, dict) else {}, headers)
    except Refused as refused:
        return _failed(call, 401, "UnauthorizedException", str(refused))
    if isinstance(asked, str):
        return _failed(call, 400, "MalformedHttpRequestException", asked)
    if schema is None or not schema.definition:
        return _failed(call, 502, "GraphQLSchemaException", "No schema definition exists.")
    return await _run(Asked(call, api, caller, headers, asked.get("variables") or {}), schema, asked)


async def _run(asked: Asked, schema: Schema, given: Mapping[str, Any]) -> Response:
    from kumoi.services.appsync.execution.documents import document
    from kumoi.services.appsync.execution.running import operations, refusal, run

    call, kept, properties = asked.call, asked.call.part(Kept), asked.api.properties
    found = kept.schemas.of(schema.version, schema.definition)
    read = await document(found, given["query"], properties.get("introspectionConfig") != "DISABLED")
    if read.errors:
        return _answered(call, {"data": None, "errors": read.errors})
    name = given.get("operationName")
    known = operations(read)
    if not name and len(known) > 1:
        return _failed(call, 400, "BadRequestException", "Missing operation name.")
    chosen = [one for one in known if not name or (one.name is not None and one.name.value == name)]
    if not chosen:
        return _failed(call, 400, "BadRequestException", f"Unknown operation named '{name}'.")
    reason = refusal(read, chosen[0], properties.get("queryDepthLimit") or 0)
    if reason is not None:
        return _failed(call, 400, "BadRequestException", reason)
    plans = await _plans(call.state, asked.api.id, read.fields)
    return _answered(call, await run(asked, found, plans, kept.templates, read, name or None))


def _asked(body: bytes, content_type: str) -> dict[str, Any] | str:
    """What a body asks for, or why it asks for nothing."""
    if not body:
        return "Request body is empty."
    unreadable = "Unable to parse GraphQL query."
    media = content_type.partition(";")[0].strip().lower()
    try:
        given: Any = {"query": body.decode()} if media == "application/graphql" else orjson.loads(body)
    except (orjson.JSONDecodeError, UnicodeDecodeError):
        return unreadable
    if not isinstance(given, dict) or not isinstance(given.get("query"), str):
        return unreadable
    if not isinstance(given.get("variables") or {}, dict) or not isinstance(given.get("operationName") or "", str):
        return unreadable
    return given


def _answered(call: Call, answer: Any, status: int = 200, *more: tuple[str, str]) -> Response:
    body = orjson.dumps(answer)
    call.response_bytes = len(body)
    tracing.ended(call, status, errors=bool(answer.get("errors")))
    fields = [
        ("Content-Type", "application/json;charset=UTF-8"),
        ("x-amzn-RequestId", call.request_id),
        ("x-amzn-appsync-TokensConsumed", "1"),
    ]
    return Response(status, [*fields, *_CORS, *more], body)


def _failed(call: Call, status: int, kind: str, text: str) -> Response:
    error = {"errors": [{"errorType": kind, "message": text}]}
    return _answered(call, error, status, ("x-amzn-ErrorType", kind))


@transactional
async def _read(tx: Transaction, api_id: str) -> tuple[Api | None, Schema | None]:
    return await apis.get(tx, api_id), await schemas.get(tx, api_id)


@transactional
async def _plans(
    tx: Transaction, api_id: str, fields: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Plan | FieldError]:
    """How each field that has a resolver is resolved."""
    plans: dict[tuple[str, str], Plan | FieldError] = {}
    for type_name, field in fields:
        resolver = await resolvers.get(tx, api_id, type_name, field)
        if resolver is None:
            continue
        steps: dict[str, Function] = {}
        sources: dict[str, DataSource] = {}
        named = [resolver.properties.get("dataSourceName")]
        for id in (resolver.properties.get("pipelineConfig") or {}).get("functions") or ():
            function = await functions.get(tx, api_id, id)
            if function is not None:
                steps[id] = function
                named.append(function.properties["dataSourceName"])
        for name in named:
            source = await data_sources.get(tx, api_id, name) if name else None
            if source is not None:
                sources[source.name] = source
        try:
            plans[type_name, field] = plan(resolver, steps, sources)
        except FieldError as error:
            plans[type_name, field] = error
    return plans
