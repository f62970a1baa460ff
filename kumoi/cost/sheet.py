"""The page for people who decide: a report as Markdown and CSV. Ranges, two digits, the assumptions stated. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from math import floor, log10
from typing import Any

from kumoi.cost.alternatives import ASSUMED, WAYS

WAY_NAMES = {
    "serverless": "serverless (as it is)",
    "containers": "containers (Fargate)",
    "machines": "virtual machines",
    "firebase": "Firebase-style prices",
}
PICTURE = "cost.png"


def rounded(usd: float) -> str:
    """USD to two digits, as $0.0042, $1.50, $130 or $12,000."""
    if usd < 5e-10:
        return "$0"
    digits = max(1 - floor(log10(abs(usd))), -12)
    value = round(usd, digits)
    if value >= 10:
        return f"${value:,.0f}"
    return f"${value:,.2f}" if value >= 0.1 else f"${value:.{max(digits, 2)}f}"


def between(usd: Mapping[str, float]) -> str:
    """A range, or one figure where both ends look the same."""
    low, high = rounded(usd["low"]), rounded(usd["high"])
    return high if low == high else f"{low} to {high}"


def markdown(report: Mapping[str, Any], title: str = "What it costs") -> str:
    """The page. It shows `cost.png`, which lies beside it."""
    month, journeys = report["month"], report["journeys"]
    lines = [
        f"# {title}",
        "",
        f"With **{month['users']:,.0f} users** of {month['journeys_per_user']:g} journeys a month each, this"
        f" application costs **{between(month['usd'])} a month** on AWS ({report['region']}),"
        f" and {between(report['per_1000_journeys'])} for each 1,000 journeys before anything is free.",
        "",
        f"Measured on a run of {journeys:,} journeys and {report['run']['calls']:,} calls that would have cost"
        f" {between(report['run']['usd'])}; prices are AWS's list prices, taxes and support not included.",
        "",
        "## From one user to a million",
        "",
        f"![Costs a month by number of users]({PICTURE})",
        "",
        *_table(["users", *(WAY_NAMES[way] for way in WAYS)], _curve_rows(report["curve"])),
        "",
        *(f"- {_crossing(way, users)}" for way, users in report["break_even"].items()),
        "",
        f"Assumed: a peak of {month['peak']:g} times the mean, {ASSUMED}."
        f" Journeys a month: users × {month['journeys_per_user']:g}.",
        "",
        "## Where the money goes",
        "",
        *_table(
            ["application", "calls", "this run"],
            [[one["name"], f"{one['calls']:,}", between(one["usd"])] for one in report["by"]["application"]],
        ),
        "",
        *_table(
            ["billed by", "a month", "of it not free", "USD a month", "price as of", "verified"],
            [_item_row(one) for one in month["items"][:15]],
        ),
        *_split(report.get("split", ())),
        "",
        "## What would make it cheaper",
        "",
        *_levers(report["levers"]),
        "",
        "## How sure this is",
        "",
        "Ranges come from journeys that differ (5 % to 95 % of them) and from figures that nobody verified.",
        *(f"- {note}" for note in report["notes"]),
        "",
    ]
    return "\n".join(lines)


def share_markdown(report: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """The page of one of those that costs are shared out among."""
    month = report["month"]
    items = [
        [item["what"], _amount(item["quantity"] * one["share"]), between(_times(item["usd"], one["share"]))]
        for item in month["items"]
    ]
    lines = [
        f"# What {one['name']} costs",
        "",
        f"{one['name']} has {one['share']:.1%} of what the application does: **{between(one['month'])} a month** of"
        f" {between(month['usd'])}, with {month['users']:,.0f} users of {month['journeys_per_user']:g} journeys each"
        f" ({report['region']}). The run that was measured had {between(one['run'])} of it.",
        "",
        *_table(["billed by", "a month", "USD a month"], items),
        "",
        "Shared out by weights: nobody was measured alone. The whole application is in `cost.md`.",
        "",
    ]
    return "\n".join(lines)


def file_name(name: str) -> str:
    """A name as part of a file's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:80] or "-"


def _times(usd: Mapping[str, float], factor: float) -> dict[str, float]:
    return {end: amount * factor for end, amount in usd.items()}


def table_csv(report: Mapping[str, Any]) -> str:
    """The curve, a row for each number of users."""
    columns = ["users", *(f"{way}_{end}" for way in WAYS for end in ("low", "middle", "high"))]
    rows = [
        [one["users"], *(round(one[way][end], 6) for way in WAYS for end in ("low", "middle", "high"))]
        for one in report["curve"]
    ]
    return _csv(columns, rows)


def bill_csv(report: Mapping[str, Any]) -> str:
    """The run: a row for each group, and for each item of the bill."""
    rows: list[list[Any]] = []
    for kind, groups in report["by"].items():
        rows += [[kind, one["name"], one["calls"], one["errors"], "", *_ends(one["usd"])] for one in groups]
    rows += [["item", one["item"], "", "", one["quantity"], *_ends(one["usd"])] for one in report["items"]]
    rows += [["month", one["item"], "", "", one["quantity"], *_ends(one["usd"])] for one in report["month"]["items"]]
    rows += [["split", one["name"], "", "", one["share"], *_ends(one["month"])] for one in report.get("split", ())]
    return _csv(["kind", "name", "calls", "errors", "quantity", "usd_low", "usd_middle", "usd_high"], rows)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _ends(usd: Mapping[str, float]) -> list[float]:
    return [usd["low"], usd["middle"], usd["high"]]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def row(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"

    return [row(columns), f"|{'---|' * len(columns)}", *(row(one) for one in rows)]


def _curve_rows(curve: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    return [[f"{one['users']:,}", *(between(one[way]) for way in WAYS)] for one in curve]


def _crossing(way: str, users: float | None) -> str:
    name = WAY_NAMES[way]
    if users is None:
        return f"{name}: never cheaper, up to ten million users"
    if users <= 1:
        return f"{name}: cheaper from the first user"
    return f"{name}: cheaper from about {_about(users)} users"


def _about(users: float) -> str:
    return f"{round(users, 1 - floor(log10(users))):,.0f}"


def _item_row(one: Mapping[str, Any]) -> list[str]:
    verified = (
        "yes"
        if one["verified"]
        else "no"
        if one["of_region"]
        else f"no (figure of another region than {one['region']})"
    )
    return [
        one["what"],
        _amount(one["quantity"]),
        _amount(one["billable"]),
        between(one["usd"]),
        one["as_of"],
        verified,
    ]


def _amount(quantity: float) -> str:
    if quantity >= 100:
        return f"{quantity:,.0f}"
    return f"{quantity:.3g}"


def _split(found: Sequence[Mapping[str, Any]]) -> list[str]:
    if not found:
        return []
    rows = [[one["name"], f"{one['share']:.1%}", between(one["run"]), between(one["month"])] for one in found]
    return ["", "## Shared out", "", *_table(["who", "share", "this run", "a month"], rows)]


def _levers(found: Sequence[Mapping[str, Any]]) -> list[str]:
    if not found:
        return ["Nothing that was observed would save much."]
    return [
        f"{at}. **{one['name']}** ({one['where']}): saves {between(one['usd'])} a month; {one['why']}"
        for at, one in enumerate(found, 1)
    ]
