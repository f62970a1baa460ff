"""What Route 53 holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.route53.naming import HOME
from kumoi.services.route53.records import health_checks, zones
from kumoi.services.route53.store import node
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Hosted zones and health checks, which are in no region and told of its home."""
    if tx.region != HOME:
        return []
    found = [Held(node(one), "zone", 1) for one in await zones.list(tx)]
    return found + [Held(f"route53:{one.id}", "check", 1) for one in await health_checks.list(tx)]
