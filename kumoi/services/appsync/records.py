"""What AppSync stores: APIs, their schemas, keys and parts, and where on the platform an id is found.

`properties` of a record are the members that clients gave, as they gave them. Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from kumoi.names import uuid
from kumoi.state import Transaction
from kumoi.state.space import Space


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """A GraphQL API."""

    id: str
    created: float
    properties: dict[str, Any]
    tags: dict[str, str] = {}
    environment: dict[str, str] = {}


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """An API's schema: the last one that was valid, its version, and how the last creation went."""

    api: str
    status: str
    details: str
    definition: str = ""
    version: str = ""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key; the id is the secret. It stays until `deletes`."""

    api: str
    id: str
    expires: float
    deletes: float
    description: str | None = None


class DataSource(msgspec.Struct, frozen=True, kw_only=True):
    """What resolvers read and write."""

    api: str
    name: str
    properties: dict[str, Any]


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A step of pipelines. `version` changes with every update."""

    api: str
    id: str
    version: str
    properties: dict[str, Any]


class Resolver(msgspec.Struct, frozen=True, kw_only=True):
    """How a field is resolved. `version` changes with every update."""

    api: str
    type_name: str
    field: str
    version: str
    properties: dict[str, Any]


class Place(msgspec.Struct, frozen=True):
    """Whose an API or a key is: found by the id of either."""

    id: str
    api: str
    account: str
    region: str


class ApiCache(msgspec.Struct, frozen=True, kw_only=True):
    """An API's cache; `version` changes when it is changed or flushed."""

    api: str
    version: str
    properties: dict[str, Any]


class Wiring(msgspec.Struct, frozen=True):
    """How an API's fields are resolved, in one version: it changes with each of its parts."""

    api: str
    version: str


PartT = TypeVar("PartT", bound=DataSource | Function | Resolver)
wirings: Space[Wiring] = Space("appsync.wiring", Wiring, lambda wiring: (wiring.api,), remembered=True)


class Parts(Space[PartT]):
    """Parts of APIs: whoever writes one makes a new version of its API's wiring."""

    async def put(self, tx: Transaction, record: PartT) -> None:
        """Store a part."""
        await super().put(tx, record)
        await wirings.put(tx, Wiring(record.api, uuid()))

    async def delete(self, tx: Transaction, *key: Any) -> bool:
        """Remove a part; whether it was there."""
        await wirings.put(tx, Wiring(key[0], uuid()))
        return await super().delete(tx, *key)

    async def delete_all(self, tx: Transaction, *prefix: Any) -> int:
        """Remove the parts of an API; how many there were."""
        await wirings.delete(tx, prefix[0])
        return await super().delete_all(tx, *prefix)


apis: Space[Api] = Space("appsync.api", Api, lambda api: (api.id,), remembered=True)
schemas: Space[Schema] = Space("appsync.schema", Schema, lambda schema: (schema.api,), remembered=True)
caches: Space[ApiCache] = Space("appsync.cache", ApiCache, lambda cache: (cache.api,), remembered=True)
keys: Space[ApiKey] = Space("appsync.key", ApiKey, lambda key: (key.api, key.id), remembered=True)
data_sources: Parts[DataSource] = Parts("appsync.source", DataSource, lambda source: (source.api, source.name))
functions: Parts[Function] = Parts("appsync.function", Function, lambda function: (function.api, function.id))
resolvers: Parts[Resolver] = Parts(
    "appsync.resolver", Resolver, lambda resolver: (resolver.api, resolver.type_name, resolver.field)
)
places: Space[Place] = Space("appsync.place", Place, lambda place: (place.id,), scope="global", remembered=True)
