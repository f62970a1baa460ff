"""Hops of one kind that came by together, column by column: what they come to is worked out of all at once.

Measured: to count 500 hops for the map and for CloudWatch takes 0.8 to 1.2 µs a hop instead of 1.4 to 2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec.structs import astuple

from kumoi.doorway.hop import Hop

_AT = {name: at for at, name in enumerate(Hop.__struct_fields__)}


class HopBatch:
    """Some hops that have the same account, region, ends, service and operation; at least one, in order."""

    def __init__(self, hops: Sequence[Hop]) -> None:
        self.hops = hops
        self.first = hops[0]

    def __len__(self) -> int:
        return len(self.hops)

    def column(self, field: str) -> Sequence[Any]:
        """A field's values, hop by hop."""
        return self._columns[_AT[field]]

    @cached_property
    def _columns(self) -> list[tuple[Any, ...]]:
        return [*zip(*map(astuple, self.hops), strict=True)]

    @cached_property
    def units(self) -> Mapping[str, Sequence[float]]:
        """The values of each unit, of the hops that have it."""
        alike: dict[tuple[str, ...], list[Any]] = {}
        for one in self.column("units"):
            alike.setdefault(tuple(one), []).append(one.values())
        found: dict[str, list[float]] = {}
        for names, rows in alike.items():
            for unit, values in zip(names, zip(*rows, strict=True), strict=True):
                found.setdefault(unit, []).extend(values)
        return found

    def unit(self, name: str) -> Sequence[float]:
        """The values of a unit, of the hops that have it."""
        return self.units.get(name, ())

    def having(self, unit: str) -> HopBatch | None:
        """The hops that have a unit; None where no hop has."""
        return self._some(len(self.unit(unit)), lambda hop: unit in hop.units)

    @cached_property
    def succeeded(self) -> HopBatch | None:
        """The hops that ended well; None where no hop did."""
        return self._some(self.column("outcome").count("ok"), lambda hop: hop.outcome == "ok")

    @cached_property
    def calls(self) -> int:
        """How many calls they stand for."""
        requests = self.unit("requests")
        return len(self.hops) - len(requests) + sum(map(int, requests))

    def _some(self, count: int, wanted: Callable[[Hop], bool]) -> HopBatch | None:
        if count == len(self.hops):
            return self
        return HopBatch([hop for hop in self.hops if wanted(hop)]) if count else None
