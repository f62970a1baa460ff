"""Executing a plan: what a resolver has to resolve is resolved together, mutations' fields one after another.

What comes of each is finished at once and may leave more to be resolved. Fields of one list that share a resolver stay
together as siblings, so that a function may be called for all of them. Source: "Executing Operations" of the GraphQL
specification.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from graphql import GraphQLError

from kumoi.services.appsync.execution.compiler import Program
from kumoi.services.appsync.execution.plans import Ledger, ObjectPlan, Path, Pending, keys, place
from kumoi.services.appsync.execution.shown import Shown, located, shown, written
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.siblings import Siblings

logger = logging.getLogger(__name__)

AT_ONCE = 200
"""Resolvers of one request that run at a time."""
BREATH = 16
"""Resolvers that may go on one after another, without waiting for anything, before others have their turn."""
LARGE = 2_000
"""Items from which on a list is finished on a thread."""

Resolve = Callable[[Pending, Siblings | None], Awaitable[Any]]
"""Resolves a field, which may have siblings; raises FieldError or GraphQLError."""


class Execution:
    """One run of a program."""

    def __init__(self, resolve: Resolve, most: Callable[[Pending], int]) -> None:
        self._resolve = resolve
        self._most = most
        self.errors: list[Shown] = []
        self._holes: list[Path] = []

    async def run(self, program: Program, root: Any) -> dict[str, Any] | None:
        """The data; errors are in `errors`."""
        data: dict[str, Any] = {}
        for part in _apart(program.root) if program.serial else [program.root]:
            ledger = Ledger(self.errors, self._holes)
            part.read(root, None, ledger, data)
            pending = ledger.pending
            while len(pending) == 1:  # the usual case, which is a coroutine less
                pending = await self._one(pending[0], None)
            if pending:
                await self._settle(pending)
            if None in self._holes:
                break
        return self._pierced(data) if self._holes else data

    async def _settle(self, pending: list[Pending]) -> None:
        """Resolve fields, and what that leaves open in turn."""
        while len(pending) == 1:
            pending = await self._group(pending)
        if pending:
            await _together([lambda group=group: self._settled(group) for group in self._groups(pending)])  # type: ignore[misc]

    async def _settled(self, group: Sequence[Pending]) -> None:
        await self._settle(await self._group(group))

    def _groups(self, pending: Iterable[Pending]) -> list[list[Pending]]:
        """Siblings, as many together as may be."""
        groups: list[list[Pending]] = []
        last: dict[int, list[Pending]] = {}
        for one in pending:
            most = self._most(one)
            group = last.get(id(one.field))
            if group is None or len(group) >= most:
                group = last[id(one.field)] = []
                groups.append(group)
            group.append(one)
        return groups

    async def _group(self, group: Sequence[Pending]) -> list[Pending]:
        """Resolve siblings; what is open then."""
        if len(group) == 1:
            return await self._one(group[0], None)
        siblings = Siblings(len(group))
        found = await asyncio.gather(*(self._one(one, siblings) for one in group))
        return [one for more in found for one in more]

    async def _one(self, pending: Pending, siblings: Siblings | None) -> list[Pending]:
        field, ledger = pending.field, Ledger(self.errors, self._holes)
        try:
            value = await self._resolve(pending, siblings)
        except FieldError as error:
            ledger.fail(pending.path, field.error(error, pending.path))
        except GraphQLError as error:
            self._fail(ledger, pending, error.message, None)
        except Exception:
            logger.exception("a field of an API failed")
            self._fail(ledger, pending, "Internal Failure", "InternalFailure")
        else:
            if _large(value):
                await asyncio.to_thread(place, field, value, pending.out, pending.above, ledger)
            else:
                place(field, value, pending.out, pending.above, ledger)
        return ledger.pending

    def _fail(self, ledger: Ledger, pending: Pending, text: str, kind: str | None) -> None:
        path = keys(pending.path)
        told = text if kind else f"Can't resolve value ({written(path)}) : {text}"
        ledger.fail(pending.path, shown(told, path, kind, located(pending.field.nodes)))

    def _pierced(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The data with null where something below may not be null."""
        for hole in self._holes:
            if hole is None:
                return None
            *above, key = keys(hole)
            place: Any = data
            for step in above:
                place = place[step] if place is not None else None
            if place is not None:
                place[key] = None
        return data


def _apart(plan: ObjectPlan) -> list[ObjectPlan]:
    """A plan for each field of a plan."""
    plans = []
    for step in plan.steps:
        one = ObjectPlan(plan.name, [])
        one.steps = [step]
        plans.append(one)
    return plans


def _large(value: Any) -> bool:
    if isinstance(value, dict):
        return any(isinstance(one, list) and len(one) >= LARGE for one in value.values())
    return isinstance(value, list) and len(value) >= LARGE


async def _together(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run jobs together, so many at a time."""
    if len(jobs) <= AT_ONCE:
        await asyncio.gather(*(job() for job in jobs))
        return
    waiting = iter(jobs)

    async def work() -> None:
        for number, job in enumerate(waiting):
            await job()
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
