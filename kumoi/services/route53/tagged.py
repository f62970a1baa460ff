"""Hosted zones and health checks, with their tags: in us-east-1, as all of Route 53."""

from __future__ import annotations

from kumoi.doorway.tagged import KEY_VALUE, Retagging, Tagged
from kumoi.names import Arn
from kumoi.services.route53.naming import route53_arn
from kumoi.services.route53.records import health_checks, zones
from kumoi.state import Transaction, transactional

_REGION = "us-east-1"


@transactional
async def tagged(tx: Transaction) -> list[Tagged]:
    """The account's hosted zones and health checks."""
    if tx.region != _REGION:
        return []
    checks = [Tagged(route53_arn(f"healthcheck/{one.id}"), one.tags) for one in await health_checks.list(tx)]
    return [*(Tagged(one.arn, one.tags) for one in await zones.list(tx)), *checks]


def _named(arn: str) -> dict[str, str]:
    kind, _, resource = Arn.parse(arn).resource.partition("/")
    return {"ResourceType": kind, "ResourceId": resource}


_CHANGE = "ChangeTagsForResource"
retag = Retagging("route53", _CHANGE, _CHANGE, tags="AddTags", keys="RemoveTagKeys", pair=KEY_VALUE, named=_named)
