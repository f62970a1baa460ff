"""What declared faults have hit lately: each struck call, whether it failed, and whether its caller tried again.

Read from the hops that are in memory. A later call on the same edge, of the same operation, in the same trace is
another try: an SDK's, or of a queue that delivered again. What begins a trace of its own each time (a client) is not
seen to try again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from kumoi.doorway import Hop

AT_MOST = 500

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


def hits(hops: Iterable[Hop], account: str, limit: int = AT_MOST) -> list[Hit]:
    """The latest struck calls of an account, the newest first; `hops` come in the order they ended."""
    ours = [hop for hop in hops if hop.account == account]
    traces = {hop.trace for hop in ours if hop.fault}
    later: dict[tuple[str, ...], list[Hop]] = {}
    found: list[Hit] = []
    for hop in reversed(ours):
        if hop.trace not in traces:
            continue
        kind = (hop.trace, hop.source, hop.target, hop.operation)
        if hop.fault:
            found.append(_hit(hop, later.get(kind, [])))
            if len(found) == limit:
                break
        later.setdefault(kind, []).append(hop)
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
