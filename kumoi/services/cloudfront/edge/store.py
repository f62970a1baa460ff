"""The caches of the POPs: objects in memory, the least recently used ones give way.

Each POP has objects of its own, as at AWS. What is kept here can be fetched again: nothing is written down.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from kumoi.services.cloudfront.edge.cache_key import Key
from kumoi.wire.http import HeaderList

CAPACITY = 256 * 1024 * 1024
LARGEST = 8 * 1024 * 1024
"""Bytes of an object that is kept; larger ones pass through."""
_OVERHEAD = 512

Where = tuple[str, str, Key]
"""POP, distribution, key."""


@dataclass(slots=True)
class CachedObject:
    """A response as it was stored. Times are platform time.

    `age` is the Age that the origin stated; `paths` are the URIs by which invalidations name it.
    """

    status: int
    headers: HeaderList
    body: bytes
    reason: str
    stored: float
    fresh_until: float
    stale_until: float
    error_until: float | None
    epoch: int
    paths: tuple[str, ...]
    age: float = 0.0
    origin_status: int = 200
    generated: str = ""
    refreshing: bool = False
    size: int = field(default=0)

    def fresh(self, now: float) -> bool:
        """Whether it may be served as it is."""
        return now < self.fresh_until


class Store:
    """Objects by POP, distribution and key."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._size = 0
        self._objects: OrderedDict[Where, CachedObject] = OrderedDict()

    def get(self, where: Where) -> CachedObject | None:
        """The object, fresh or not."""
        found = self._objects.get(where)
        if found is not None:
            self._objects.move_to_end(where)
        return found

    def put(self, where: Where, one: CachedObject) -> None:
        """Keep an object; nothing for one that is too large."""
        self.drop(where)
        if len(one.body) > LARGEST:
            return
        one.size = len(one.body) + _OVERHEAD + sum(len(name) + len(value) for name, value in one.headers)
        self._objects[where] = one
        self._size += one.size
        while self._size > self._capacity:
            _, gone = self._objects.popitem(last=False)
            self._size -= gone.size

    def drop(self, where: Where) -> None:
        """Forget an object."""
        gone = self._objects.pop(where, None)
        if gone is not None:
            self._size -= gone.size

    def clear(self, distributions: set[str] | None = None) -> None:
        """Forget what is kept of some distributions, or everything."""
        if distributions is None:
            self._objects.clear()
            self._size = 0
            return
        for where in [where for where in self._objects if where[1] in distributions]:
            self.drop(where)

    def __len__(self) -> int:
        return len(self._objects)
