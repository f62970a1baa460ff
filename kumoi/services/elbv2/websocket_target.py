"""A WebSocket through a load balancer: a handshake with the target, then messages both ways until one side ends it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kumoi.services.elbv2.addresses import host_of
from kumoi.services.elbv2.answers import page
from kumoi.services.elbv2.records import Target, TargetGroup
from kumoi.wire.http import Response

if TYPE_CHECKING:
    from kumoi.services.elbv2.plane import Exchange

logger = logging.getLogger(__name__)


async def connect(exchange: Exchange, group: TargetGroup, target: Target) -> Response:
    """Pass a handshake on; the answer accepts it where the target does."""
    from kumoi.http_api import websocket_client  # at its first use: a platform starts without it

    request = exchange.request
    query = f"?{request.query}" if request.query else ""
    offered = request.headers.get("sec-websocket-protocol")
    handshake = websocket_client.handshake(request.host, exchange.path + query, exchange.fields, offered)
    try:
        return await websocket_client.connect(host_of(target), target.port, handshake, seconds=exchange.seconds)
    except websocket_client.Unreachable as problem:
        logger.warning("load balancer %s: %s: %s", exchange.balancer.name, target.id, problem)
        return page(504 if problem.timeout else 502, reason=str(problem) or "the target did not answer")
