"""An API ready to run: its schema with its resolvers, and the programs that queries were compiled to.

Who asks is part of a program: a field that is not open to a kind of caller is refused in it. So the hot path asks
nobody about permissions.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from kumoi.services.appsync.access import Admission, allowed
from kumoi.services.appsync.execution.compiler import Program, Rules, program
from kumoi.services.appsync.execution.documents import LONG, Document, Operation, document
from kumoi.services.appsync.execution.running import Answer, run
from kumoi.services.appsync.execution.selections import Flags
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.records import (
    Api,
    ApiCache,
    ApiKey,
    Schema,
    Version,
    apis,
    caches,
    data_sources,
    functions,
    keys,
    resolvers,
    schemas,
)
from kumoi.services.appsync.resolving.field import Asked, Caller
from kumoi.services.appsync.resolving.outcomes import FieldError, Unauthorized
from kumoi.services.appsync.resolving.resolver import Plan, plan
from kumoi.services.appsync.schema.compiled import Compiled
from kumoi.state import State, Transaction, transactional

APIS = 64
"""APIs that are kept ready."""
KEPT = 512 * 1024
"""Characters of the queries whose programs an API keeps."""
_SIZE = 1_000
"""What a program counts beside its text."""


class Parts(NamedTuple):
    """An API as it is stored, but for what its fields are resolved by."""

    api: Api
    schema: Schema | None
    cache: ApiCache | None
    keys: Mapping[str, ApiKey]


class Bound:
    """An API in one version."""

    def __init__(
        self, parts: Parts, found: Compiled | None, resolvers: Mapping[tuple[str, str], Plan | FieldError]
    ) -> None:
        self.api, _schema, self.cache, keys = parts
        self.admission = Admission.of(self.api, keys)
        self._introspects = self.api.properties.get("introspectionConfig") != "DISABLED"
        self.compiled = found
        self.resolvers = resolvers
        self._programs: OrderedDict[Any, tuple[Program, int]] = OrderedDict()
        self._kept = 0

    @property
    def schema(self) -> Compiled:
        """The schema of an API that has one."""
        assert self.compiled is not None, "an API without a schema runs nothing"
        return self.compiled

    def document(self, text: str) -> Awaitable[Document]:
        """A query, read and checked."""
        return document(self.schema, text, self._introspects)

    def run(self, asked: Asked, kept: Kept, document: Document, operation: Operation) -> Awaitable[Answer]:
        """What a request comes to."""
        return run(asked, self, kept, document, operation)

    async def program(self, document: Document, operation: Operation, flags: Flags, caller: Caller) -> Program:
        """What to run for a caller, compiled at the first time: of a long query, on a thread."""
        found = self.schema
        groups = caller.groups if found.has_groups else ()
        key = (document.text, operation.name, tuple(flags.values()), caller.mode, groups, caller.denied)
        kept = self._programs.get(key)
        if kept is not None:
            self._programs.move_to_end(key)
            return kept[0]
        size = len(document.text) + _SIZE
        parts = found, document, operation, flags, caller
        made = self._made(*parts) if len(document.text) < LONG else await asyncio.to_thread(self._made, *parts)
        if size > KEPT // 4 or key in self._programs:
            return made
        self._programs[key] = made, size
        self._kept += size
        while self._kept > KEPT:
            _key, (_program, size) = self._programs.popitem(last=False)
            self._kept -= size
        return made

    def _made(self, found: Compiled, document: Document, operation: Operation, flags: Flags, caller: Caller) -> Program:
        def refuse(type_name: str, field: str) -> FieldError | None:
            open_ = allowed(found, self.api.properties, caller, type_name, field)
            return None if open_ else Unauthorized(type_name, field)

        depth = self.api.properties.get("queryDepthLimit") or 0
        rules = Rules(self.resolvers, refuse, caller.mode == "AWS_IAM", depth)
        return program(found.schema, operation.node, document.fragments, flags, rules)


class Bounds:
    """The APIs in use, each in the version that it was asked in last."""

    def __init__(self, schema: Callable[[str, str], Awaitable[Compiled]]) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, tuple[str, Bound]] = OrderedDict()

    async def of(self, state: State, api_id: str, version: Version | None) -> Bound | None:
        """An API ready to run, made anew when something of it changed; None when it is gone."""
        wanted = version.version if version is not None else ""
        kept, bound = self._kept.pop(api_id, ("", None))
        if bound is None or kept != wanted:
            parts = await _parts(state, api_id)
            if parts is None:
                return None
            bound = await self._made(state, parts)
        self._kept[api_id] = (wanted, bound)
        if len(self._kept) > APIS:
            self._kept.popitem(last=False)
        return bound

    async def _made(self, state: State, parts: Parts) -> Bound:
        schema = parts.schema
        if schema is None or not schema.definition:
            return Bound(parts, None, {})
        found = await self._schema(schema.version, schema.definition)
        return Bound(parts, found, await _resolvers(state, parts.api.id))


@transactional
async def _parts(tx: Transaction, api_id: str) -> Parts | None:
    api = await apis.get(tx, api_id)
    if api is None:
        return None
    known = {key.id: key for key in await keys.list(tx, api_id)}
    return Parts(api, await schemas.get(tx, api_id), await caches.get(tx, api_id), known)


@transactional
async def _resolvers(tx: Transaction, api_id: str) -> dict[tuple[str, str], Plan | FieldError]:
    """How each field that has a resolver is resolved."""
    steps = {function.id: function for function in await functions.list(tx, api_id)}
    sources = {source.name: source for source in await data_sources.list(tx, api_id)}
    plans: dict[tuple[str, str], Plan | FieldError] = {}
    for resolver in await resolvers.list(tx, api_id):
        try:
            plans[resolver.type_name, resolver.field] = plan(resolver, steps, sources)
        except FieldError as error:
            plans[resolver.type_name, resolver.field] = error
    return plans
