"""AWS services behind methods and routes: a request in the service's own protocol, made into a call at the doorway.

The URI of the integration says which service, in which region, and either the `path` of the request or the `action` it
means. Source: "uri" of PutIntegration, and the tutorials of service integrations in the developer guide.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson

from kumoi.doorway import Call, Principal
from kumoi.http_api import iam
from kumoi.http_api.functions import IntegrationFailed
from kumoi.wire import Wire
from kumoi.wire.catalog import CATALOG, CatalogEntry
from kumoi.wire.errors import AwsError
from kumoi.wire.http import BufferedBody, FileBody, Headers, Request, Response

_URI = re.compile(
    r"arn:[^:]+:apigateway:(?P<region>[^:]*):(?:(?P<sub>[^:]+)\.)?(?P<service>[^:.]+):(?P<kind>path|action)/(?P<rest>.*)",
    re.DOTALL,
)
_MAX_ANSWER = 10_485_760
_FORM = "application/x-www-form-urlencoded"


class Operation(NamedTuple):
    """A URI read: the service, and either the request's path or the action."""

    entry: CatalogEntry
    region: str
    path: str = ""
    action: str = ""


def read_uri(uri: str, region: str) -> Operation:
    """What an integration's URI means; raises IntegrationFailed."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise IntegrationFailed("refused", f"{uri} is no URI of a service")
    name, sub, rest = match["service"], match["sub"], match["rest"]
    entry = next((one for one in CATALOG if f"{sub}.{name}" == one.endpoint), None) if sub else None
    if entry is None:
        entry = next((one for one in CATALOG if name in (one.endpoint, one.signing, one.name)), None)
        rest = f"{sub}/{rest}" if sub and name == "s3" else rest
    if entry is None:
        raise IntegrationFailed("refused", f"{uri} names the service {name}, which Kumoi does not know")
    place = match["region"] or region
    if match["kind"] == "action":
        return Operation(entry, place, action=rest)
    return Operation(entry, place, path="/" + rest.lstrip("/"))


async def ask(
    origin: Call, operation: Operation, request: Request, caller: Principal, *, seconds: float
) -> tuple[Response, bytes]:
    """What a service answers, its errors too, and the answer's body; raises IntegrationFailed.

    `caller` asks, on behalf of the call `origin`.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await _dispatched(origin, operation, request, caller)
            return response, await _content(response)
    except TimeoutError:
        what = operation.action or operation.path
        raise IntegrationFailed("timeout", f"{operation.entry.name} {what} did not answer in time") from None


def request_of(
    operation: Operation, method: str, headers: Mapping[str, str], query: Mapping[str, Sequence[str]], body: bytes
) -> Request:
    """The request that means an operation, in the service's own protocol."""
    entry, path = operation.entry, urlsplit(operation.path)
    headers, query = dict(headers), {name: list(values) for name, values in query.items()}
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if operation.action:
        action, _, rest = operation.action.partition("&")
        for pair in filter(None, rest.split("&")):
            name, _, value = pair.partition("=")
            query.setdefault(name, [value])
        if entry.version and (kind.startswith(_FORM) or not entry.target):
            if kind.startswith(_FORM) and body:
                body = f"Action={action}&Version={entry.version}&".encode() + body
            query = {"Action": [action], "Version": [entry.version], **query}
        elif entry.target:
            headers["X-Amz-Target"] = f"{entry.target}.{action}"
            method = "POST"
            if not body and query:
                body = orjson.dumps({name: values[-1] for name, values in query.items()})
    if entry.target and not kind.startswith(_FORM):
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        headers["Content-Type"] = kind if kind.startswith("application/x-amz-json") else "application/x-amz-json-1.1"
        if entry.name in ("dynamodb", "dynamodbstreams", "stepfunctions", "sqs") and "1.1" in headers["Content-Type"]:
            headers["Content-Type"] = "application/x-amz-json-1.0"
    fields = [("Host", f"{entry.endpoint}.{operation.region}.amazonaws.com"), *headers.items()]
    sent = urlencode([(name, value) for name, values in query.items() for value in values])
    return Request(
        method,
        path.path or "/",
        "&".join(text for text in (path.query, sent) if text),
        Headers([*fields, ("Content-Length", str(len(body)))]),
        BufferedBody(body),
    )


async def _dispatched(origin: Call, operation: Operation, request: Request, caller: Principal) -> Response:
    codec = origin.part(Wire).codec(operation.entry.name)
    content = await request.body.read()
    form = content if codec.needs_form(request) else None
    try:
        meant = codec.match(request, form)
    except AwsError as error:
        return codec.error_response(request, error, origin.request_id)
    try:
        origin.doorway.registry[operation.entry.name]
        params = meant.decode_unchecked(request, request.body if meant.streams_input else content)
        if operation.entry.name == "sqs" and "QueueUrl" not in params and operation.path.count("/") == 2:
            params["QueueUrl"] = f"{origin.doorway.endpoint}{operation.path}"
        meant.operation.validate(params)
        call = Call(
            origin.doorway,
            operation.entry.name,
            meant.name,
            params,
            caller,
            caller.account,
            operation.region,
            origin.onward,
            origin.node,
            http=request,
        )
        return meant.encode(await iam.ask_service(call), call.request_id)
    except AwsError as error:
        return meant.encode_error(error, origin.request_id)


async def _content(response: Response) -> bytes:
    body = response.body
    if isinstance(body, bytes):
        return body
    if isinstance(body, FileBody):
        if body.length > _MAX_ANSWER:
            raise IntegrationFailed("refused", "the service answered more than 10 MB")
        return await asyncio.to_thread(_read, body)
    pieces: list[bytes] = []
    length = 0
    async for piece in body:
        length += len(piece)
        if length > _MAX_ANSWER:
            raise IntegrationFailed("refused", "the service answered more than 10 MB")
        pieces.append(piece)
    return b"".join(pieces)


def _read(body: FileBody) -> bytes:
    with body.path.open("rb") as file:
        file.seek(body.offset)
        return file.read(body.length)
