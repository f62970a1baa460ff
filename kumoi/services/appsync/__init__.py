"""AWS AppSync: GraphQL APIs whose fields are resolved by templates, JavaScript, functions and tables.

`operations/` holds the control plane: APIs, schemas, keys, data sources, resolvers, functions. Requests come to
`plane.py`: authorization (`access.py`) → the schema (`schema/`) → execution (`execution/`), where every field that has
a resolver is resolved by it (`resolving/`) and all others are read from their parents. What mutations come to goes
to subscribers over WebSockets (`realtime/`); Event APIs (`event_apis/`) have channels in place of a schema.

Rules: the AppSync API reference and developer guide ("Resolver mapping template reference", "JavaScript resolvers",
"Configuring authorization").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Doorway, Parts, Service
from kumoi.state import State

appsync = Service(
    "appsync",
    __name__,
    modules=(
        "operations.apis",
        "operations.caches",
        "operations.data_sources",
        "operations.domains",
        "operations.evaluation",
        "operations.functions",
        "operations.keys",
        "operations.resolvers",
        "operations.schemas",
        "operations.tags",
        "operations.types",
        "event_apis.conversation",
        "event_apis.operations",
        "event_apis.publishing",
        "explorer",
        "plane",
        "realtime.plane",
        "realtime.subscribing",
    ),
    data_planes=("appsync-access", "appsync-api", "appsync-realtime"),
    resource=("apiId", "resourceArn"),
    authorization="authorization",
    tagged="tagged",
)


@appsync.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep what is compiled, and the sessions of subscribers, while the platform runs."""
    from kumoi.doorway.host_names import HostNames
    from kumoi.services.appsync.domain_names import all_domains, claim
    from kumoi.services.appsync.kept import Kept
    from kumoi.services.appsync.realtime.hub import Hub
    from kumoi.services.appsync.request_log import ApiLogs

    parts.add(Kept, Kept())
    logs = parts.add(ApiLogs, ApiLogs(parts[Doorway]))
    hub = parts.add(Hub, Hub(parts[Doorway].clock))
    for domain in await all_domains(parts[Doorway].state.at("", "")):
        claim(parts[HostNames], domain)  # type: ignore[type-abstract]
    try:
        yield
    finally:
        await hub.stop()
        await logs.stop()


@appsync.on_reset
async def reset(parts: Parts, state: State, account: str | None) -> None:
    """Free the ids of what is being forgotten, and close the connections to it."""
    from kumoi.doorway.host_names import HostNames
    from kumoi.services.appsync.domain_names import release_all
    from kumoi.services.appsync.lookup import forget
    from kumoi.services.appsync.realtime.hub import Hub

    await parts[Hub].close_all(account)
    await release_all(parts[HostNames], state, account)  # type: ignore[type-abstract]
    await forget(state.at("", ""), account)
