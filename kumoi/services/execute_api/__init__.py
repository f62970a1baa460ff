"""The addresses of APIs: from a host name, a path form or a custom domain name to the service whose API it is.

One data plane for every kind of API, because their addresses look alike: only the id tells them apart. The
same call goes on in the service of the API: it is on the map as that service's. What all kinds need while the platform
runs (`lifespan.py`) is built here, too.

Rules: "Invoking REST APIs", "Working with custom domain names" of the API Gateway developer guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

execute_api = Service("execute-api", __name__, modules=("plane",), data_planes=("execute-api",), page="api-gateway")


@execute_api.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep throttles, caches and access logs while the platform runs."""
    from kumoi.services.execute_api.lifespan import running

    async with running(parts):
        yield


@execute_api.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Free the ids and the host names of what is being forgotten."""
    from kumoi.services.execute_api.lifespan import forget

    await forget(parts, state, account)
