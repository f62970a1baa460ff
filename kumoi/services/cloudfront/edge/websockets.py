"""WebSockets through a distribution: passed on to the origin, never cached; behind the viewer-request function.

Source: "Use WebSockets with CloudFront distributions" of the guide: the handshake's own headers pass whatever policies
say, and no other function runs.
"""

from __future__ import annotations

import logging

from kumoi.services.cloudfront.edge import fetch
from kumoi.services.cloudfront.edge.asking import unanswered
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, phrase
from kumoi.services.cloudfront.edge.origin_request import origin_request
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.wire.http import HeaderList, Request

logger = logging.getLogger(__name__)


def is_handshake(request: Request) -> bool:
    """Whether a viewer asks for a WebSocket."""
    return request.method == "GET" and (request.headers.get("upgrade") or "").lower() == "websocket"


async def opened(visit: Visit, request: Request, asked: EdgeRequest) -> EdgeResponse:
    """The origin's answer to a viewer's handshake."""
    behaviour = visit.behaviour
    origin = visit.chosen_origin or visit.served.targets(behaviour)[0]
    going = origin_request(
        asked,
        origin,
        behaviour.keyed,
        behaviour.forwarded,
        request_id=visit.request_id,
        via=visit.via,
        legacy=behaviour.legacy,
    )
    handshake: HeaderList = [
        one
        for one in request.headers.items
        if one[0].lower() in ("upgrade", "connection") or one[0].lower().startswith("sec-websocket-")
    ]
    try:
        answer = await fetch.open_websocket(visit.call, going, visit.served.id, visit.scheme, handshake)
    except fetch.Unanswered as problem:
        logger.warning("%s: the origin %s gave no WebSocket: %s", visit.served.id, origin.domain, problem)
        return unanswered(visit, problem)
    body = answer.body if isinstance(answer.body, bytes) else b""
    headers = [one for one in answer.headers if one[0].lower() not in ("upgrade", "connection", "content-length")]
    return EdgeResponse(answer.status, headers, body, phrase(answer.status), upgrade=answer.upgrade)
