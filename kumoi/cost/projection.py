"""From a run to a month: so many users with so many journeys each, tiers and free amounts applied.

What belongs to journeys grows with them; what goes by the clock goes on as often as it did; what is held by time stays,
but for data, which grows with each journey and is kept for some months.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kumoi.cost.bill import Line, item_facts
from kumoi.cost.flows import Shares
from kumoi.cost.rules import BYTES_IN
from kumoi.cost.standing import GROWING, HOURS, USERS, Standing
from kumoi.prices import NOTHING, PriceList, Range

Quantities = dict[tuple[str, str], float]
"""Amounts by region and item."""
_WHOLE = {("s3", "PutObject"), ("s3", "PostObject")}
_BRING = {*_WHOLE, ("s3", "UploadPart")}
_MAKE = {*_WHOLE, ("s3", "CompleteMultipartUpload")}
"""Which calls bring the bytes of files, and which make a file of them."""
_OF_FILES = {"s3", "cloudfront"}
_BY_SIZE = {"transfer.out-gb", "cloudfront.out-gb"}
"""What larger files cost more of, beside the place that they take: all else of them is counted by the request."""
SHORTEST_HOURS = 0.5
"""A run that is shorter does not tell how often something happens by the clock."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a month is like: users, journeys of each, for how many months data are kept, and how many times as much as
    on average there is to do at the busiest time.
    """

    users: float = 1_000.0
    journeys_per_user: float = 20.0
    months_kept: float = 12.0
    free_tier: str = "always"
    peak: float = 5.0

    @property
    def journeys(self) -> float:
        """Journeys in the month."""
        return self.users * self.journeys_per_user


@dataclass(frozen=True, slots=True)
class Journey:
    """What one journey and one hour by the clock are billed by, and what there is by time; each low, middle, high."""

    each: tuple[Quantities, Quantities, Quantities]
    hour: tuple[Quantities, Quantities, Quantities]
    standing: Quantities
    grown: Quantities
    users: Quantities


def file_size(lines: Iterable[Line], shares: Shares) -> float:
    """The bytes of a file that journeys put into buckets, on average; 0 where they put none."""
    ours = [((line.edge.service, line.edge.operation), line) for line in lines if line.flow in shares.of]
    brought = sum(line.units.get(BYTES_IN, 0.0) for operation, line in ours if operation in _BRING)
    return brought / max(sum(line.calls for operation, line in ours if operation in _MAKE), 1)


def journey_of(
    lines: Sequence[Line],
    shares: Shares,
    standing: Iterable[Standing],
    hours: float,
    region: str | None = None,
    larger: float = 1.0,
) -> Journey:
    """What a run says of a journey. Files are taken to be so many times `larger` than they were in it."""
    journeys = max(shares.journeys, 1)
    each: tuple[Quantities, Quantities, Quantities] = ({}, {}, {})
    hour: tuple[Quantities, Quantities, Quantities] = ({}, {}, {})
    for line in lines:
        for at, items in enumerate((line.low, line.items, line.high)):
            if line.flow in shares.of:
                sized = items if larger == 1.0 or line.edge.service not in _OF_FILES else _larger(items, larger)
                _add(each[at], line.region, sized, 1 / journeys)
            elif line.flow not in shares.beside and hours >= SHORTEST_HOURS:
                _add(hour[at], line.region, items, 1 / hours)
    fixed: Quantities = {}
    grown: Quantities = {}
    users: Quantities = {}
    written = {(line.account, line.edge_region, line.edge.target) for line in lines if line.flow in shares.of}
    for one in standing:
        grows = one.item in GROWING and (one.account, one.region, one.node) in written
        kind = grown if grows else users if one.item in USERS else fixed
        amount = one.amount * (larger if kind is grown and one.item == "s3.gb-months" else 1.0)
        _add(kind, region or one.region, {one.item: amount}, 1 / journeys if kind is grown else 1.0)
    return Journey(each, hour, fixed, grown, users)


def _larger(items: Mapping[str, float], factor: float) -> dict[str, float]:
    return {item: amount * factor if item in _BY_SIZE else amount for item, amount in items.items()}


def _add(found: Quantities, region: str, items: Mapping[str, float], factor: float) -> None:
    for item, amount in items.items():
        found[region, item] = found.get((region, item), 0.0) + amount * factor


def quantities(journey: Journey, load: Load) -> tuple[Quantities, Quantities, Quantities]:
    """What a month is billed by: low, middle, high."""
    found: list[Quantities] = []
    for at in range(3):
        month: Quantities = dict(journey.standing)
        for given, factor in (
            (journey.each[at], load.journeys),
            (journey.hour[at], HOURS),
            (journey.grown, load.journeys * load.months_kept),
        ):
            for key, amount in given.items():
                month[key] = month.get(key, 0.0) + amount * factor
        for key in journey.users:
            month[key] = load.users
        found.append(month)
    return found[0], found[1], found[2]


def month_cost(journey: Journey, load: Load, prices: PriceList) -> Range:
    """USD a month."""
    low, middle, high = (
        [usd for _, usd in prices.month(given, load.free_tier).values()] for given in quantities(journey, load)
    )
    return Range(sum(one.low for one in low), sum(one.middle for one in middle), sum(one.high for one in high))


def month_items(journey: Journey, load: Load, prices: PriceList) -> list[dict[str, Any]]:
    """A month's items: how much, how much of it is not free, and USD; the dearest first."""
    _, middle, _ = quantities(journey, load)
    found = []
    for (region, item), (billable, usd) in prices.month(middle, load.free_tier).items():
        facts = item_facts(prices, item, region, middle[region, item])
        found.append({**facts, "billable": billable, "usd": usd._asdict()})
    return sorted(found, key=lambda one: (-one["usd"]["middle"], one["item"]))


def per_journeys(lines: Iterable[Line], shares: Shares, count: int = 1_000) -> Range:
    """USD of so many journeys, nothing free."""
    total = NOTHING
    for line in lines:
        if line.flow in shares.of:
            total = total.plus(line.usd)
    return total.times(count / max(shares.journeys, 1))
