"""An API ready to run: its schema with its resolvers, and the programs that queries were compiled to.

Who asks is part of a program: a field that is not open to a kind of caller is refused in it. So the hot path asks
nobody about permissions.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from kumoi.services.appsync.access import allowed
from kumoi.services.appsync.execution.compiler import Program, Rules, program
from kumoi.services.appsync.execution.documents import Document, Operation
from kumoi.services.appsync.execution.selections import Flags
from kumoi.services.appsync.records import Api, Wiring, data_sources, functions, resolvers
from kumoi.services.appsync.resolving.field import Caller
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


class Bound:
    """An API in one state of its schema, resolvers and properties."""

    def __init__(self, api: Api, found: Compiled, resolvers: Mapping[tuple[str, str], Plan | FieldError]) -> None:
        self.api = api
        self.compiled = found
        self.resolvers = resolvers
        self._programs: OrderedDict[Any, tuple[Program, int]] = OrderedDict()
        self._kept = 0

    def program(self, document: Document, operation: Operation, flags: Flags, caller: Caller) -> Program:
        """What to run for a caller, compiled at the first time."""
        groups = caller.groups if self.compiled.has_groups else ()
        key = (document.text, operation.name, tuple(flags.values()), caller.mode, groups, caller.denied)
        kept = self._programs.pop(key, None)
        if kept is None:
            size = len(document.text) + _SIZE
            made = self._made(document, operation, flags, caller)
            if size > KEPT // 4:
                return made
            self._kept += size
            kept = (made, size)
        self._programs[key] = kept
        while self._kept > KEPT:
            _key, (_program, size) = self._programs.popitem(last=False)
            self._kept -= size
        return kept[0]

    def _made(self, document: Document, operation: Operation, flags: Flags, caller: Caller) -> Program:
        def refuse(type_name: str, field: str) -> FieldError | None:
            open_ = allowed(self.compiled, self.api.properties, caller, type_name, field)
            return None if open_ else Unauthorized(type_name, field)

        depth = self.api.properties.get("queryDepthLimit") or 0
        rules = Rules(self.resolvers, refuse, caller.mode == "AWS_IAM", depth)
        return program(self.compiled.schema, operation.node, document.fragments, flags, rules)


class Bounds:
    """The APIs in use, each in the state that it was asked in last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[tuple[str, str], Bound]] = OrderedDict()

    async def of(self, state: State, api: Api, found: Compiled, version: str, wiring: Wiring | None) -> Bound:
        """An API ready to run, made anew when its schema, one of its parts or its properties changed."""
        wanted = (version, wiring.version if wiring is not None else "")
        versions, bound = self._kept.pop(api.id, (None, None))
        if bound is None or versions != wanted or bound.compiled is not found:
            bound = Bound(api, found, await _resolvers(state, api.id))
        elif bound.api is not api and bound.api != api:
            bound = Bound(api, found, bound.resolvers)
        self._kept[api.id] = (wanted, bound)
        if len(self._kept) > APIS:
            self._kept.popitem(last=False)
        return bound


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
