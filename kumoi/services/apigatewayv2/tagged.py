"""HTTP and WebSocket APIs, their stages and VPC links, with their tags."""

from __future__ import annotations

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.names import arn
from kumoi.services.apigatewayv2.records import apis, stages, vpc_links
from kumoi.state import Transaction, transactional


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """HTTP and WebSocket APIs, their stages and VPC links, in a place."""
    found = [(f"/apis/{one.id}", one.tags) for one in await apis.list(tx)]
    found += [(f"/apis/{one.api}/stages/{one.name}", one.tags) for one in await stages.list(tx)]
    found += [(f"/vpclinks/{one.id}", one.tags) for one in await vpc_links.list(tx)]
    return [Tagged(arn("apigateway", tx.region, "", path), tags) for path, tags in found]


retag = Retagging("apigatewayv2")
