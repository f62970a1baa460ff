"""Amazon Route 53: hosted zones and their record sets, health checks, and what names mean.

A zone's record sets are kept in the order that Route 53 lists them in; a batch of changes is checked and made in one
transaction (`changes.py`). What a name means is evaluated as Route 53's servers do it (`evaluation.py`): aliases,
weights, failover and the rest. Names that lead to something of this platform are told to the gateway (`pointers.py`),
so that requests for them arrive there. Route 53 is global: its records belong to an account, not to a region.

Rules: the Route 53 API reference and developer guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

route53 = Service(
    "route53",
    __name__,
    modules=(
        "operations.delegation_sets",
        "operations.health_checks",
        "operations.limits",
        "operations.queries",
        "operations.record_sets",
        "operations.tags",
        "operations.vpcs",
        "operations.zones",
    ),
    resource=("HostedZoneId", "HealthCheckId", "ResourceId", "Id"),
    authorization="authorization",
    tagged="tagged",
    held="held",
)


@route53.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Check endpoints, and tell the gateway what names lead to, while the platform runs."""
    from kumoi.services.route53.lifespan import running

    async with running(parts):
        yield


@route53.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Forget the zones of an account, or all, where they are found by name."""
    from kumoi.services.route53.lifespan import forget

    await forget(parts, state, account)
