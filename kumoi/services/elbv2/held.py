"""What Elastic Load Balancing holds that is billed by time."""

from __future__ import annotations

from kumoi.doorway import Held
from kumoi.services.elbv2.records import balancers
from kumoi.state import Transaction, transactional


@transactional
async def held(tx: Transaction) -> list[Held]:
    """Load balancers."""
    return [Held(f"elbv2:{one.name}", "balancer", 1) for one in await balancers.list(tx)]
