"""The caches of the POPs: objects in memory, the least recently used ones give way.

Each POP has objects of its own, as at AWS. What is kept here can be fetched again: nothing is written down.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kumoi.services.cloudfront.edge.cache_key import Key
from kumoi.services.cloudfront.edge.messages import EdgeResponse
from kumoi.wire.again import Frame
from kumoi.wire.http import HeaderList

if TYPE_CHECKING:
    from kumoi.services.cloudfront.edge.compiled import Behaviour

CAPACITY = 256 * 1024 * 1024
LARGEST = 8 * 1024 * 1024
"""Bytes of an object that is kept; larger ones pass through."""
_OVERHEAD = 512

Where = tuple[str, str, Key]
"""POP, distribution, key."""


class Framed(NamedTuple):
    """How an object is written out for a behaviour's viewers, and what the log tells of it where all get the same."""

    behaviour: Behaviour
    frame: Frame
    status: int
    told: tuple[str, str, str, str, str, str] | None


@dataclass(slots=True)
class CachedObject:
    """A response as it was stored. Times are platform time.

    `age` is the Age that the origin stated; `paths` are the URIs by which invalidations name it; `framed` is how it was
    written out last.
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
    framed: Framed | None = None

    def fresh(self, now: float) -> bool:
        """Whether it may be served as it is."""
        return now < self.fresh_until

    def age_at(self, now: float) -> int:
        """Its Age."""
        return int(max(0.0, now - self.stored) + self.age)

    def response(self, age: str) -> EdgeResponse:
        """What a viewer gets of it."""
        return EdgeResponse(
            self.status,
            [*self.headers, ("Age", age)],
            self.body,
            self.reason,
            generated=self.generated,
            origin_status=self.origin_status,
        )


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
        one.framed = None
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
