"""An HTTP server on this machine as a target."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kumoi.http_client import HttpClient, Unreachable
from kumoi.services.elbv2.addresses import address_of
from kumoi.services.elbv2.answers import page
from kumoi.services.elbv2.records import Target, TargetGroup
from kumoi.wire.http import BodyTooLarge, HeaderList, Response

if TYPE_CHECKING:
    from kumoi.services.elbv2.plane import Exchange

logger = logging.getLogger(__name__)

MAX_BODY = 128 * 1024 * 1024
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"})


async def ask(exchange: Exchange, group: TargetGroup, target: Target) -> Response:
    """The server's answer, or the load balancer's page that says why there is none."""
    request = exchange.request
    try:
        body = await request.body.read(MAX_BODY)
    except BodyTooLarge:
        return page(413, reason="Kumoi's load balancers pass on bodies of at most 128 MB")
    exchange.call.request_bytes = len(body)
    query = f"?{request.query}" if request.query else ""
    url = f"{group.properties['Protocol'].lower()}://{address_of(target, target.port)}{exchange.path}{query}"
    fields: HeaderList = [field for field in exchange.fields if field[0].lower() != "content-length"]
    client = exchange.call.part(HttpClient)
    try:
        answer = await client.send(request.method, url, fields, body, seconds=exchange.seconds, most=MAX_BODY)
    except Unreachable as error:
        logger.warning("load balancer %s: %s", exchange.balancer.name, error)
        return page(504 if error.timeout else 502, reason=str(error))
    if not answer.complete:
        return page(502, reason="the target answered more than 128 MB")
    headers = [field for field in answer.headers if field[0].lower() not in _HOP]
    return Response(answer.status, headers, answer.body)
