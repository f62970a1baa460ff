"""Traces: hops that belong together, the latest from memory, older ones from the lake."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from kumoi.doorway import Doorway, Hop
from kumoi.doorway.hop import TABLE
from kumoi.lake import View
from kumoi.studio.nodes import is_traffic, placed

_QUIET_SOURCES = ("cloudformation", "codedeploy")
_AT_ONCE = 1000
"""Hops that are looked at before others have their turn."""

_ONE = "SELECT * EXCLUDE (seq) FROM hops WHERE trace = ? ORDER BY time LIMIT 2000"
_FIELDS = tuple(name for name in TABLE.columns if name not in ("units", "asked"))


@dataclass(slots=True)
class Summary:
    """One trace in a list."""

    first: Hop
    start: int
    end: float
    hops: int = 0
    errors: int = 0
    faults: int = 0
    nodes: dict[str, None] = field(default_factory=dict)
    works: bool = False

    def add(self, hop: Hop, works: bool) -> None:
        """Count one of its hops; `works`: it is what the application does, not the platform's bookkeeping."""
        self.hops += 1
        self.errors += hop.outcome != "ok"
        self.faults += bool(hop.fault)
        if (hop.time, hop.parent != "") < (self.first.time, self.first.parent != ""):
            self.first = hop
        self.start = min(self.start, hop.time)
        self.end = max(self.end, hop.time + hop.duration_us / 1000)
        self.nodes[hop.target] = None
        self.works = self.works or works


async def latest(
    doorway: Doorway, account: str, limit: int, node: str = "", *, failed: bool = False, everything: bool = False
) -> list[dict[str, Any]]:
    """The newest traces that are in memory, the newest first; of one node, or only those where something failed.

    Traces of bookkeeping alone (polls, descriptions) are left out unless `everything` is wanted.
    """
    found: dict[str, Summary] = {}
    for number, hop in enumerate(list(doorway.hops)):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        if hop.account != account or hop.source.partition(":")[0] in _QUIET_SOURCES:
            continue
        summary = found.get(hop.trace)
        if summary is None:
            summary = found[hop.trace] = Summary(hop, hop.time, hop.time)
        plane = doorway.registry.data_plane(hop.operation) is not None
        summary.add(
            hop, placed(hop.source) and hop.source != hop.target and is_traffic(hop.service, hop.operation, plane)
        )

    def wanted(one: Summary) -> bool:
        about = not node or node in one.nodes or one.first.source == node
        return about and (everything or one.works) and (not failed or one.errors > 0)

    chosen = [one for one in found.values() if wanted(one)]
    ordered = sorted(chosen, key=lambda one: one.start, reverse=True)[:limit]
    return [_told(one) for one in ordered]


def _told(summary: Summary) -> dict[str, Any]:
    first = summary.first
    return {
        "trace": first.trace,
        "start": summary.start,
        "duration": round(summary.end - summary.start, 3),
        "source": first.source,
        "target": first.target,
        "operation": first.operation,
        "outcome": first.outcome,
        "hops": summary.hops,
        "errors": summary.errors,
        "faults": summary.faults,
        "nodes": list(summary.nodes)[:12],
    }


async def one(doorway: Doorway, account: str, trace: str) -> list[dict[str, Any]]:
    """The hops of one trace in the order they began, each with whether its payloads are kept."""
    held = [hop.shown() for hop in doorway.hops if hop.trace == trace and hop.account == account]
    if not held:
        doorway.hops.flush()
        found = await doorway.lake.query(_ONE, [trace], views={"hops": View("hops", account, None)})
        held = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    payloads = doorway.payloads
    return [
        {**{name: hop[name] for name in _FIELDS}, "payload": payloads.find(hop["span"]) is not None}
        for hop in sorted(held, key=lambda hop: hop["time"])
    ]
