"""REST APIs, their stages, API keys, usage plans, client certificates and VPC links, with their tags."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.tagged import Retagging, Tagged
from kumoi.names import arn
from kumoi.services.apigateway.records import api_keys, client_certificates, rest_apis, stages, usage_plans, vpc_links
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

_KINDS: dict[str, Space[Any]] = {
    "restapis": rest_apis,
    "apikeys": api_keys,
    "usageplans": usage_plans,
    "clientcertificates": client_certificates,
    "vpclinks": vpc_links,
}


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """REST APIs, their stages, API keys, usage plans, client certificates and VPC links, in a place."""
    found = [(f"/restapis/{one.api}/stages/{one.name}", one.tags) for one in await stages.list(tx)]
    for kind, space in _KINDS.items():
        found += [(f"/{kind}/{one.id}", one.tags) for one in await space.list(tx)]
    return [Tagged(arn("apigateway", tx.region, "", path), tags) for path, tags in found]


retag = Retagging("apigateway", resource="resourceArn", tags="tags", keys="tagKeys")
