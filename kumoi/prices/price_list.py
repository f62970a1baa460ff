"""A list of prices: items, what they cost in a region by tiers, and what is free each month.

A quantity costs what its tiers say; a figure that was not verified costs a range. Lists are values: one laid over
another is a third. The form of a list is the one of `aws.toml`, as TOML or JSON has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Any, NamedTuple

EVERYWHERE = "us-east-1"
"""The region whose figures stand in for one that a list does not know."""
UNVERIFIED_MARGIN = 0.15
"""How far the range of a figure reaches that nobody verified, or that is another region's: a share of it."""
MOST_ITEMS = 2_000
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_ITEM = re.compile(r"[a-z0-9-]{1,40}\.[a-z0-9-]{1,60}")
_MEMBERS = frozenset({"what", "per", "pool", "always", "first_year"})


class PricesInvalid(ValueError):
    """A price list is not of the form; the text says where and why."""


class Range(NamedTuple):
    """An amount of USD that lies between `low` and `high`; `middle` is the figure of the list."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, amount: float, margin: float = 0.0) -> Range:
        """`amount`, give or take a share of it."""
        return cls(amount * (1 - margin), amount, amount * (1 + margin))

    def plus(self, other: Range) -> Range:
        """Both together."""
        return Range(self.low + other.low, self.middle + other.middle, self.high + other.high)

    def times(self, factor: float) -> Range:
        """So many of it."""
        return Range(self.low * factor, self.middle * factor, self.high * factor)


NOTHING = Range(0.0, 0.0, 0.0)


class Tier(NamedTuple):
    """Up to `upto` units a month cost `price` USD each."""

    upto: float
    price: float


@dataclass(frozen=True, slots=True)
class Figure:
    """What an item costs in a region: `tiers` in USD a unit, when (`as_of`) and where (`source`) that was said."""

    tiers: tuple[Tier, ...]
    as_of: str
    source: str
    verified: bool

    def cost(self, quantity: float, begin: float = 0.0) -> float:
        """USD for `quantity` units when `begin` of the month's were used before."""
        left, at, total = quantity, begin, 0.0
        for tier in self.tiers:
            taken = min(left, max(tier.upto - at, 0.0))
            total += taken * tier.price
            left -= taken
            at += taken
            if left <= 0:
                break
        return total


@dataclass(frozen=True, slots=True)
class Pool:
    """What is free each month: `always`, or in an account's first twelve months."""

    always: float = 0.0
    first_year: float = 0.0

    def free(self, tier: str) -> float:
        """Units free a month; `tier` is none, always or first-year."""
        if tier == "none":
            return 0.0
        return max(self.always, self.first_year) if tier == "first-year" else self.always


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is billed: its figures by region. `pool` names the free amount it shares with others."""

    name: str
    what: str
    pool: str
    figures: Mapping[str, Figure]

    def figure(self, region: str) -> tuple[Figure, bool]:
        """The figure of a region, and whether it is that region's own."""
        own = self.figures.get(region)
        if own is not None:
            return own, True
        stand_in = self.figures.get(EVERYWHERE) or next(iter(self.figures.values()))
        return stand_in, False

    def margin(self, region: str) -> float:
        """How far the range of its figure reaches in a region."""
        figure, own = self.figure(region)
        return 0.0 if own and figure.verified else UNVERIFIED_MARGIN

    def cost(self, quantity: float, region: str, begin: float = 0.0) -> Range:
        """USD for `quantity` units."""
        figure, _ = self.figure(region)
        return Range.of(figure.cost(quantity, begin), self.margin(region))

    def first(self, region: str) -> float:
        """USD for one unit of the first tier that is not free."""
        figure, _ = self.figure(region)
        return next((tier.price for tier in figure.tiers if tier.price > 0), 0.0)


@dataclass(frozen=True, slots=True)
class PriceList:
    """Items by name, and free amounts by pool."""

    items: Mapping[str, Item] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Item:
        return self.items[name]

    def __contains__(self, name: str) -> bool:
        return name in self.items

    def over(self, below: PriceList) -> PriceList:
        """This list where it says something, `below` where it does not."""
        items = dict(below.items)
        for name, item in self.items.items():
            known = items.get(name)
            if known is None:
                items[name] = item
            else:
                items[name] = replace(known, figures={**known.figures, **item.figures})
        return PriceList(items, {**below.pools, **self.pools})

    def month(
        self, quantities: Mapping[tuple[str, str], float], free_tier: str = "always"
    ) -> dict[tuple[str, str], tuple[float, Range]]:
        """What a month costs, by region and item: units that are not free, and USD.

        Free amounts hold for all regions together. Items that the list lacks are left out.
        """
        left = {name: pool.free(free_tier) for name, pool in self.pools.items()}
        found: dict[tuple[str, str], tuple[float, Range]] = {}
        for (region, name), quantity in quantities.items():
            item = self.items.get(name)
            if item is None:
                continue
            free = min(left.get(item.pool, 0.0), quantity)
            if free:
                left[item.pool] -= free
            found[region, name] = (quantity - free, item.cost(quantity - free, region))
        return found

    @classmethod
    def parse(cls, given: Any) -> PriceList:
        """A list out of the form; PricesInvalid where it is not of it."""
        whole = _mapping(given, "a price list")
        sources = _mapping(whole.get("sources", {}), "sources")
        listed = _mapping(whole.get("items", {}), "items")
        if len(listed) > MOST_ITEMS:
            raise PricesInvalid(f"a price list has at most {MOST_ITEMS} items")
        items = {name: _item(name, _mapping(one, name), sources) for name, one in listed.items()}
        pools = {
            name: _pool(name, _mapping(one, name)) for name, one in _mapping(whole.get("pools", {}), "pools").items()
        }
        for name, one in listed.items():
            if "always" in one or "first_year" in one:
                pools[items[name].pool] = _pool(name, one)
        return cls(items, pools)


def _item(name: str, given: Mapping[str, Any], sources: Mapping[str, Any]) -> Item:
    if not _ITEM.fullmatch(name):
        raise PricesInvalid(f"{name!r} is not the name of an item, such as lambda.requests")
    per = _number(given.get("per", 1), f"{name}: per")
    if per <= 0:
        raise PricesInvalid(f"{name}: per is more than nothing")
    figures = {
        region: _figure(f"{name} in {region}", _mapping(one, f"{name} in {region}"), per, sources)
        for region, one in given.items()
        if region not in _MEMBERS
    }
    for region in figures:
        if not _REGION.fullmatch(region):
            raise PricesInvalid(f"{name}: {region!r} is neither a member of an item nor a region")
    if not figures:
        raise PricesInvalid(f"{name} has no figure for any region")
    return Item(name, str(given.get("what", name)), str(given.get("pool", name)), figures)


def _figure(where: str, given: Mapping[str, Any], per: float, sources: Mapping[str, Any]) -> Figure:
    if ("price" in given) == ("tiers" in given):
        raise PricesInvalid(f"{where} has either a price or tiers")
    tiers: list[Tier] = []
    for one in given.get("tiers", [[given.get("price")]]):
        if not isinstance(one, list | tuple) or len(one) not in (1, 2):
            raise PricesInvalid(f"{where}: a tier is [up to, price], the last one [price]")
        upto = _number(one[0], where) if len(one) == 2 else inf
        tiers.append(Tier(upto, _number(one[-1], where) / per))
    bounds = [tier.upto for tier in tiers]
    if not bounds or bounds != sorted(set(bounds)) or bounds[-1] != inf:
        raise PricesInvalid(f"{where}: tiers ascend, and the last one is open")
    source = str(given.get("source", ""))
    return Figure(
        tuple(tiers), str(given.get("as_of", "")), str(sources.get(source, source)), given.get("verified") is True
    )


def _pool(name: str, given: Mapping[str, Any]) -> Pool:
    always, first_year = (_number(given.get(one, 0), f"{name}: {one}") for one in ("always", "first_year"))
    return Pool(always, first_year)


def _mapping(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise PricesInvalid(f"{where} is a table of names and values")
    return given


def _number(given: Any, where: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given) or given < 0:
        raise PricesInvalid(f"{where}: {given!r} is not a number of at least 0")
    return float(given)
