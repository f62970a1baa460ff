"""What one call costs, and what the edges of the map cost by the hour: list prices, nothing free. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kumoi import prices
from kumoi.cost.rules import BYTES_IN, BYTES_OUT, Edge, billed
from kumoi.doorway import ChargeKey, Hop
from kumoi.prices import PriceList

SHORTEST = 60.0
"""Seconds that calls are taken to spread over at least: a burst is not an hour's traffic."""


def hop_cost(hop: Hop, price_list: PriceList | None = None) -> float:
    """USD that a call costs by the first tier that is not free."""
    units = {**hop.units, BYTES_IN: hop.request_bytes, BYTES_OUT: hop.response_bytes}
    return units_cost(Edge(hop.source, hop.target, hop.service, hop.operation), units, hop.region, price_list)


def units_cost(edge: Edge, units: Mapping[str, float], region: str, price_list: PriceList | None = None) -> float:
    """USD that units on an edge cost."""
    known = price_list or prices.aws()
    return sum(amount * known[item].first(region) for item, amount in billed(edge, units).items() if item in known)


def calls_cost(
    source: str,
    target: str,
    service: str,
    operation: str,
    units: Mapping[str, float],
    read: float,
    written: float,
    region: str,
) -> float:
    """USD that calls of one kind cost together: the sums of their units, and of the bytes of requests and answers."""
    whole = {**units, BYTES_IN: read, BYTES_OUT: written}
    return units_cost(Edge(source, target, service, operation), whole, region)


def charge_cost(key: ChargeKey, units: Mapping[str, float]) -> float:
    """USD that a charge costs."""
    return units_cost(Edge(key.node, key.node, key.service, key.operation), units, key.region)


def cost_per_hour(
    hops: Iterable[Hop], now: float, price_list: PriceList | None = None
) -> dict[tuple[str, str, str], float]:
    """USD an hour of each edge (source, target, operation), were the traffic of `hops` to go on; `now` is epoch s."""
    totals: dict[tuple[str, str, str], float] = {}
    first = now
    for hop in hops:
        first = min(first, hop.time / 1000)
        edge = (hop.source, hop.target, hop.operation)
        totals[edge] = totals.get(edge, 0.0) + hop_cost(hop, price_list)
    seconds = max(now - first, SHORTEST)
    return {edge: usd / seconds * 3600 for edge, usd in totals.items()}
