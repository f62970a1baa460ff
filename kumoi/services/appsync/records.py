"""What AppSync stores: APIs, their schemas, keys and parts, and where on the platform an id is found.

`properties` of a record are the members that clients gave, as they gave them. Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any

import msgspec

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


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A custom domain name, and the API that it leads to, if it does."""

    name: str
    account: str
    region: str
    certificate: str
    description: str | None = None
    tags: dict[str, str] = {}
    api: str | None = None


apis: Space[Api] = Space("appsync.api", Api, lambda api: (api.id,), remembered=True)
schemas: Space[Schema] = Space("appsync.schema", Schema, lambda schema: (schema.api,), remembered=True)
keys: Space[ApiKey] = Space("appsync.key", ApiKey, lambda key: (key.api, key.id), remembered=True)
data_sources: Space[DataSource] = Space(
    "appsync.source", DataSource, lambda source: (source.api, source.name), remembered=True
)
functions: Space[Function] = Space(
    "appsync.function", Function, lambda function: (function.api, function.id), remembered=True
)
resolvers: Space[Resolver] = Space(
    "appsync.resolver", Resolver, lambda resolver: (resolver.api, resolver.type_name, resolver.field), remembered=True
)
places: Space[Place] = Space("appsync.place", Place, lambda place: (place.id,), scope="global", remembered=True)
domains: Space[Domain] = Space("appsync.domain", Domain, lambda domain: (domain.name,), scope="global")
