"""Asking an origin: S3 and what else the platform serves by calls through the doorway, anything else over HTTP.

What a host name means is what the gateway would make of it, so that an origin in a template (a bucket, an API, a
function URL, a load balancer) leads to this platform without a socket between.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator

import orjson
from msgspec.structs import replace

from kumoi.doorway import Call, CallDropped, Principal
from kumoi.doorway.host_names import HostNames, Meaning
from kumoi.http_client import HttpClient, Unreachable
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, first, phrase, without
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.edge.origin_request import answered
from kumoi.services.cloudfront.naming import cloudfront_arn
from kumoi.wire import AwsError, Wire
from kumoi.wire.http import BufferedBody, FileBody, HeaderList, Headers, Request, Response

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer from outside of the platform, which is held in memory."""
SERVICE = "cloudfront.amazonaws.com"
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS"))


class Unanswered(Exception):
    """An origin gave no answer; `timeout` when it took too long."""

    def __init__(self, text: str, *, timeout: bool = False) -> None:
        super().__init__(text)
        self.timeout = timeout


async def fetch(call: Call, request: EdgeRequest, distribution: str, scheme: str) -> EdgeResponse:
    """An origin's answer to a request that names its origin; raises Unanswered."""
    origin = request.origin
    assert origin is not None, "only requests to an origin are fetched"
    fields = list(request.headers)
    if origin.headers:
        names = {name.lower() for name, _ in origin.headers}
        fields = [*without(fields, *names), *origin.headers]
    path = origin.path + request.uri
    meaning = call.part(HostNames).meaning(origin.domain)  # type: ignore[type-abstract]
    if origin.s3 and (meaning is None or meaning.plane != "s3"):
        raise Unanswered(f"{origin.domain} is no bucket of this platform")
    try:
        if meaning is None:
            return await _outside(call, origin, request, path, fields, scheme)
        sent = Request(
            request.method,
            path,
            request.query,
            Headers(fields),
            BufferedBody(request.body),
            scheme="https",
            client=(request.ip, 0),
        )
        caller = _caller(call, origin, distribution)
        if meaning.plane == "s3":
            return _read(await _bucket(call, origin, meaning, sent, caller))
        return _read(await _plane(call, meaning, sent, path, caller))
    except CallDropped:
        raise Unanswered(f"{origin.domain} broke off (a declared fault)") from None


async def open_websocket(
    call: Call, request: EdgeRequest, distribution: str, scheme: str, handshake: HeaderList
) -> Response:
    """An origin's answer to a WebSocket's handshake, whose fields are `handshake`; raises Unanswered."""
    from kumoi.http_api import websocket_client  # at its first use: a platform starts without it

    origin = request.origin
    assert origin is not None, "only requests to an origin are passed on"
    names = {name.lower() for name, _ in origin.headers}
    fields = [*without(request.headers, *names), *origin.headers]
    path = origin.path + request.uri
    meaning = call.part(HostNames).meaning(origin.domain)  # type: ignore[type-abstract]
    if meaning is not None:
        sent = Request("GET", path, request.query, Headers([*fields, *handshake]), scheme="https")
        sent.client = (request.ip, 0)
        return await _plane(call, meaning, sent, path, _caller(call, origin, distribution))
    spoken = origin.scheme(scheme)
    asked = websocket_client.handshake(
        first(fields, "host") or origin.domain,
        f"{path}?{request.query}" if request.query else path,
        fields,
        first(handshake, "sec-websocket-protocol"),
    )
    tls = ssl.create_default_context() if spoken == "https" else None
    try:
        return await websocket_client.connect(
            origin.domain, origin.port(spoken), asked, seconds=origin.read_timeout, tls=tls
        )
    except websocket_client.Unreachable as problem:
        raise Unanswered(str(problem), timeout=problem.timeout) from None


def _caller(call: Call, origin: Origin, distribution: str) -> Principal:
    """Who asks: CloudFront for a distribution, an origin access identity, or nobody.

    Where signatures are not verified nobody is the account itself, as for all requests that are not signed.
    """
    if origin.identity:
        name = f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {origin.identity}"
        return Principal(call.account, name, origin.identity, call.node)
    if origin.control is not None and origin.control["SigningBehavior"] != "never":
        arn = cloudfront_arn(call.account, f"distribution/{distribution}")
        signer = Principal.of_service(call.account, SERVICE, call.node, arn)
        return replace(signer, access_key=SERVICE)
    nobody = Principal.anonymous if call.doorway.identity.verifies else Principal.root
    return replace(nobody(call.account), source=call.node)


async def _plane(call: Call, meaning: Meaning, sent: Request, path: str, caller: Principal) -> Response:
    service = call.doorway.registry.data_plane(meaning.plane)
    if service is None:
        raise Unanswered(f"Kumoi does not serve {meaning.plane} yet")
    inner = _inner(call, service.name, meaning.plane, {"path": path, "attributes": meaning.attributes}, meaning, caller)
    inner.http = sent
    try:
        response: Response = await call.doorway.dispatch(inner)
    except AwsError as error:
        body = orjson.dumps({"message": error.message})
        return Response(error.default_status, [("Content-Type", "application/json")], body)
    if response.abort:
        raise Unanswered("the origin broke off")
    return response


async def _bucket(call: Call, origin: Origin, meaning: Meaning, sent: Request, caller: Principal) -> Response:
    """One request to S3's API, through its own wire format: whatever it may be, but not over a socket."""
    bucket = meaning.attributes.get("bucket", "")
    sent.path = f"/{bucket}{sent.path}"
    if sent.method == "OPTIONS":
        plane = meaning._replace(plane="s3-preflight")
        return await _plane(call, plane, sent, sent.path, caller)
    codec = call.part(Wire).codec("s3")
    try:
        exchange = codec.match(sent)
    except AwsError as error:
        return codec.error_response(sent, error, call.request_id)
    response: Response
    try:
        body = sent.body if exchange.streams_input else await sent.body.read()
        inner = _inner(call, "s3", exchange.name, exchange.decode(sent, body), meaning, caller)
        inner.http = sent
        response = exchange.encode(await call.doorway.dispatch(inner), call.request_id)
    except AwsError as error:
        if error.code == "NoSuchKey" and not await _may_list(call, bucket):
            error = AwsError("AccessDenied", "Access Denied", status=403)
        response = exchange.encode_error(error, call.request_id)
    if "origin" in sent.headers.index:
        response.headers += await call.doorway.registry["s3"].cross_origin_headers(call.doorway.state, sent)
    response.headers.append(("Server", "AmazonS3"))
    return response


async def _may_list(call: Call, bucket: str) -> bool:
    """Whether the bucket's policy lets somebody list it: without that, S3 answers 403 for a key that is not there."""
    try:
        text = (await call.to("s3", "GetBucketPolicy", Bucket=bucket))["Policy"]
        statements = orjson.loads(text).get("Statement", [])
    except (AwsError, orjson.JSONDecodeError, AttributeError):
        return False
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", []) if isinstance(statement, dict) else []
        for action in [actions] if isinstance(actions, str) else actions:
            if statement.get("Effect") == "Allow" and str(action).lower() in ("s3:listbucket", "s3:list*", "s3:*", "*"):
                return True
    return False


def _inner(
    call: Call, service: str, operation: str, params: dict[str, object], meaning: Meaning, caller: Principal
) -> Call:
    return Call(
        call.doorway,
        service,
        operation,
        params,
        caller,
        call.account,
        meaning.region,
        call.onward,
        call.node,
    )


def _read(response: Response) -> EdgeResponse:
    headers = answered(response.headers)
    body = response.body
    if isinstance(body, bytes):
        if not body and (stated := first(response.headers, "content-length")) is not None:
            headers.append(("Content-Length", stated))
    elif not isinstance(body, FileBody) and (stated := first(response.headers, "content-length")) is not None:
        headers.append(("Content-Length", stated))
    return EdgeResponse(response.status, headers, body, phrase(response.status), origin_status=response.status)


async def _outside(
    call: Call, origin: Origin, request: EdgeRequest, path: str, fields: HeaderList, viewer_scheme: str
) -> EdgeResponse:
    scheme = origin.scheme(viewer_scheme)
    port = origin.port(scheme)
    authority = origin.domain if port == (443 if scheme == "https" else 80) else f"{origin.domain}:{port}"
    url = f"{scheme}://{authority}{path}{f'?{request.query}' if request.query else ''}"
    attempts = origin.attempts if request.method in _IDEMPOTENT else 1
    for left in range(attempts - 1, -1, -1):
        try:
            answer = await call.part(HttpClient).send(
                request.method, url, fields, request.body, seconds=origin.read_timeout, most=LARGEST_ANSWER
            )
            break
        except Unreachable as problem:
            if problem.timeout or not left:
                raise Unanswered(str(problem), timeout=problem.timeout) from None
    if not answer.complete:
        raise Unanswered(f"{origin.domain} answered more than {LARGEST_ANSWER} bytes, which is what Kumoi holds")
    headers = answered(answer.headers)
    if request.method == "HEAD" and (stated := first(answer.headers, "content-length")) is not None:
        headers.append(("Content-Length", stated))
    return EdgeResponse(answer.status, headers, answer.body, phrase(answer.status), origin_status=answer.status)


async def gathered(body: bytes | FileBody | AsyncIterator[bytes], length: int | None, most: int) -> bytes | None:
    """A body's bytes, where it says that it has no more than `most`; None leaves it as it is."""
    if isinstance(body, bytes):
        return body
    if length is None or length > most:
        return None
    if isinstance(body, FileBody):
        return await asyncio.to_thread(_file, body)
    return b"".join([piece async for piece in body])


async def abandon(body: bytes | FileBody | AsyncIterator[bytes]) -> None:
    """Let go of a body that nobody will read."""
    if isinstance(body, AsyncGenerator):
        await body.aclose()


def _file(body: FileBody) -> bytes:
    with body.path.open("rb") as source:
        source.seek(body.offset)
        return source.read(body.length)
