"""From a request to a call and back: routing, decoding, identity, the doorway, encoding.

The front knows no service: which one is meant comes from the router, what its bytes mean from the wire, what happens
from the registry. Every failure leaves as an error of the protocol in use.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from kumoi.doorway import Call, CallDropped, Doorway, Principal, Trace
from kumoi.gateway.authentication import Authentication
from kumoi.gateway.damage import damaged
from kumoi.gateway.known_heads import OWN_FIELDS
from kumoi.gateway.recording import PUTTING_IN, Recording
from kumoi.gateway.routing import Router
from kumoi.gateway.target import Target
from kumoi.names import uuid
from kumoi.wire import AwsError, Body, BodyTooLarge, Request, Response, ServiceCodec, Wire, aws_error
from kumoi.wire.codec import Exchange
from kumoi.wire.compressed import plain
from kumoi.wire.credential import hoisted_headers
from kumoi.wire.http import BufferedBody, Headers, Kin
from kumoi.wire.payload import payload
from kumoi.wire.settled import Settled, settle
from kumoi.wire.websocket import WebSocketClosed

if TYPE_CHECKING:
    from kumoi.gateway.websocket import WebSocket

logger = logging.getLogger(__name__)

BODY_LIMIT = 70_167_211
"""Bytes that a body may have which is not streamed: Lambda's, the largest of any operation."""

COMPRESSED_LIMIT = 4 * 1024 * 1024
"""Bytes that a body may have once it is decompressed: several times what PutMetricData takes."""

MOCKED = "mocked"
"""The data plane that takes what no service serves, where the platform has it."""

InternalHandler = Callable[[Request], Awaitable[Response]]

_PLANS = 4096
"""Requests whose like need not be looked into again; beyond them all are."""


class _Plan(msgspec.Struct, frozen=True):
    """What a request came to that is the same for all its kin, as long as host names mean the same (`changes`).

    `settled` are its params where these are the same, too, but for a body of plain bytes.
    """

    changes: int
    target: Target
    exchange: Exchange
    caller: Principal
    traced: bool
    settled: Settled | None


class Front:
    """The gateway's handler: one instance, called for each request."""

    def __init__(
        self,
        doorway: Doorway,
        wire: Wire,
        router: Router,
        internal: InternalHandler,
        recording: Recording | None = None,
    ) -> None:
        self.recording = recording or Recording()
        self._doorway = doorway
        self._wire = wire
        self._router = router
        self._hosts, self._remembered = router.hosts, router.remembered
        self._internal = internal
        self._authentication = Authentication(doorway.identity, doorway.clock)
        self._codecs: dict[str, ServiceCodec] = {}
        self._plans: dict[Kin, _Plan] = {}

    def __call__(self, request: Request) -> Awaitable[Response]:
        """Answer one request; never raises for what a client sends."""
        if self.recording.active:
            return self._recorded(request)
        kin = request.kin
        plan = None if kin is None else self._plans.get(kin)
        # Whoever verifies signatures reads what was signed anew, of each request.
        if plan is not None and plan.changes == self._hosts.changes and not self._doorway.identity.verifies:
            return self._planned(request, plan)
        return self._answer(request)

    async def _recorded(self, request: Request) -> Response:
        await self.recording.begin(request)
        response = None
        try:
            response = await self._answer(request)
            return response
        finally:
            self.recording.end(request, response)

    def _answer(self, request: Request) -> Awaitable[Response]:
        if self._doorway.identity.verifies:
            return self._resolved(request)
        if (plane := self._remembered.of_host(request)) is not None:
            return self._data_plane(request, plane, request.path)
        target = self._remembered.signed(request)
        if target is None:
            return self._resolved(request)
        return self._api(request, target, None)

    def _planned(self, request: Request, plan: _Plan) -> Awaitable[Response]:
        """Answer a request that is like one before, for which all was found out."""
        body, target = request.body, plan.target
        assert type(body) is BufferedBody, "a request that was known whole is there whole"
        if target.path is not None:
            request.path = target.path
        content = None if plan.exchange.streams_input else body.content
        trace = request.headers.index["x-amzn-trace-id"] if plan.traced else None
        return self._called(request, target, plan.exchange, plan.caller, content, trace, uuid(), plan.settled)

    def _plan(self, request: Request, target: Target, exchange: Exchange, caller: Principal) -> None:
        """Keep what a request came to, for those like it."""
        kin, index = request.kin, request.headers.index
        if kin is None or "origin" in index or "content-encoding" in index:
            return
        if len(self._plans) >= _PLANS:
            self._plans.clear()
        alone = exchange.of(replace(request, body=BufferedBody()))
        settled = settle(exchange, request, OWN_FIELDS)
        self._plans[kin] = _Plan(self._hosts.changes, target, alone, caller, "x-amzn-trace-id" in index, settled)

    def _api(self, request: Request, target: Target, form: bytes | None) -> Awaitable[Response]:
        answering = self._operation(request, target, form)
        return self._crossing(request, target, answering) if "origin" in request.headers.index else answering

    async def _resolved(self, request: Request) -> Response:
        """Answer a request of which it must be found out what it is for."""
        router = self._router
        form: bytes | None = None
        if router.needs_form(request):
            try:
                form = await request.body.read(BODY_LIMIT)
            except BodyTooLarge as error:
                return _plain(413, str(error))
            request.body = BufferedBody(form, request.body.trailers)
        target, sent_path = router.resolve(request, form), request.path
        if target.kind == "internal":
            if target.path is not None:
                request.path = target.path
            plane = request.path[len("/_kumoi/") :].partition("/")[0]
            if self._doorway.registry.data_plane(plane) is None:
                return await self._internal(request)
            target = Target("data-plane", plane, target.region, target.credential)
        if target.kind == "data-plane":
            return await self._data_plane(request, target, sent_path)
        self._remembered.remember(request, target)
        return await self._api(request, target, form)

    async def _crossing(self, request: Request, target: Target, answering: Awaitable[Response]) -> Response:
        """The answer to a request that names an origin, with what its service says to that."""
        response = await answering
        if target.service in self._doorway.registry:
            service = self._doorway.registry[target.service]
            response.headers += await service.cross_origin_headers(self._doorway.state, request)
        return response

    async def websocket(self, request: Request, websocket: WebSocket) -> Response | None:
        """Serve a WebSocket as the data plane that it is for says; answers what the handshake is refused with."""
        response = await self(request)
        if response.upgrade is None:
            return response
        with contextlib.suppress(WebSocketClosed):
            await websocket.upgrade(response.upgrade, response.headers)
        await response.upgrade.serve(websocket)
        return None

    async def _operation(self, request: Request, target: Target, form: bytes | None) -> Response:
        request_id = uuid()
        doorway, name = self._doorway, target.service
        codec = self._codecs.get(name)
        if codec is None:
            if name not in doorway.registry:
                if doorway.registry.data_plane(MOCKED) is not None:
                    attributes = {"service": name}
                    mocked = Target("data-plane", MOCKED, target.region, target.credential, attributes)
                    return await self._data_plane(request, mocked, request.path)
                return self._not_served(request, name, request_id)
            codec = self._codecs[name] = self._wire.codec(name)
        sent_path = request.path
        if target.path is not None:
            request.path = target.path
        try:
            exchange = codec.recall(request) if form is None else None
            recalled = exchange is not None
            if exchange is None:
                if form is None and codec.needs_form(request):
                    form = await request.body.read(BODY_LIMIT)
                exchange = codec.match(request, form)
        except (AwsError, BodyTooLarge) as error:
            return codec.error_response(request, _as_aws(error), request_id)
        try:
            operation, headers = exchange.operation, request.headers.index
            body: bytes | Body = request.body
            if not exchange.streams_input:
                if form is not None:
                    body = form
                elif type(body) is BufferedBody and len(body.content) <= BODY_LIMIT:
                    body = body.content
                else:
                    body = await request.body.read(BODY_LIMIT)
            caller = self._authentication.plainly(request, target)
            plainly = caller is not None
            if caller is None:
                caller = await self._authentication.caller(
                    request, target, codec, body, sent_path, unsigned=operation.unsigned
                )
                if name == "s3" and target.credential is not None and target.credential.presigned:
                    request.headers = Headers([*request.headers.items, *hoisted_headers(request.query)])
            if exchange.streams_input:
                body = await self._authentication.payload(request, target)
            elif operation.compressible and headers.get("content-encoding") == "gzip":
                assert isinstance(body, bytes), "what is not streamed was read"
                body = await plain(body, COMPRESSED_LIMIT)
            if recalled and plainly and not self._doorway.identity.verifies:
                self._plan(request, target, exchange, caller)
        except (AwsError, BodyTooLarge) as error:
            return exchange.encode_error(_as_aws(error), request_id)
        return await self._called(request, target, exchange, caller, body, headers.get("x-amzn-trace-id"), request_id)

    async def _called(
        self,
        request: Request,
        target: Target,
        exchange: Exchange,
        caller: Principal,
        body: bytes | Body | None,
        trace: str | None,
        request_id: str,
        settled: Settled | None = None,
    ) -> Response:
        """Answer a request of which all is known: make its call.

        `body` is None where it is read as it came, its signature not verified; `trace` is what it says of its trace;
        `settled` are params that need not be read once more.
        """
        doorway, name = self._doorway, target.service
        try:
            if body is None:
                body = payload(request, signed_hash=False)
            if settled is not None and type(body) is bytes:
                params = settled.with_body(body)
            else:
                params = exchange.decode(request, body)
            traced = Trace.parse(trace, doorway.clock.now())
            if traced.lineage:
                traced = doorway.tracing.chained(traced, caller.access_key)
            call = Call(
                doorway,
                name,
                exchange.name,
                params,
                caller,
                caller.account,
                caller.region or target.region,
                traced,
                caller.source,
                http=request,
                attributes=target.attributes,
                request_id=request_id,
                request_bytes=len(body) if isinstance(body, bytes) else 0,
                damage="",
            )
            if self.recording.active and exchange.name in PUTTING_IN:
                self.recording.label(request, f"{name} {exchange.name}", caller.source)
            result = await doorway.dispatch(call)
            response = exchange.encode(result, request_id)
        except (AwsError, BodyTooLarge) as error:
            return exchange.encode_error(_as_aws(error), request_id)
        except CallDropped:
            return Response(abort=True)
        return damaged(response, call.damage) if call.damage else response

    async def _data_plane(self, request: Request, target: Target, sent_path: str) -> Response:
        service = self._doorway.registry.data_plane(target.service)
        if service is None:
            return _plain(501, f"Kumoi does not serve {target.service} yet.\n")
        try:
            if target.access_key is None:
                caller = self._authentication.nobody()
            else:
                caller = await self._authentication.claimed(request, target, service.name, sent_path)
        except BodyTooLarge as error:
            return _plain(413, str(error))
        if self.recording.active:
            self.recording.label(request, f"{request.method} {target.path or request.path}", caller.source)
        call = Call(
            self._doorway,
            service.name,
            target.service,
            {"path": target.path or request.path, "attributes": target.attributes},
            caller,
            caller.account,
            target.region,
            Trace.parse(request.headers.get("x-amzn-trace-id"), self._doorway.clock.now()),
            caller.source,
            http=request,
            damage="",
        )
        try:
            response: Response = await self._doorway.dispatch(call)
        except AwsError as error:
            return _plain(error.default_status, f"{error.code}: {error.message}\n")
        except CallDropped:
            return Response(abort=True)
        return damaged(response, call.damage) if call.damage else response

    def _not_served(self, request: Request, service: str, request_id: str) -> Response:
        """A clear error for a service that Kumoi lacks, in the protocol its clients read."""
        try:
            self._doorway.registry[service]
        except AwsError as error:
            missing = error
        codec = self._codec_of(service)
        if codec is None:
            return _plain(501, missing.message + "\n")
        return codec.error_response(request, missing, request_id)

    def _codec_of(self, service: str) -> ServiceCodec | None:
        try:
            return self._wire.codec(service)
        except LookupError:
            return None


def _as_aws(error: AwsError | BodyTooLarge) -> AwsError:
    if isinstance(error, AwsError):
        return error
    return aws_error("RequestEntityTooLargeException", f"Request must be smaller than {error.limit} bytes", status=413)


def _plain(status: int, text: str) -> Response:
    return Response(status, [("Content-Type", "text/plain; charset=utf-8")], text.encode())
