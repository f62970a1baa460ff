"""The bill of a run: each edge of each flow priced by the list, and added up by what is asked for.

A run is small, so nothing of it is free and everything is of the first tier; months are for `projection.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kumoi.cost.observed import FlowKey, Observed, Row
from kumoi.cost.rules import Edge, Modes, billed
from kumoi.prices import NOTHING, PriceList, Range

Items = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Line:
    """An edge of a flow with what it is billed by. `low` and `high`: were every trace as small or as large as few are.

    `region` is where it is priced, `edge_region` where it ran.
    """

    flow: FlowKey
    account: str
    region: str
    edge_region: str
    edge: Edge
    units: Mapping[str, float]
    items: Items
    low: Items
    high: Items
    usd: Range
    most: Mapping[str, float]

    @property
    def calls(self) -> int:
        """How often it was called."""
        return int(self.units.get("requests", 0))


def lines_of(
    observed: Observed, modes: Mapping[tuple[str, str], Modes], prices: PriceList, region: str | None = None
) -> list[Line]:
    """The lines of a bill; `region` is where everything is taken to run, None where it did."""
    found: list[Line] = []
    for row in observed.rows:
        mode = modes.get((row.account, row.region), Modes())
        items = billed(row.edge, row.totals(), mode)
        low, high = (billed(row.edge, row.spread(index), mode) for index in (0, 1))
        place = region or row.region
        usd = Range(*(_cost(prices, place, given)[at] for at, given in enumerate((low, items, high))))
        found.append(_line(row, place, items, low, high, usd))
    return found


def _line(row: Row, place: str, items: Items, low: Items, high: Items, usd: Range) -> Line:
    most = {unit: amount.most for unit, amount in row.units.items()}
    return Line(row.flow, row.account, place, row.region, row.edge, row.totals(), items, low, high, usd, most)


def _cost(prices: PriceList, region: str, items: Items) -> Range:
    total = NOTHING
    for item, amount in items.items():
        if item in prices:
            total = total.plus(prices[item].cost(amount, region))
    return total


def total_of(lines: Iterable[Line]) -> Range:
    """What lines cost together."""
    total = NOTHING
    for line in lines:
        total = total.plus(line.usd)
    return total


def grouped(lines: Iterable[Line], name_of: Callable[[Line], str]) -> list[dict[str, Any]]:
    """Lines added up by name, the dearest first: calls, errors, USD, and what the items of it cost."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(name_of(line), []).append(line)
    found = [
        {
            "name": name,
            "calls": sum(line.calls for line in ours),
            "errors": int(sum(line.units.get("errors", 0) for line in ours)),
            "usd": total_of(ours)._asdict(),
            "items": _summed(ours),
        }
        for name, ours in groups.items()
    ]
    return sorted(found, key=lambda one: (-one["usd"]["middle"], one["name"]))


def _summed(lines: Iterable[Line]) -> dict[str, float]:
    total: dict[str, float] = {}
    for line in lines:
        for item, amount in line.items.items():
            total[item] = total.get(item, 0.0) + amount
    return total


def item_table(lines: Iterable[Line], prices: PriceList) -> list[dict[str, Any]]:
    """Each item of a bill by region: how much, what it costs, and where the figure is from; the dearest first."""
    amounts: dict[tuple[str, str], float] = {}
    for line in lines:
        for item, amount in line.items.items():
            amounts[item, line.region] = amounts.get((item, line.region), 0.0) + amount
    found = [item_facts(prices, item, region, amount) for (item, region), amount in amounts.items() if item in prices]
    return sorted(found, key=lambda one: (-one["usd"]["middle"], one["item"]))


def item_facts(prices: PriceList, item: str, region: str, amount: float) -> dict[str, Any]:
    """An item with its figure: date, source, and whether that was verified for the region."""
    known = prices[item]
    figure, own = known.figure(region)
    return {
        "item": item,
        "what": known.what,
        "region": region,
        "quantity": amount,
        "usd": known.cost(amount, region)._asdict(),
        "price": known.first(region),
        "as_of": figure.as_of,
        "source": figure.source,
        "verified": figure.verified and own,
        "of_region": own,
    }
