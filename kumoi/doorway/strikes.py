"""The log of what declared faults have struck: by edge and number, so that it reads the same for the same seed.

It is in its order at any time, so that a page of it costs no more than the page; past MOST the oldest are forgotten.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

MOST = 100_000


class Strike(NamedTuple):
    """One entry of the log: which fault struck the how-manieth matching call on which edge, and for how long."""

    fault: str
    edge: str
    number: int
    action: str
    delay_ms: float


class _Edge:
    """The strikes on one edge in their order; the first `gone` are forgotten."""

    __slots__ = ("gone", "strikes")

    def __init__(self) -> None:
        self.strikes: list[Strike] = []
        self.gone = 0

    def __len__(self) -> int:
        return len(self.strikes) - self.gone

    def add(self, strike: Strike) -> None:
        strikes = self.strikes
        if not strikes or _place(strikes[-1]) <= _place(strike):
            strikes.append(strike)
        else:  # several faults count the calls on an edge, each for itself
            insort(strikes, strike, lo=self.gone, key=_place)

    def forget_first(self) -> None:
        self.gone += 1
        if self.gone > 64 and self.gone * 2 > len(self.strikes):
            del self.strikes[: self.gone]
            self.gone = 0


class StrikeLog:
    """The strikes, at most `most`."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._edges: dict[str, _Edge] = {}
        self._names: list[str] = []
        self._in_time: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._in_time)

    def __iter__(self) -> Iterator[Strike]:
        return iter(self.page(0, len(self)))

    def add(self, strike: Strike) -> None:
        """Note a strike."""
        edge = self._edges.get(strike.edge)
        if edge is None:
            edge = self._edges[strike.edge] = _Edge()
            insort(self._names, strike.edge)
        edge.add(strike)
        self._in_time.append(strike.edge)
        if len(self._in_time) > self._most:
            self._forget_one()

    def page(self, after: int, limit: int) -> list[Strike]:
        """At most `limit` strikes behind the first `after`, by edge and number."""
        found: list[Strike] = []
        for name in self._names:
            edge = self._edges[name]
            if after >= len(edge):
                after -= len(edge)
                continue
            begin = edge.gone + after
            found += edge.strikes[begin : begin + limit - len(found)]
            after = 0
            if len(found) >= limit:
                break
        return found

    def clear(self) -> None:
        """Forget all."""
        self._edges.clear()
        self._names.clear()
        self._in_time.clear()

    def _forget_one(self) -> None:
        """Forget the first on the edge that was struck longest ago."""
        name = self._in_time.popleft()
        edge = self._edges[name]
        edge.forget_first()
        if not len(edge):
            del self._edges[name]
            del self._names[bisect_left(self._names, name)]


def _place(strike: Strike) -> tuple[int, str]:
    return strike.number, strike.fault
