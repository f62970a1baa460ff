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
    """An API's schema: the last one that was valid, its version, and how the last creation went.

    `written` has the types that were given one by one since: by name, the format and the definition as it was given.
    """

    api: str
    status: str
    details: str
    definition: str = ""
    version: str = ""
    written: dict[str, tuple[str, str]] = {}


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


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A custom domain name, and the API that it leads to, if it does."""

    name: str
    account: str
    region: str
    certificate: str
    description: str | None = None
    tags: dict[str, str] = {}
    api: str | None = None


class ApiCache(msgspec.Struct, frozen=True, kw_only=True):
    """An API's cache; `version` changes when it is changed or flushed."""

    api: str
    version: str
    properties: dict[str, Any]


class Version(msgspec.Struct, frozen=True):
    """An API's version: it changes with whatever is written of the API."""

    api: str
    version: str


RecordT = TypeVar("RecordT")
versions: Space[Version] = Space("appsync.version", Version, lambda version: (version.api,), remembered=True)


class Part(Space[RecordT]):
    """Records of APIs, under keys that begin with the API's id: whoever writes one makes a new version of the API."""

    async def put(self, tx: Transaction, record: RecordT) -> None:
        """Store a record."""
        await super().put(tx, record)
        await self._changed(tx, self._key(record)[0])

    async def delete(self, tx: Transaction, *key: Any) -> bool:
        """Remove a record; whether it was there."""
        await self._changed(tx, key[0])
        return await super().delete(tx, *key)

    async def delete_all(self, tx: Transaction, *prefix: Any) -> int:
        """Remove the records of an API; how many there were."""
        await self._changed(tx, prefix[0])
        return await super().delete_all(tx, *prefix)

    async def _changed(self, tx: Transaction, api: Any) -> None:
        await versions.put(tx, Version(api, uuid()))


apis: Part[Api] = Part("appsync.api", Api, lambda api: (api.id,), remembered=True)
schemas: Part[Schema] = Part("appsync.schema", Schema, lambda schema: (schema.api,), remembered=True)
caches: Part[ApiCache] = Part("appsync.cache", ApiCache, lambda cache: (cache.api,))
keys: Part[ApiKey] = Part("appsync.key", ApiKey, lambda key: (key.api, key.id), remembered=True)
data_sources: Part[DataSource] = Part("appsync.source", DataSource, lambda source: (source.api, source.name))
functions: Part[Function] = Part("appsync.function", Function, lambda function: (function.api, function.id))
resolvers: Part[Resolver] = Part(
    "appsync.resolver", Resolver, lambda resolver: (resolver.api, resolver.type_name, resolver.field)
)
places: Space[Place] = Space("appsync.place", Place, lambda place: (place.id,), scope="global", remembered=True)
domains: Space[Domain] = Space("appsync.domain", Domain, lambda domain: (domain.name,), scope="global")
