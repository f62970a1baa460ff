"""What AppSync keeps in memory while the platform runs: compiled schemas and templates, keys of issuers, verdicts.

Each is made at its first use, so that a platform starts without the libraries behind it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from kumoi.state.derived import Derived

if TYPE_CHECKING:
    from kumoi.http_api.jwt import IssuerKeys
    from kumoi.services.appsync.caching import Cache
    from kumoi.services.appsync.execution.bound import Bound, Bounds
    from kumoi.services.appsync.records import Place, Version
    from kumoi.services.appsync.resolving.templates import Templates
    from kumoi.services.appsync.schema.compiled import Compiled
    from kumoi.services.appsync.verdicts import Verdicts
    from kumoi.state import State
    from kumoi.time_limit import TimeLimit
    from kumoi.wire.sigv4 import Verifier

SECONDS = 30.0
"""How long a request may take."""
SCHEMAS = 64
"""Schemas that are kept."""
ENTRANCES = 64
"""Ids and keys that are known to lead to an API."""


class Entrance(NamedTuple):
    """Where an id or a key leads: whose API it is, ready to run; None where it is none of GraphQL."""

    place: Place
    bound: Bound | None


class Kept:
    """The memory of one platform."""

    def __init__(self) -> None:
        self.entrances: Derived[Entrance] = Derived(ENTRANCES)
        self._bounds: Bounds | None = None
        self._schemas: OrderedDict[str, Compiled] = OrderedDict()

    @cached_property
    def cache(self) -> Cache:
        """What the caches of APIs hold."""
        from kumoi.services.appsync.caching import Cache

        return Cache()

    async def schema(self, version: str, definition: str) -> Compiled:
        """A schema, compiled; raises BadSchema. That, and importing what compiles, takes a while: on a thread."""
        found = self._schemas.get(version)
        if found is None:
            found = await asyncio.to_thread(_compiled, definition)
        else:
            self._schemas.move_to_end(version)
        self._schemas[version] = found
        if len(self._schemas) > SCHEMAS:
            self._schemas.popitem(last=False)
        return found

    async def bound(self, state: State, api_id: str, version: Version | None) -> Bound | None:
        """An API ready to run; None when it is gone."""
        if self._bounds is None:
            made = await asyncio.to_thread(_bounds, self.schema)
            self._bounds = self._bounds or made
        return await self._bounds.of(state, api_id, version)

    @cached_property
    def time_limit(self) -> TimeLimit:
        """How long executions may take."""
        from kumoi.time_limit import TimeLimit

        return TimeLimit(SECONDS)

    @cached_property
    def templates(self) -> Templates:
        """Templates in use."""
        from kumoi.services.appsync.resolving.templates import Templates

        return Templates()

    @cached_property
    def verdicts(self) -> Verdicts:
        """What functions said of tokens."""
        from kumoi.services.appsync.verdicts import Verdicts

        return Verdicts()

    @cached_property
    def verifier(self) -> Verifier:
        """Verifies signatures in messages."""
        from kumoi.wire.sigv4 import Verifier

        return Verifier()

    @cached_property
    def issuer_keys(self) -> IssuerKeys:
        """The keys of those who issue tokens."""
        from kumoi.http_api.jwt import IssuerKeys

        return IssuerKeys()


def _bounds(schema: Callable[[str, str], Awaitable[Compiled]]) -> Bounds:
    from kumoi.services.appsync.execution.bound import Bounds

    return Bounds(schema)


def _compiled(definition: str) -> Compiled:
    from kumoi.services.appsync.schema.compiled import compiled

    return compiled(definition)
