"""Where WebSockets of GraphQL APIs come in: the handshake, the messages of a session, and deliveries to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from kumoi.doorway import Call, CallDropped, Principal
from kumoi.doorway.call import Trace
from kumoi.services.appsync import appsync
from kumoi.services.appsync.access import Refused, authenticate
from kumoi.services.appsync.lookup import find_place
from kumoi.services.appsync.plane import read_api
from kumoi.services.appsync.realtime import handshake, messages
from kumoi.services.appsync.realtime.hub import Hub, Subscription
from kumoi.services.appsync.realtime.session import Session
from kumoi.services.appsync.realtime.signed import signer
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Request, Response
from kumoi.wire.websocket import Upgrade, WebSocketClosed, WebSocketPeer

logger = logging.getLogger(__name__)


@appsync.data_plane("appsync-realtime")
async def connect(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer a handshake; `attributes` has the API's `id`, which a key stands for as well."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    if path.rstrip("/") not in ("/graphql", "/graphql/realtime"):
        return _plain(404, "NotFoundException", "The API or the path is not found.")
    if not request.websocket:
        return _plain(426, "UpgradeRequired", "The real-time endpoint takes WebSockets only.")
    try:
        opening = opened(request, handshake.GRAPHQL)
    except handshake.Refusal as refusal:
        return Response(101, upgrade=refusing(refusal, request, handshake.GRAPHQL))
    place = await find_place(call.doorway.state.at("", ""), attributes.get("id", ""))
    place = place or await find_place(call.doorway.state.at("", ""), opening.headers.get("x-api-key", ""))
    if place is None:
        return _plain(404, "NotFoundException", "The API is not found.")
    call.account, call.region, call.node = place.account, place.region, f"appsync:{place.api}"
    api, _ = await read_api(call.state, place.api)
    if api is None:
        return _plain(404, "NotFoundException", "The API is not found.")
    sent = request.path.rstrip("/")
    paths = ("/graphql/connect", f"/graphql/{api.id}/connect", f"/_kumoi/appsync-api/{api.id}/graphql/connect")
    call.caller = await signer(call, opening.headers, (*paths, f"{sent}/connect"), opening.payload)
    try:
        await authenticate(call, api, {}, opening.headers)
    except Refused as refusal:
        unauthorized = handshake.Refusal(401, str(refusal), "UnauthorizedException")
        return Response(101, upgrade=refusing(unauthorized, request, handshake.GRAPHQL))
    session = Session(api.id, call.account, call.region, request, call.now)
    return Response(101, upgrade=Upgrade(partial(_converse, call.part(Hub), call, session), handshake.GRAPHQL))


def opened(request: Request, subprotocol: str) -> handshake.Opening:
    """What a handshake says; raises Refusal."""
    headers = {name.lower(): value for name, value in request.headers.items}
    return handshake.opening(subprotocol, _offered(request), request.query, headers)


def _offered(request: Request) -> list[str]:
    return [one.strip() for one in (request.headers.get("sec-websocket-protocol") or "").split(",")]


def refusing(refusal: handshake.Refusal, request: Request, subprotocol: str) -> Upgrade:
    """Accept, say why not, close: browsers show nothing of a handshake that is refused."""

    async def serve(peer: WebSocketPeer) -> None:
        await peer.send(messages.connection_error(refusal.code, refusal.kind, str(refusal)))
        await peer.close(1000)

    return Upgrade(serve, subprotocol if subprotocol in _offered(request) else None)


async def _converse(hub: Hub, call: Call, session: Session, peer: WebSocketPeer) -> None:
    """Take a session's messages until it ends."""
    conversation = Conversation(hub, call, session)
    session.peer = peer
    hub.open(session)
    session.post(messages.KEEP_ALIVE)
    try:
        while True:
            conversation.take(await peer.receive())
    except WebSocketClosed:
        pass
    finally:
        hub.close(session)
        await conversation.end()


class Conversation:
    """The messages of one session. Starts are worked on side by side; a stop ends one that is still under way."""

    def __init__(self, hub: Hub, call: Call, session: Session) -> None:
        self._hub = hub
        self._doorway = call.doorway
        self._session = session
        self._starting: dict[str, asyncio.Task[None]] = {}

    def take(self, text: str | bytes) -> None:
        """Do what a message says."""
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            self._fail(None, "BadRequestException", "The message is not a JSON object.")
            return
        kind, id = message.get("type"), message.get("id")
        if kind == "connection_init":
            self._session.post(messages.ACKNOWLEDGED)
        elif kind not in ("start", "stop"):
            text = "unknown not supported through the realtime channel"
            self._fail(id if isinstance(id, str) else None, "UnsupportedOperation", text)
        elif not isinstance(id, str) or not id or len(id) > 128:
            self._fail(None, "BadRequestException", "A message needs an id of up to 128 characters.")
        elif kind == "start":
            self._start(id, message.get("payload"))
        else:
            self._stop(id)

    async def end(self) -> None:
        """Give up what is under way."""
        tasks = list(self._starting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, id: str, payload: Any) -> None:
        from kumoi.services.appsync.realtime.starting import MAX_SUBSCRIPTIONS

        session = self._session
        if id in self._starting or id in session.subscriptions:
            self._fail(id, "BadRequestException", f"There is a subscription with the id {id} already.")
        elif len(self._starting) + len(session.subscriptions) >= MAX_SUBSCRIPTIONS:
            text = f"Max number of {MAX_SUBSCRIPTIONS} subscriptions reached"
            self._fail(id, "MaxSubscriptionsReachedError", text)
        else:
            self._starting[id] = asyncio.create_task(self._started(id, payload))

    def _stop(self, id: str) -> None:
        task = self._starting.pop(id, None)
        if task is not None:
            task.cancel()
        subscription = self._session.subscriptions.get(id)
        if subscription is not None:
            self._hub.remove(subscription)
        self._session.post(messages.about("complete", id))

    async def _started(self, id: str, payload: Any) -> None:
        try:
            await self._ask(id, payload)
        except (AwsError, CallDropped) as error:
            kind = error.code if isinstance(error, AwsError) else "InternalFailure"
            self._fail(id, kind, error.message if isinstance(error, AwsError) else "The connection was lost.")
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("a subscription could not be started")
            self._fail(id, "InternalFailure", "Internal Failure")
        finally:
            if self._starting.get(id) is asyncio.current_task():
                del self._starting[id]

    async def _ask(self, id: str, payload: Any) -> None:
        """Pass a start through the doorway: a call like any other."""
        session = self._session
        call = Call(
            self._doorway,
            "appsync",
            "StartSubscription",
            {"apiId": session.api, "Session": session, "Id": id, "Payload": payload},
            Principal.of_service(session.account, "appsync.amazonaws.com", "client"),
            session.account,
            session.region,
            Trace.new(self._doorway.clock.now()),
            http=session.request,
        )
        await self._doorway.dispatch(call)

    def _fail(self, id: str | None, kind: str, text: str) -> None:
        self._session.post(messages.failed(id, [messages.error_entry(kind, text)]))


@appsync.operation(name="StartSubscription")
async def start_subscription(call: Call, apiId: str, Session: Session, Id: str, Payload: Any) -> None:
    """Start a subscription of a session, or tell its client why not."""
    from kumoi.services.appsync.realtime.starting import CannotStart, begin

    call.node = f"appsync:{apiId}"
    try:
        feed, wants = await begin(call, Session, Payload)
    except CannotStart as refusal:
        call.outcome = str(refusal.errors[0].get("errorType") or "ValidationError")
        Session.post(messages.failed(Id, refusal.errors))
        return
    call.part(Hub).add(Subscription(Session, Id, feed, wants))
    Session.post(messages.about("start_ack", Id))


@appsync.operation(name="DeliverToSubscribers")
async def deliver_to_subscribers(call: Call, apiId: str, Publication: Any) -> dict[str, int]:
    """Send what a mutation came to to those who want it."""
    from kumoi.services.appsync.realtime.publishing import deliver

    return {"Count": await deliver(call, apiId, Publication)}


def _plain(status: int, kind: str, text: str) -> Response:
    body = orjson.dumps({"errors": [{"errorType": kind, "message": text}]})
    return Response(status, [("Content-Type", "application/json;charset=UTF-8"), ("x-amzn-ErrorType", kind)], body)
