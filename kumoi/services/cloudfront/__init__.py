"""Amazon CloudFront: distributions that really serve, and the code that runs at the edge.

`operations/` is the control plane; what a distribution's configuration must be like stands in `configuration/`. The
data plane is `edge/`: host → distribution → behaviour → guards → viewer functions → cache → origin → answer.

Rules: the CloudFront API reference and developer guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

cloudfront = Service(
    "cloudfront",
    __name__,
    modules=(
        "operations.aliases",
        "operations.distributions",
        "operations.functions",
        "operations.invalidations",
        "operations.key_value_stores",
        "operations.kinds",
        "operations.listings",
        "operations.realtime_logs",
        "operations.staging",
        "operations.tags",
        "edge.plane",
        "edge.tools",
    ),
    resource=("Id", "DistributionId", "Name", "TargetDistributionId", "Resource"),
    data_planes=("cloudfront-edge", "edge"),
    authorization="authorization",
    tagged="tagged",
)

key_value_data = Service(
    "cloudfront-keyvaluestore",
    __name__,
    modules=("operations.key_values",),
    resource=("KvsARN",),
    page="cloudfront",
    authorization="key_value_authorization",
)


@cloudfront.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep caches and claimed host names while the platform runs."""
    from kumoi.services.cloudfront.lifespan import running

    async with running(parts):
        yield


@cloudfront.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Free the host names, and drop what is cached, of what is being forgotten."""
    from kumoi.services.cloudfront.lifespan import forget

    await forget(parts, state, account)
