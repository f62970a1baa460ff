"""Which configuration a POP serves, ready for use: compiled at the first request, kept until something changes."""

from __future__ import annotations

from kumoi.services.cloudfront.edge.compiled import Served
from kumoi.services.cloudfront.edge.pops import POPS, Pop, position
from kumoi.services.cloudfront.records import Distribution


class Deployments:
    """What was compiled of distributions, by account, distribution and version of the configuration."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[tuple[str, str, bool], Served]] = {}

    def get(self, account: str, one: Distribution, previous: bool) -> Served | None:
        """What was compiled of the distribution's configuration, now or before; None where nothing was yet."""
        return self._kept.get(account, {}).get((one.id, one.etag, previous))

    def keep(self, account: str, one: Distribution, previous: bool, served: Served) -> None:
        """Keep what was compiled."""
        self._kept.setdefault(account, {})[(one.id, one.etag, previous)] = served

    def forget(self, account: str) -> None:
        """Something that configurations of an account refer to has changed."""
        self._kept.pop(account, None)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def serves_previous(one: Distribution, pop: Pop, now: float) -> bool:
    """Whether the last change has not reached a POP yet: staggered ones reach one after another."""
    if one.previous is None or one.deployed(now):
        return False
    share = (position(pop) + 1) / len(POPS) if one.staggered else 1.0
    return now < one.changed + one.deployment * share
