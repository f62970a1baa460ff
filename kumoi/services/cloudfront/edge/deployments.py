"""Which configuration a POP serves, ready for use: compiled at the first request, kept until something changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kumoi.services.cloudfront.edge.pops import POPS, Pop, position
from kumoi.services.cloudfront.records import Distribution

CompiledT = TypeVar("CompiledT")


class Deployments:
    """What was compiled of distributions, by account, distribution and version of the configuration."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[tuple[str, str, bool], object]] = {}

    def get(self, account: str, one: Distribution, previous: bool, compile: Callable[[], CompiledT]) -> CompiledT:
        """What `compile` made of the distribution's configuration, now or before."""
        kept = self._kept.setdefault(account, {})
        key = (one.id, one.etag, previous)
        found = kept.get(key)
        if found is None:
            found = kept[key] = compile()
        return found  # type: ignore[return-value]

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
