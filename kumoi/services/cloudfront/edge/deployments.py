"""Which configuration a POP serves, ready for use: compiled at the first request, kept until something changes."""

from __future__ import annotations

from typing import NamedTuple

from kumoi.services.cloudfront.edge.compiled import Served
from kumoi.services.cloudfront.edge.pops import POPS, Pop, position
from kumoi.services.cloudfront.records import Distribution

_NAMES = 4096


class Located(NamedTuple):
    """The distribution that a name means, and whose it is."""

    account: str
    distribution: Distribution


class Deployments:
    """Which distribution a name means, and what was compiled of it.

    What is read while something changes might be old: it is kept only if nothing was forgotten since `generation`.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._names: dict[str, Located] = {}
        self._kept: dict[str, dict[tuple[str, str, bool], Served]] = {}

    def located(self, name: str) -> Located | None:
        """What a name means, where that is known."""
        return self._names.get(name)

    def locate(self, name: str, located: Located, generation: int) -> None:
        """Keep what a name means, as it was read in a generation."""
        if generation == self.generation:
            if len(self._names) >= _NAMES:
                self._names.clear()
            self._names[name] = located

    def get(self, located: Located, previous: bool) -> Served | None:
        """What was compiled of the distribution's configuration, now or before; None where nothing was yet."""
        one = located.distribution
        return self._kept.get(located.account, {}).get((one.id, one.etag, previous))

    def keep(self, located: Located, previous: bool, served: Served, generation: int) -> None:
        """Keep what was compiled of what was read in a generation."""
        if generation == self.generation:
            one = located.distribution
            self._kept.setdefault(located.account, {})[(one.id, one.etag, previous)] = served

    def forget(self, account: str) -> None:
        """Something of an account, or that its configurations refer to, has changed."""
        self.generation += 1
        self._names.clear()
        self._kept.pop(account, None)

    def clear(self) -> None:
        """Forget everything."""
        self.generation += 1
        self._names.clear()
        self._kept.clear()


def serves_previous(one: Distribution, pop: Pop, now: float) -> bool:
    """Whether the last change has not reached a POP yet: staggered ones reach one after another."""
    if one.previous is None or one.deployed(now):
        return False
    share = (position(pop) + 1) / len(POPS) if one.staggered else 1.0
    return now < one.changed + one.deployment * share
