"""Token buckets: how many requests a second a stage, a route or a client may make. Time is the platform's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_KEPT = 10_000


class Throttles:
    """Buckets by key; the least recently used are forgotten, which fills them."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def admits(self, key: Hashable, rate: float, burst: float, now: float) -> bool:
        """Whether one more request may pass; `rate` tokens a second fill a bucket of `burst`."""
        tokens, since = self._buckets.pop(key, (burst, now))
        tokens = min(burst, tokens + max(now - since, 0.0) * rate)
        admitted = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if admitted else tokens, now)
        if len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        return admitted

    def forget(self, api: str) -> None:
        """Fill the buckets of an API whose limits changed."""
        for key in [key for key in self._buckets if isinstance(key, tuple) and key[0] == api]:
            del self._buckets[key]
