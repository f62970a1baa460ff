"""Where WebSockets come in: handshakes of GraphQL APIs (`/graphql…`) and of Event APIs (`/event…`)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.access import Refused, authenticate
from kumoi.services.appsync.event_apis.access import authorized
from kumoi.services.appsync.event_apis.conversation import EventConversation
from kumoi.services.appsync.event_apis.publishing import MAX_PUBLICATION, read_event_api
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.lookup import find_place, find_version
from kumoi.services.appsync.realtime import handshake, messages
from kumoi.services.appsync.realtime.conversation import Conversation
from kumoi.services.appsync.realtime.handshake import EVENTS, GRAPHQL, Opening, Refusal, opening
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.services.appsync.realtime.session import Session
from kumoi.services.appsync.realtime.signed import signable, signer
from kumoi.services.appsync.realtime.subscribing import GraphqlConversation
from kumoi.wire.http import Request, Response
from kumoi.wire.websocket import MAX_MESSAGE, Upgrade, WebSocketPeer

_PATHS = {
    "/graphql": GRAPHQL,
    "/graphql/realtime": GRAPHQL,
    "/event": EVENTS,
    "/event/realtime": EVENTS,
}


@appsync.data_plane("appsync-realtime")
async def connect(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer a handshake; `attributes` has the API's `id`, which a key stands for as well."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    subprotocol = _PATHS.get(path.rstrip("/"))
    if subprotocol is None:
        return _plain(404, "NotFoundException", "The API or the path is not found.")
    if not request.websocket:
        return _plain(426, "UpgradeRequired", "The real-time endpoint takes WebSockets only.")
    try:
        given = _opened(request, subprotocol)
        conversation = await _begun(call, request, given, subprotocol, attributes.get("id", ""))
    except Refusal as refusal:
        return Response(101, upgrade=_refusing(refusal, request, subprotocol))
    if conversation is None:
        return _plain(404, "NotFoundException", "The API is not found.")
    largest = MAX_PUBLICATION if subprotocol == EVENTS else MAX_MESSAGE
    return Response(101, upgrade=Upgrade(conversation.run, subprotocol, largest))


async def _begun(call: Call, request: Request, given: Opening, subprotocol: str, id: str) -> Conversation | None:
    """The conversation with whoever may connect; None where there is no such API. Raises Refusal."""
    everywhere = call.doorway.state.at("", "")
    place = await find_place(everywhere, id) or await find_place(everywhere, given.headers.get("x-api-key", ""))
    if place is None:
        return None
    call.account, call.region, call.node = place.account, place.region, f"appsync:{place.api}"
    hub, session = call.part(Hub), Session(place.api, place.account, place.region, request, call.now)
    try:
        if subprotocol == EVENTS:
            event_api = await read_event_api(call.state, place.api)
            if event_api is None:
                return None
            call.caller = await signer(call, given.headers, signable("/event", place.api), given.payload)
            caller = await authorized(call, event_api, None, "CONNECT", {}, given.headers)
            hub.end_by(session, caller.expires)
            return EventConversation(hub, call, session)
        bound = await call.part(Kept).bound(call.state, place.api, await find_version(call.state, place.api))
        if bound is None:
            return None
        call.caller = await signer(call, given.headers, signable("/graphql", place.api, "/connect"), given.payload)
        caller = await authenticate(call, bound.admission, {}, given.headers)
        hub.end_by(session, caller.expires)
        return GraphqlConversation(hub, call, session)
    except Refused as refusal:
        raise Refusal(401, str(refusal), "UnauthorizedException") from None


def _opened(request: Request, subprotocol: str) -> Opening:
    headers = {name.lower(): value for name, value in request.headers.items}
    return opening(subprotocol, _offered(request), request.query, headers)


def _offered(request: Request) -> list[str]:
    return [one.strip() for one in (request.headers.get("sec-websocket-protocol") or "").split(",")]


def _refusing(refusal: handshake.Refusal, request: Request, subprotocol: str) -> Upgrade:
    """Accept, say why not, close: browsers show nothing of a handshake that is refused."""
    told = messages.connection_error if subprotocol == GRAPHQL else messages.event_connection_error

    async def serve(peer: WebSocketPeer) -> None:
        await peer.send(told(refusal.code, refusal.kind, str(refusal)))
        await peer.close(1000)

    return Upgrade(serve, subprotocol if subprotocol in _offered(request) else None)


def _plain(status: int, kind: str, text: str) -> Response:
    body = orjson.dumps({"errors": [{"errorType": kind, "message": text}]})
    return Response(status, [("Content-Type", "application/json;charset=UTF-8"), ("x-amzn-ErrorType", kind)], body)
