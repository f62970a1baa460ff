"""The whole of it, as `/_kumoi/cost` answers: the run, its groups, the month, levers, the curve and break-even.

Shapes: a range of USD is `{"low", "middle", "high"}`; amounts of items are in the items' own units.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from kumoi import prices as price_lists
from kumoi.cost import alternatives
from kumoi.cost.applications import Applications, applications
from kumoi.cost.bill import Line, grouped, item_table, lines_of, total_of
from kumoi.cost.flows import Shares, shares
from kumoi.cost.gathering import gather
from kumoi.cost.levers import SHOWN, levers, told
from kumoi.cost.observed import Observed
from kumoi.cost.projection import SHORTEST_HOURS, Load, file_size, journey_of, month_cost, month_items, per_journeys
from kumoi.cost.rules import Modes
from kumoi.cost.split import split
from kumoi.cost.standing import Standing, held_by, modes_of, standing_of
from kumoi.doorway import Doorway
from kumoi.prices import PriceList

MOST_USERS = 1e9


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a report is asked for.

    `flows` are patterns of the flows that are journeys (guessed without any), `journeys` their number where it is not
    that of their traces. `since` and `until` are epoch seconds. `prices` is a list laid over Kumoi's own, `split`
    weights of whatever the costs are shared out among. `tag` groups by a tag of stacks. `peak` is how many times as
    much as on average there is to do at the busiest time, `file_bytes` how large the files are that journeys put into
    buckets, where the run's are not those of later.
    """

    account: str | None = None
    region: str | None = None
    since: float | None = None
    until: float | None = None
    flows: list[str] = []
    journeys: int | None = None
    users: float = 1_000.0
    journeys_per_user: float = 20.0
    months_kept: float = 12.0
    free_tier: str = "always"
    peak: float = 5.0
    file_bytes: float | None = None
    tag: str | None = None
    split: dict[str, float] = {}
    prices: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for name in ("users", "journeys_per_user", "months_kept"):
            if not 0 <= getattr(self, name) <= MOST_USERS:
                raise ValueError(f"{name} lies between 0 and a thousand million")
        for moment in (self.since, self.until):
            if moment is not None and not 0 <= moment <= 1e11:
                raise ValueError("since and until are epoch seconds")
        if not 1 <= self.peak <= 1e6:
            raise ValueError("peak lies between 1 and a million")
        if self.file_bytes is not None and not 0 < self.file_bytes <= 5 * 2**40:
            raise ValueError("file_bytes are more than none, and 5 TB at most")
        if self.free_tier not in ("none", "always", "first-year"):
            raise ValueError("free_tier is none, always or first-year")
        if self.journeys is not None and self.journeys < 1:
            raise ValueError("journeys are at least one")
        if any(not 0 <= weight < float("inf") for weight in self.split.values()):
            raise ValueError("weights of a split are numbers of at least 0")
        if self.split and not sum(self.split.values()):
            raise ValueError("a split has weights that are more than nothing together")

    @property
    def load(self) -> Load:
        """The month that is meant."""
        return Load(self.users, self.journeys_per_user, self.months_kept, self.free_tier, self.peak)


async def report(doorway: Doorway, wish: Wish) -> dict[str, Any]:
    """A report; PricesInvalid where the list laid over is of no form."""
    known = price_lists.aws() if wish.prices is None else PriceList.parse(wish.prices).over(price_lists.aws())
    start, end = (None if one is None else int(one * 1000) for one in (wish.since, wish.until))
    observed = await gather(doorway, wish.account, start, end)
    places = sorted({(row.account, row.region) for row in observed.rows})
    modes: dict[tuple[str, str], Modes] = {}
    standing: list[Standing] = []
    for account, region in places:
        held = await held_by(doorway, account, region)
        modes[account, region] = modes_of(held)
        standing += standing_of(account, region, held)
    owners = await applications(doorway, places)
    return await asyncio.to_thread(composed, observed, modes, standing, owners, known, wish)


def composed(
    observed: Observed,
    modes: Mapping[tuple[str, str], Modes],
    standing: Sequence[Standing],
    owners: Applications,
    known: PriceList,
    wish: Wish,
) -> dict[str, Any]:
    """A report out of its parts. Pure."""
    lines = lines_of(observed, modes, known, wish.region)
    belonging = shares(observed, wish.flows)
    if wish.journeys is not None and belonging.chosen:
        belonging = _counted(belonging, wish.journeys)
    load, region = wish.load, wish.region or _main_region(lines)
    seen = file_size(lines, belonging)
    larger = wish.file_bytes / seen if wish.file_bytes and seen else 1.0
    journey = journey_of(lines, belonging, standing, observed.hours, wish.region, larger)
    comparison = alternatives.Comparison(
        journey, alternatives.work_of(lines, belonging), known, price_lists.alternatives(), region
    )
    month = month_cost(journey, load, known)
    names: dict[str, Callable[[Line], str]] = {
        "application": lambda line: owners.of(line.account, line.edge_region, line.edge),
        "flow": lambda line: line.flow.name,
        "edge": lambda line: f"{line.edge.source} → {line.edge.target} {line.edge.operation}",
    }
    if wish.tag is not None:
        names["tag"] = partial(_tagged, owners, wish.tag)
    found: dict[str, Any] = {
        "run": {
            "first": observed.first,
            "last": observed.last,
            "calls": sum(line.calls for line in lines),
            "usd": total_of(lines)._asdict(),
            "beside": total_of(line for line in lines if line.flow in belonging.beside)._asdict(),
        },
        "journeys": belonging.journeys,
        "journey_flows": [{"name": flow.name, "traces": count} for flow, count in belonging.chosen.items()],
        "per_1000_journeys": per_journeys(lines, belonging)._asdict(),
        "by": {name: grouped(lines, of) for name, of in names.items()},
        "items": item_table(lines, known),
        "month": {
            "users": load.users,
            "journeys_per_user": load.journeys_per_user,
            "free_tier": load.free_tier,
            "peak": load.peak,
            "file_bytes": seen * larger or None,
            "usd": month._asdict(),
            "items": month_items(journey, load, known),
        },
        "levers": told(levers(lines, belonging, load, known)[:SHOWN]),
        "curve": alternatives.curve(comparison, load),
        "break_even": alternatives.break_even(comparison, load),
        "region": region,
        "notes": [*_notes(lines, observed, belonging, known), *_of_files(wish, seen, larger)],
    }
    if wish.split:
        found["split"] = split(wish.split, total_of(lines), month)
    return found


def _tagged(owners: Applications, key: str, line: Line) -> str:
    return owners.tag(line.account, line.edge_region, line.edge, key)


def _counted(belonging: Shares, journeys: int) -> Shares:
    """The same, with so many journeys in all."""
    first, *others = belonging.chosen
    return Shares({first: journeys, **dict.fromkeys(others, 0)}, belonging.of, belonging.beside)


def _main_region(lines: Sequence[Line]) -> str:
    """Where most of the cost is."""
    found: dict[str, float] = {}
    for line in lines:
        found[line.region] = found.get(line.region, 0.0) + line.usd.middle + 1e-12
    return max(found, key=lambda region: found[region], default=price_lists.EVERYWHERE)


def _of_files(wish: Wish, seen: float, larger: float) -> Sequence[str]:
    """What a reader has to know of the size of files."""
    if wish.file_bytes is None:
        return ()
    if not seen:
        return ("no journey put a file into a bucket: their size makes no difference",)
    return (f"files are taken to be {wish.file_bytes:,.0f} bytes, {larger:.3g} times as large as in the run",)


def _notes(lines: Sequence[Line], observed: Observed, belonging: Shares, known: PriceList) -> Sequence[str]:
    """What a reader has to know of the figures."""
    found: list[str] = []
    used = {(item, line.region) for line in lines for item in line.items if item in known}
    unverified = sorted({item for item, region in used if known[item].margin(region)})
    if unverified:
        share = f"{price_lists.UNVERIFIED_MARGIN:.0%}"
        found.append(
            f"figures that nobody verified, or of another region, give or take {share}: {', '.join(unverified)}"
        )
    lacking = sorted({item for line in lines for item in line.items if item not in known})
    if lacking:
        found.append(f"not in the price list, so not in the bill: {', '.join(lacking)}")
    if not belonging.chosen:
        found.append("no flow is a journey: say which ones are (--flow)")
    clocked = [line for line in lines if line.flow not in belonging.of and line.flow not in belonging.beside]
    if total_of(clocked).middle and observed.hours < SHORTEST_HOURS:
        found.append("what goes by the clock is not in the month: the run was too short to tell how often it does")
    return found
