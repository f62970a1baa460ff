"""Invoke: synchronous, asynchronous (Event) and DryRun; InvokeWithResponseStream."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.event_queue import AsyncEvent, EventQueue
from kumoi.services.lambda_.execution_log import Tail
from kumoi.services.lambda_.executor import Executor, Request, Result
from kumoi.services.lambda_.identifiers import LATEST
from kumoi.services.lambda_.operations.find import Found, find
from kumoi.services.lambda_.response_stream import ResponseStream
from kumoi.wire.errors import aws_error

MAX_REQUEST = 6_291_456
MAX_RESPONSE = 6_291_556
MAX_EVENT = 1_048_576
MAX_CLIENT_CONTEXT = 3_583


@lambda_.operation
async def invoke(
    call: Call,
    FunctionName: str,
    InvocationType: str = "RequestResponse",
    LogType: str = "None",
    ClientContext: str | None = None,
    Payload: bytes = b"",
    Qualifier: str | None = None,
    TenantId: str | None = None,
) -> dict[str, Any]:
    """Run a function with a JSON payload; a function's own failure is an answer with FunctionError, not an error."""
    check_payload(Payload, MAX_EVENT if InvocationType == "Event" else MAX_REQUEST)
    found = await find(call, FunctionName, Qualifier)
    call.account = found.identifier.account  # it runs in its own, whoever calls
    if InvocationType == "DryRun":
        return {"StatusCode": 204}
    if InvocationType == "Event":
        await _accept(call, found, Payload or b"{}")
        return {"StatusCode": 202}
    context = None if ClientContext is None else _client_context(ClientContext)
    return await _run(call, _request(found, Payload or b"{}", context, TenantId, LogType == "Tail"))


@lambda_.operation
async def invoke_with_response_stream(
    call: Call,
    FunctionName: str,
    InvocationType: str = "RequestResponse",
    LogType: str = "None",
    ClientContext: str | None = None,
    Qualifier: str | None = None,
    Payload: bytes = b"",
    TenantId: str | None = None,
) -> dict[str, Any]:
    """Run a function and pass on what it answers as it is written: PayloadChunk events, then InvokeComplete."""
    check_payload(Payload, MAX_REQUEST, "InvokeWithResponseStream")
    found = await find(call, FunctionName, Qualifier)
    call.account = found.identifier.account
    if InvocationType == "DryRun":
        return {"StatusCode": 204, "EventStream": _nothing()}
    stream = ResponseStream()
    context = None if ClientContext is None else _client_context(ClientContext)
    request = _request(found, Payload or b"{}", context, TenantId, LogType == "Tail")
    writer = call.part(Executor).start(call, request, stream)
    content_type = await stream.content_type(writer)
    if content_type is None:
        content_type = writer.result().outcome.content_type  # raises what kept the function from running
    return {
        "StatusCode": 200,
        "ExecutedVersion": found.function.version,
        "ResponseStreamContentType": content_type,
        "EventStream": _events(stream, writer, wants_tail=LogType == "Tail"),
    }


async def _events(
    stream: ResponseStream, writer: asyncio.Task[Result], *, wants_tail: bool
) -> AsyncIterator[dict[str, dict[str, Any]]]:
    async for piece in stream.pieces(writer):
        yield {"PayloadChunk": {"Payload": piece}}
    result = writer.result()
    outcome = result.outcome
    complete: dict[str, Any] = {}
    if outcome.error_type is not None:
        complete = {"ErrorCode": outcome.error_type, "ErrorDetails": outcome.payload.decode("utf-8", "replace")}
    elif outcome.payload:
        yield {"PayloadChunk": {"Payload": outcome.payload}}
    if wants_tail:
        complete["LogResult"] = _tail(result.log_tail)
    yield {"InvokeComplete": complete}


async def _nothing() -> AsyncIterator[dict[str, dict[str, Any]]]:
    yield {"InvokeComplete": {}}


@lambda_.operation
async def invoke_async(call: Call, FunctionName: str, InvokeArgs: Any) -> dict[str, Any]:
    """The first, deprecated form of an asynchronous invocation."""
    payload = InvokeArgs if isinstance(InvokeArgs, bytes) else await InvokeArgs.read(MAX_EVENT)
    check_payload(payload, MAX_EVENT)
    found = await find(call, FunctionName)
    call.account = found.identifier.account
    await _accept(call, found, payload or b"{}")
    return {"Status": 202}


def _request(
    found: Found, payload: bytes, client_context: bytes | None, tenant_id: str | None, wants_tail: bool
) -> Request:
    head = found.head
    return Request(
        found.function,
        found.arn,
        payload,
        head.recursive_loop,
        head.reserved_concurrency,
        client_context,
        tenant_id,
        wants_tail,
    )


async def _run(call: Call, request: Request) -> dict[str, Any]:
    function = request.function
    result = await call.part(Executor).invoke(call, request)
    outcome = result.outcome
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": function.version, "Payload": outcome.payload}
    if outcome.error_type is not None:
        answer["FunctionError"] = "Unhandled"
    elif len(outcome.payload) > MAX_RESPONSE:
        answer["FunctionError"] = "Unhandled"
        answer["Payload"] = orjson.dumps(
            {
                "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
                "errorType": "Function.ResponseSizeTooLarge",
            }
        )
    if request.wants_tail:
        answer["LogResult"] = _tail(result.log_tail)
    call.response_bytes = len(answer["Payload"])
    return answer


def _tail(found: Tail | None) -> str:
    """The end of the log as it is answered; of an invocation that never began there is none."""
    return base64.b64encode(b"" if found is None else bytes(found)).decode()


async def _accept(call: Call, found: Found, payload: bytes) -> None:
    identifier = found.identifier
    await call.part(EventQueue).accept(
        AsyncEvent(
            id=call.request_id,
            account=identifier.account,
            region=identifier.region,
            function=identifier.name,
            qualifier=None if identifier.qualifier in (None, LATEST) else identifier.qualifier,
            payload=payload,
            source=call.source,
            trace=call.trace.chained(call.span),
            accepted=call.now,
        )
    )


def check_payload(payload: bytes, most: int, operation: str = "InvokeFunction") -> None:
    """Raise RequestTooLargeException or InvalidRequestContentException for a payload Lambda does not take."""
    if len(payload) > most:
        raise aws_error(
            "RequestTooLargeException",
            f"Request must be smaller than {most} bytes for the {operation} operation",
            Type="User",
        )
    if not payload:
        return
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise aws_error(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error.msg}\n"
            " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); "
            f"line: {error.lineno}, column: {error.colno}]",
            Type="User",
        ) from None


def _client_context(encoded: str) -> bytes:
    if len(encoded) > MAX_CLIENT_CONTEXT:
        raise aws_error(
            "RequestTooLargeException", f"Client context must be no more than {MAX_CLIENT_CONTEXT} bytes", Type="User"
        )
    try:
        context = base64.b64decode(encoded, validate=True)
        orjson.loads(context)
    except (binascii.Error, orjson.JSONDecodeError):
        raise aws_error(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.", Type="User"
        ) from None
    return context
