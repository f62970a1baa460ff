"""The data plane: `POST /graphql` of an API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from kumoi.doorway import Call
from kumoi.services.appsync import appsync, tracing
from kumoi.services.appsync.access import Refused, authenticate
from kumoi.services.appsync.caching import MAX_ANSWER, Key, answer_key
from kumoi.services.appsync.kept import Entrance, Kept
from kumoi.services.appsync.realtime.messages import nests_too_deep
from kumoi.services.appsync.records import Place, Version, places, versions
from kumoi.services.appsync.request_log import logged
from kumoi.services.appsync.resolving.field import Asked
from kumoi.state import State, Transaction, transactional
from kumoi.wire.http import BodyTooLarge, Request, Response

if TYPE_CHECKING:
    from kumoi.services.appsync.execution.bound import Bound

MAX_REQUEST = 1024 * 1024
_NOT_FOUND = "The API or the path is not found."
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
    if request.websocket:
        from kumoi.services.appsync.realtime.plane import connect

        call.meter("appsync_other_requests", 1)
        return await connect(call, path, attributes)
    if request.method == "OPTIONS":
        return Response(200, _PREFLIGHT, b"")
    headers = request.headers.index
    wanted = attributes.get("id") or headers.get("x-api-key", "")
    path = path.rstrip("/")
    if path == "/event":
        return await _event(call, wanted, request)
    state, kept = call.doorway.state, call.part(Kept)
    entrance = kept.entrances.get(state, wanted) or await _entrance(state, kept, wanted)
    if entrance is None or path != "/graphql":
        return _failed(call, 404, "NotFoundException", _NOT_FOUND)
    place, bound = entrance
    call.account, call.region, call.node = place.account, place.region, f"appsync:{place.api}"
    if bound is None:
        return _failed(call, 404, "NotFoundException", "The API is not found.")
    if bound.api.properties.get("xrayEnabled"):
        await tracing.begin(call, bound.api)
    if request.method != "POST":
        return _failed(call, 405, "UnsupportedOperation", "AppSync takes POST only.")
    try:
        body = await request.body.read(MAX_REQUEST)
    except BodyTooLarge:
        return _failed(call, 413, "RequestEntityTooLargeException", "Request body is larger than 1 MB.")
    asked = _asked(body, headers.get("content-type", ""))
    try:
        caller = await authenticate(call, bound.admission, asked if isinstance(asked, dict) else {}, headers)
    except Refused as refused:
        return _failed(call, 401, "UnauthorizedException", str(refused))
    if isinstance(asked, str):
        return _failed(call, 400, "MalformedHttpRequestException", asked)
    if bound.compiled is None:
        return _failed(call, 502, "GraphQLSchemaException", "No schema definition exists.")
    whole = Asked(call, bound.api, caller, headers, asked.get("variables") or {}, cache=bound.cache)
    if "logConfig" in bound.api.properties:
        return await logged(whole, asked, lambda: _run(whole, bound, kept, asked))
    return await _run(whole, bound, kept, asked)


async def _event(call: Call, wanted: str, request: Request) -> Response:
    from kumoi.services.appsync.event_apis.plane import serve_publish
    from kumoi.services.appsync.event_apis.publishing import MAX_PUBLICATION, NotDone

    place = await places.look(call.doorway.state, wanted)
    if place is None:
        return _failed(call, 404, "NotFoundException", _NOT_FOUND)
    call.account, call.region, call.node = place.account, place.region, f"appsync:{place.api}"
    call.meter("appsync_other_requests", 1)
    if request.method != "POST":
        return _failed(call, 405, "UnsupportedOperation", "Events are published with POST.")
    try:
        body = await request.body.read(MAX_PUBLICATION)
    except BodyTooLarge:
        return _failed(call, 413, "RequestEntityTooLargeException", "Request body is larger than 1.3 MB.")
    headers = {name.lower(): value for name, value in request.headers.items}
    try:
        return _answered(call, (await serve_publish(call, place, body, headers)).shown())
    except NotDone as refusal:
        return _failed(call, refusal.status, refusal.kind, str(refusal))


async def _run(asked: Asked, bound: Bound, kept: Kept, given: Mapping[str, Any]) -> Response:
    call = asked.call
    read = await bound.document(given["query"])
    if read.errors:
        return _answered(call, {"data": None, "errors": read.errors})
    name = given.get("operationName")
    if not name and len(read.operations) > 1:
        return _failed(call, 400, "BadRequestException", "Missing operation name.")
    operation = read.operation(name)
    if operation is None:
        return _failed(call, 400, "BadRequestException", f"Unknown operation named '{name}'.")
    if operation.subscribes:
        return _failed(
            call,
            400,
            "BadRequestException",
            "Subscriptions are not served over HTTP: connect to the real-time endpoint by WebSocket.",
        )
    held = _held(asked, given) if asked.cache is not None and operation.queries else None
    if held is not None and (content := kept.cache.get(held, call.now)) is not None:
        return _sent(call, content)
    answer = await bound.run(asked, kept, read, operation)
    content = _json(answer)
    if not operation.queries:
        from kumoi.services.appsync.realtime.publishing import publish

        await publish(asked, bound.schema, read, operation, answer, len(content))
    if held is not None and asked.cache is not None and "errors" not in answer and len(content) <= MAX_ANSWER:
        kept.cache.put(held, content, call.now + asked.cache.properties["ttl"])
    return _sent(call, content, 200, *asked.response_headers.items(), errors="errors" in answer)


def _held(asked: Asked, given: Mapping[str, Any]) -> Key | None:
    """Under which key the answer to a query is held, if whole answers are."""
    cache, caller = asked.cache, asked.caller
    if caller.mode == "AWS_IAM" and asked.call.doorway.identity.enforces:
        return None  # Policies decide each time, and may have changed.
    if cache is None or cache.properties["apiCachingBehavior"] != "OPERATION_LEVEL_CACHING":
        return None
    return answer_key(cache, given, caller.mode, caller.identity, caller.denied, asked.headers)


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
    variables, name = given.get("variables"), given.get("operationName")
    if (variables is not None and not isinstance(variables, dict)) or (name is not None and not isinstance(name, str)):
        return unreadable
    if variables and nests_too_deep(variables):
        return "The variables nest too deep."
    return given


def _answered(call: Call, answer: Any, status: int = 200, *more: tuple[str, str]) -> Response:
    return _sent(call, _json(answer), status, *more, errors=bool(answer.get("errors")))


def _json(answer: Any) -> bytes:
    try:
        return orjson.dumps(answer)
    except orjson.JSONEncodeError:
        # What nests deeper than this library writes: `errorInfo` may.
        return json.dumps(answer, separators=(",", ":")).encode()


def _sent(call: Call, body: bytes, status: int = 200, *more: tuple[str, str], errors: bool = False) -> Response:
    call.response_bytes = len(body)
    tracing.ended(call, status, errors=errors)
    fields = [
        ("Content-Type", "application/json;charset=UTF-8"),
        ("x-amzn-RequestId", call.request_id),
        ("x-amzn-appsync-TokensConsumed", "1"),
        *_CORS,
        *more,
    ]
    return Response(status, fields, body)


def _failed(call: Call, status: int, kind: str, text: str) -> Response:
    call.meter("appsync:status", status)
    error = {"errors": [{"errorType": kind, "message": text}]}
    return _answered(call, error, status, ("x-amzn-ErrorType", kind))


async def _entrance(state: State, kept: Kept, wanted: str) -> Entrance | None:
    """The API that an id or a key stands for."""
    epoch, known = state.epoch, _known(state, wanted)
    place, version = known or await _find(state.at("", ""), wanted)
    if place is None:
        return None
    found = Entrance(place, await kept.bound(state.at(place.account, place.region), place.api, version))
    if known is not None and found.bound is not None:
        kept.entrances.keep(state, epoch, wanted, found)
    return found


def _known(state: State, wanted: str) -> tuple[Place | None, Version | None] | None:
    """As `_find`, where the store remembers all of it: a transaction costs more than what is read in it."""
    try:
        place = places.glance(state, wanted)
        return (place, None if place is None else versions.glance(state.at(place.account, place.region), place.api))
    except LookupError:
        return None


@transactional
async def _find(tx: Transaction, wanted: str) -> tuple[Place | None, Version | None]:
    """Where an API is that an id or a key stands for, and its version."""
    place = await places.get(tx, wanted)
    if place is None:
        return None, None
    return place, await versions.get(tx.at(place.account, place.region), place.api)
