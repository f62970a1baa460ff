"""The data plane of function URLs: finds the function behind a host name, invokes it, answers its result.

A request is one call, of the URL's own account: it is on the map as the function's, and no second one is made inside.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

import orjson

from kumoi.doorway import Call
from kumoi.http_api.results import HttpResult, Malformed
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.executor import Executor, Request, Result
from kumoi.services.lambda_.operations.find import find
from kumoi.services.lambda_.operations.invoke import MAX_REQUEST
from kumoi.services.lambda_.records import UrlConfig
from kumoi.services.lambda_.response_stream import ResponseStream
from kumoi.services.lambda_.url import cors
from kumoi.services.lambda_.url.access import Refused, authorizer
from kumoi.services.lambda_.url.http_result import (
    HTTP_INTEGRATION,
    message,
    read_prelude,
    result_of,
    split_prelude,
)
from kumoi.services.lambda_.url.lookup import find_url
from kumoi.services.lambda_.url.request_event import UrlContext, UrlRequest, event_of
from kumoi.wire.errors import AwsError
from kumoi.wire.http import BodyTooLarge, Response

logger = logging.getLogger(__name__)


@lambda_.data_plane("lambda-url")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer one request to a function URL."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    place = await find_url(call.doorway.state, attributes["id"])
    if place is None:
        return _response(message(403, "Forbidden", ("x-kumoi-reason", "no function URL has this id")))
    call.account, call.region = place.account, place.region
    call.node = f"lambda:{place.config.function}"
    config = place.config
    headers = {name.lower(): value for name, value in request.headers.items}
    if config.cors and cors.is_preflight(request.method, headers):
        return Response(200, cors.preflight_headers(config.cors, headers))
    try:
        authorised = await authorizer(call, config)
        body = await request.body.read(MAX_REQUEST)
        found = await find(call, config.function, config.qualifier or None)
    except Refused as refusal:
        return _answered(config, headers, message(403, "Forbidden", ("x-kumoi-reason", str(refusal))))
    except BodyTooLarge:
        return _answered(config, headers, message(413, "Request Entity Too Large"))
    except AwsError as error:
        return _answered(config, headers, message(error.default_status, error.message))
    domain = attributes.get("host") or f"{config.url_id}.lambda-url.{place.region}.on.aws"
    event = event_of(
        UrlRequest(request.method, path, request.query, request.headers.items, body, request.scheme, request.client[0]),
        UrlContext(
            config.url_id, domain, place.account, call.request_id, call.trace.header(call.span), call.now, authorised
        ),
    )
    call.request_bytes = len(body)
    head = found.head
    invocation = Request(found.function, found.arn, orjson.dumps(event), head.recursive_loop, head.reserved_concurrency)
    if config.invoke_mode == "RESPONSE_STREAM":
        return await _streamed(call, config, headers, invocation)
    return await _buffered(call, config, headers, invocation)


async def _buffered(call: Call, config: UrlConfig, headers: Mapping[str, str], invocation: Request) -> Response:
    """Wait for the whole result."""
    try:
        outcome = (await call.part(Executor).invoke(call, invocation)).outcome
    except AwsError as error:
        return _answered(config, headers, _refusal(error), call)
    if outcome.error_type is not None:
        return _answered(config, headers, _failure(outcome.error_type), call)
    try:
        if outcome.content_type == HTTP_INTEGRATION:
            parts = split_prelude(outcome.payload)
            if parts is None:
                raise Malformed("the response ends within its prelude")
            result = HttpResult(*read_prelude(parts[0]), parts[1])
        else:
            result = result_of(outcome.payload)
    except Malformed as problem:
        result = _failure(str(problem))
    call.response_bytes = len(result.body)
    return _answered(config, headers, result, call)


async def _streamed(call: Call, config: UrlConfig, headers: Mapping[str, str], invocation: Request) -> Response:
    """Answer as soon as the function has begun to; what it writes goes out as it comes."""
    stream = ResponseStream()
    writer = call.part(Executor).start(call, invocation, stream)
    content_type = await stream.content_type(writer)
    if content_type is None:
        return _answered(config, headers, _whole(writer), call)
    pieces = stream.pieces(writer)
    if content_type != HTTP_INTEGRATION:
        return _answered(config, headers, HttpResult(200, [("Content-Type", content_type)], b""), call, pieces)
    received = b""
    try:
        while (parts := split_prelude(received)) is None:
            received += await anext(pieces)
        status, fields = read_prelude(parts[0])
    except (Malformed, StopAsyncIteration) as problem:
        stream.abandon()
        return _answered(config, headers, _failure(str(problem) or "the response has no prelude"), call)
    return _answered(config, headers, HttpResult(status, fields, b""), call, _after(parts[1], pieces))


def _whole(writer: asyncio.Future[Result]) -> HttpResult:
    """The answer of a function that did not stream."""
    try:
        outcome = writer.result().outcome
    except AwsError as error:
        return _refusal(error)
    if outcome.error_type is not None:
        return _failure(outcome.error_type)
    return HttpResult(200, [("Content-Type", outcome.content_type)], outcome.payload)


async def _after(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in pieces:
        yield piece


def _refusal(error: AwsError) -> HttpResult:
    if error.code == "TooManyRequestsException":
        return message(429, "Too Many Requests")
    logger.warning("a function URL could not invoke its function: %s", error)
    return message(502, "Internal Server Error", ("x-kumoi-reason", _one_line(error.message)))


def _failure(reason: str) -> HttpResult:
    """The 502 that a client gets for whatever the function did wrong; the reason stands in a header of ours."""
    return message(502, "Internal Server Error", ("x-kumoi-reason", _one_line(reason)))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500].encode("ascii", "replace").decode()


def _answered(
    config: UrlConfig,
    headers: Mapping[str, str],
    result: HttpResult,
    call: Call | None = None,
    pieces: AsyncIterator[bytes] | None = None,
) -> Response:
    """The response, with CORS and the request's ids."""
    fields = list(result.headers)
    if config.cors:
        fields = cors.overridden(fields, cors.response_headers(config.cors, headers.get("origin")))
    if call is not None:
        fields.append(("x-amzn-RequestId", call.request_id))
        fields.append(("X-Amzn-Trace-Id", call.trace.header(call.span)))
    return Response(result.status, fields, result.body if pieces is None else pieces)


def _response(result: HttpResult) -> Response:
    return Response(result.status, result.headers, result.body)
