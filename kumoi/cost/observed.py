"""What a run was: flows, the edges they went over, and the units of each. Values, as the lake gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kumoi.cost.rules import Edge


class FlowKey(NamedTuple):
    """What began a trace, in an account and region: `source` called `operation` of `service` at `target`."""

    account: str
    region: str
    source: str
    target: str
    service: str
    operation: str

    @property
    def name(self) -> str:
        """How the flow is shown and chosen: `execute-api apigatewayv2:abc`."""
        return f"{self.operation} {self.target}"


class Amount(NamedTuple):
    """A unit on an edge: all of it, the most of one call, and what 5 % and 95 % of the `traces` had at most."""

    total: float
    most: float
    low: float
    high: float
    traces: int

    @property
    def spread(self) -> tuple[float, float]:
        """All of it, had every trace been as small (or as large) as few are; the total itself for a handful."""
        if self.traces < FEW:
            return self.total, self.total
        return min(self.low * self.traces, self.total), max(self.high * self.traces, self.total)


FEW = 10
"""Traces that say nothing of how much they differ."""


@dataclass(frozen=True, slots=True)
class Row:
    """An edge within a flow, in the account and region where it was served."""

    flow: FlowKey
    account: str
    region: str
    edge: Edge
    units: Mapping[str, Amount]

    def totals(self) -> dict[str, float]:
        """The sums of its units."""
        return {unit: amount.total for unit, amount in self.units.items()}

    def spread(self, index: int) -> dict[str, float]:
        """Its units where every trace is small (0) or large (1)."""
        return {unit: amount.spread[index] for unit, amount in self.units.items()}


@dataclass(frozen=True, slots=True)
class Observed:
    """A run: rows, and how many traces each flow had. `first` and `last` are epoch ms of its calls; 0 without any."""

    rows: tuple[Row, ...]
    traces: Mapping[FlowKey, int]
    first: int = 0
    last: int = 0

    @property
    def hours(self) -> float:
        """How long it took on the platform's clock."""
        return (self.last - self.first) / 3_600_000
