"""What declared faults have hit lately: each struck call, whether it failed, and whether its caller tried again.

Read from the hops that are in memory. A later call on the same edge, of the same operation, in the same trace is
another try: an SDK's, or of a queue that delivered again. What begins a trace of its own each time (a client) is not
seen to try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from kumoi.doorway import Hop

AT_MOST = 500
SLICE = 1_000
"""Hops that are looked at without letting others run."""

Then = Literal["went on", "failed", "tried again", "got through"]


class Hit(NamedTuple):
    """A struck call and what came of it: it went on, it failed, its caller tried again, and in the end got through."""

    time: int
    fault: str
    source: str
    target: str
    operation: str
    outcome: str
    duration_us: int
    trace: str
    span: str
    attempts: int
    then: Then


async def hits(hops: Sequence[Hop], account: str, limit: int = AT_MOST) -> list[Hit]:
    """The latest struck calls of an account, the newest first; `hops` come in the order they ended.

    Others run in between.
    """
    traces = set[str]()
    for begin in range(0, len(hops), SLICE):
        traces.update(hop.trace for hop in hops[begin : begin + SLICE] if hop.fault and hop.account == account)
        await asyncio.sleep(0)
    later: dict[tuple[str, ...], list[Hop]] = {}
    found: list[Hit] = []
    for end in range(len(hops), 0, -SLICE):
        for hop in reversed(hops[max(end - SLICE, 0) : end]):
            if hop.trace not in traces or hop.account != account:
                continue
            kind = (hop.trace, hop.source, hop.target, hop.operation)
            if hop.fault:
                found.append(_hit(hop, later.get(kind, [])))
                if len(found) == limit:
                    return found
            later.setdefault(kind, []).append(hop)
        await asyncio.sleep(0)
    return found


def _hit(hop: Hop, later: list[Hop]) -> Hit:
    then: Then = "went on"
    if hop.outcome != "ok":
        through = any(one.outcome == "ok" for one in later)
        then = "got through" if through else "tried again" if later else "failed"
    return Hit(
        hop.time,
        hop.fault,
        hop.source,
        hop.target,
        hop.operation,
        hop.outcome,
        hop.duration_us,
        hop.trace,
        hop.span,
        len(later) if hop.outcome != "ok" else 0,
        then,
    )


def told(found: Iterable[Hit]) -> dict[str, Any]:
    """Hits as JSON, and their sums by fault."""
    faults: dict[str, dict[str, int]] = {}
    hits = list(found)
    for hit in hits:
        sums = faults.setdefault(hit.fault, dict.fromkeys(("struck", "failed", "again", "through"), 0))
        sums["struck"] += 1
        sums["failed"] += hit.outcome != "ok"
        sums["again"] += hit.then in ("tried again", "got through")
        sums["through"] += hit.then == "got through"
    return {"hits": [hit._asdict() for hit in hits], "faults": faults}
