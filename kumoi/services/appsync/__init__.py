"""AWS AppSync: GraphQL APIs whose fields are resolved by templates, JavaScript, functions and tables.

`operations/` holds the control plane: APIs, schemas, keys, data sources, resolvers, functions. Requests come to
`plane.py`: authorization (`access.py`) → the schema (`schema/`) → execution (`execution/`), where every field that has
a resolver is resolved by it (`resolving/`) and all others are read from their parents.

Rules: the AppSync API reference and developer guide ("Resolver mapping template reference", "JavaScript resolvers",
"Configuring authorization").
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

appsync = Service(
    "appsync",
    __name__,
    modules=(
        "operations.apis",
        "operations.caches",
        "operations.data_sources",
        "operations.evaluation",
        "operations.functions",
        "operations.keys",
        "operations.resolvers",
        "operations.schemas",
        "operations.tags",
        "operations.types",
        "plane",
    ),
    data_planes=("appsync-api",),
    resource=("apiId", "resourceArn"),
    authorization="authorization",
)


@appsync.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep what is compiled while the platform runs."""
    from kumoi.services.appsync.kept import Kept

    parts.add(Kept, Kept())
    yield


@appsync.on_reset
async def reset(_parts: Parts, state: State, account: str | None) -> None:
    """Free the ids of what is being forgotten."""
    from kumoi.services.appsync.lookup import forget

    await forget(state.at("", ""), account)
