"""Which cached objects an invalidation has made stale: decided when an object is looked up, so that it costs nothing.

An object keeps the epoch of its distribution at the time it was fetched; an invalidation of a later epoch whose path
matches makes it stale. `*` counts as a wildcard at the end of a path only. Source: "Invalidate files" of the guide.
"""

from __future__ import annotations

from bisect import bisect_right

from kumoi.services.cloudfront.records import Invalidation, invalidations
from kumoi.state import State, Transaction, transactional

_KEPT = 1000


class Invalidated:
    """The invalidations of each distribution, by epoch; those that were loaded."""

    def __init__(self) -> None:
        self._rules: dict[str, Rules] = {}

    async def of(self, state: State, distribution: str) -> Rules:
        """The rules of a distribution."""
        found = self._rules.get(distribution)
        return found if found is not None else await self.load(state, distribution)

    def known(self, distribution: str) -> Rules | None:
        """The rules of a distribution, where they were loaded."""
        return self._rules.get(distribution)

    async def load(self, state: State, distribution: str) -> Rules:
        """Read them anew; what was read later meanwhile stays."""
        found = Rules(await _read(state, distribution))
        known = self._rules.get(distribution)
        if known is None or known.epoch < found.epoch:
            self._rules[distribution] = found
        return self._rules[distribution]

    def clear(self) -> None:
        """Forget everything."""
        self._rules.clear()


class Rules:
    """One distribution's invalidations; `epoch` is that of the last."""

    def __init__(self, known: list[Invalidation]) -> None:
        ordered = sorted(known, key=lambda one: one.epoch)
        self.epoch = ordered[-1].epoch if ordered else 0
        self._steps = [(one.epoch, _exact(one), _prefixes(one)) for one in ordered[-_KEPT:]]
        self._epochs = [step[0] for step in self._steps]
        self._forgotten = ordered[-_KEPT - 1].epoch if len(ordered) > _KEPT else 0

    def stale(self, epoch: int, paths: tuple[str, ...]) -> bool:
        """Whether an object fetched in `epoch` was invalidated since; `paths` are its URIs, with and without query."""
        if epoch == self.epoch:
            return False
        if epoch < self._forgotten:
            return True
        for _, exact, prefixes in self._steps[bisect_right(self._epochs, epoch) :]:
            if not exact.isdisjoint(paths):
                return True
            if prefixes and any(path.startswith(prefixes) for path in paths):
                return True
        return False


def _exact(one: Invalidation) -> frozenset[str]:
    return frozenset(path for path in one.paths if not path.endswith("*"))


def _prefixes(one: Invalidation) -> tuple[str, ...]:
    return tuple(path[:-1] for path in one.paths if path.endswith("*"))


@transactional
async def _read(tx: Transaction, distribution: str) -> list[Invalidation]:
    return await invalidations.list(tx, distribution)
