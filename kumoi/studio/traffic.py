"""What passes each edge of the map: counts in buckets of one second, kept for five minutes, and totals since the start.

Hops are taken together, those of a kind, a second late at most; whoever asks gets what has come by. Times are the
loop's: a moved platform clock does not empty the map.
"""

from __future__ import annotations

import asyncio
import importlib
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import repeat
from typing import Any

from kumoi.doorway import ChargeKey, Doorway, Hop, HopBatch
from kumoi.doorway.hops import Taking
from kumoi.studio.nodes import is_traffic, node_of, placed, settled

WINDOW = 300
"""Seconds that are kept bucket by bucket."""

NOW = 30
"""Seconds that count as now: what rates are of, and what is failing."""

THROTTLES = frozenset(
    (
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "SlowDown",
        "RequestLimitExceeded",
        "LimitExceededException",
    )
)
_DURATIONS = 200
_WAYS = 8
_QUIET = frozenset(("logs", "cloudformation", "iam", "sts", "cloudwatch", "xray", "tagging"))
_LOOKERS = ("cloudformation", "codedeploy")

WIDTH = 7
CALLS, ERRORS, THROTTLED, MICROSECONDS, BYTES, COST, FAULTS = range(7)


@dataclass(slots=True)
class Edge:
    """What has passed from one node to another.

    `ways` are the services that were called, with the ends as hops name them: a function's alias has a name of its own
    there.
    """

    source: str
    target: str
    buckets: dict[int, list[float]] = field(default_factory=dict)
    window: list[float] = field(default_factory=lambda: [0.0] * WIDTH)
    totals: list[float] = field(default_factory=lambda: [0.0] * WIDTH)
    durations: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_DURATIONS))
    operations: Counter[str] = field(default_factory=Counter)
    ways: dict[tuple[str, str, str], None] = field(default_factory=dict)
    last_seen: int = 0
    last_error: str = ""
    changed: float = 0.0

    def take(self, batch: HopBatch, now: float) -> None:
        """Count calls of one kind, and add what they cost: prices are of sums."""
        found = _counted(batch)
        for counts in (self._bucket(now), self.window, self.totals):
            for place, amount in enumerate(found):
                counts[place] += amount
        self.operations[batch.first.operation] += int(found[CALLS])
        self.durations.extend(zip(repeat(now), batch.column("duration_us")[-_DURATIONS:]))
        self.last_seen = max(self.last_seen, *batch.column("time"))
        if found[ERRORS]:
            self.last_error = next(outcome for outcome in reversed(batch.column("outcome")) if outcome != "ok")
        self.changed = now

    def charge(self, usd: float, now: float) -> None:
        """Add what is billed without being a call."""
        for counts in (self._bucket(now), self.window, self.totals):
            counts[COST] += usd
        self.changed = now

    def cost_hour(self, now: float) -> float:
        """USD an hour, were the last five minutes to go on."""
        self._drop(now)
        span = min(WINDOW, max(now - min(self.buckets, default=int(now)), 60.0))
        return self.window[COST] / span * 3600

    def told(self, now: float) -> dict[str, Any]:
        """The edge's figures as JSON. Rates are of the last 30 s, money of the last five minutes, by the hour."""
        self._drop(now)
        recent = [0.0] * WIDTH
        for second in range(int(now) - NOW + 1, int(now) + 1):
            for place, amount in enumerate(self.buckets.get(second, ())):
                recent[place] += amount
        lately = sorted(us for at, us in self.durations if at > now - WINDOW)
        return {
            "calls": int(self.totals[CALLS]),
            "errors": int(self.totals[ERRORS]),
            "recent": int(recent[CALLS]),
            "recentErrors": int(recent[ERRORS]),
            "recentThrottles": int(recent[THROTTLED]),
            "recentFaults": int(recent[FAULTS]),
            "rate": round(recent[CALLS] / NOW, 3),
            "p50": _percentile(lately, 0.5),
            "p95": _percentile(lately, 0.95),
            "bytes": int(self.totals[BYTES]),
            "cost": self.totals[COST],
            "costHour": self.cost_hour(now),
            "operations": dict(self.operations.most_common(6)),
            "ways": list(self.ways)[:_WAYS],
            "lastSeen": self.last_seen,
            "lastError": self.last_error,
        }

    def _bucket(self, now: float) -> list[float]:
        bucket = self.buckets.get(int(now))
        if bucket is None:
            self._drop(now)
            bucket = self.buckets[int(now)] = [0.0] * WIDTH
        return bucket

    def _drop(self, now: float) -> None:
        oldest = now - WINDOW
        while self.buckets and (first := next(iter(self.buckets))) <= oldest:
            for place, amount in enumerate(self.buckets.pop(first)):
                self.window[place] -= amount
        if not self.buckets:
            self.window = [0.0] * WIDTH


def _counted(batch: HopBatch) -> Sequence[float]:
    """What calls of one kind come to, in the order of an edge's counts."""
    first, outcomes, durations = batch.first, batch.column("outcome"), batch.column("duration_us")
    units = {unit: sum(amounts) for unit, amounts in batch.units.items()}
    read, written = sum(batch.column("request_bytes")), sum(batch.column("response_bytes"))
    usd = _pricing().calls_cost(
        first.source, first.target, first.service, first.operation, units, read, written, first.region
    )
    failed = len(batch) - outcomes.count("ok")
    throttled = sum([outcome in THROTTLES for outcome in outcomes]) if failed else 0
    faults = len(batch) - batch.column("fault").count("")
    if batch.calls == len(batch):
        microseconds = sum(durations)
    else:
        microseconds = sum([hop.duration_us * hop.calls for hop in batch.hops])
    return batch.calls, failed, throttled, microseconds, read + written, usd, faults


class Traffic:
    """The edges of every account, and who wants to know when one is new."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._edges: dict[str, dict[tuple[str, str], Edge]] = {}
        self._own: dict[str, dict[str, Edge]] = {}
        self._audits = doorway.identity.mode != "off"
        self._loop = asyncio.get_running_loop()
        self.regions: dict[str, set[str]] = {}
        self._revisions: Counter[str] = Counter()
        self._pricing: asyncio.Future[Any] | None = None
        self._stops = (doorway.hops.take_by_kind(self._taking), doorway.charges.listen(self._charged))

    def close(self) -> None:
        """Stop listening."""
        for stop in self._stops:
            stop()

    def edges(self, account: str) -> dict[tuple[str, str], Edge]:
        """The edges of an account by their two nodes."""
        self._doorway.hops.hand_over()
        return self._edges.get(account, {})

    def own_costs(self, account: str) -> dict[str, float]:
        """USD an hour of nodes for what is no call: state transitions, minutes of connections."""
        now = self._loop.time()
        return {node: edge.cost_hour(now) for node, edge in self._own.get(account, {}).items()}

    def revision(self, account: str) -> int:
        """Grows with each new edge of the account, and each of its calls that sets something up."""
        self._doorway.hops.hand_over()
        return self._revisions[account]

    @property
    def accounts(self) -> list[str]:
        """Accounts that something has happened in, in order."""
        return sorted(self._edges)

    def clear(self, account: str | None = None) -> None:
        """Forget the edges of one account, or all."""
        for one in list(self._revisions) if account is None else [account]:
            self._revisions[one] += 1
        self._doorway.hops.forget_kinds()
        if account is None:
            self._edges.clear()
            self._own.clear()
            self.regions.clear()
        else:
            self._edges.pop(account, None)
            self._own.pop(account, None)
            self.regions.pop(account, None)

    def remembered(self, account: str, source: str, target: str, service: str, operation: str) -> Edge | None:
        """The edge that a call of that kind passed; None where it is none of the map's."""
        if _hidden(source, target, operation):
            return None
        return self._edge(account, source, target)

    def _charged(self, key: ChargeKey, units: Mapping[str, float]) -> None:
        node = settled(key.node)
        own = self._own.setdefault(key.account, {})
        if node not in own:
            own[node] = Edge(node, node)
        own[node].charge(_pricing().charge_cost(key, units), self._loop.time())

    def _taking(self, hop: Hop) -> Taking | None:
        """What counts hops of a kind; None for one that is not an application's work. Mostly they pass one edge."""
        self.regions.setdefault(hop.account, set()).add(hop.region)
        plane = self._doorway.registry.data_plane(hop.operation) is not None
        if not is_traffic(hop.service, hop.operation, plane):
            reads = hop.operation.startswith(("Describe", "Get", "List", "Head", "Write", "Await"))
            return None if reads else self._set_up
        source, target = settled(hop.source), settled(hop.target)
        if _hidden(source, target, hop.operation):
            return None
        if not hop.principal and source.startswith("lambda:") and hop.service == "s3" and self._audits:
            return None  # the service itself, that fetches a function's code: functions call in their role
        if self._pricing is None:
            self._pricing = self._loop.run_in_executor(None, _pricing)
        if ":" not in target:
            return self._several
        edge = self._passing(hop, source, target)
        return lambda batch: edge.take(batch, self._loop.time())

    def _several(self, batch: HopBatch) -> None:
        """Count hops that say themselves which edges they pass."""
        for hop in batch.hops:
            for end in _named(hop):
                self._passing(hop, settled(hop.source), end).take(HopBatch([hop]), self._loop.time())

    def _set_up(self, batch: HopBatch) -> None:
        """An account has set something up."""
        account = batch.first.account
        self._revisions[account] += len(batch)
        self._edges.setdefault(account, {})

    def _passing(self, hop: Hop, source: str, end: str) -> Edge:
        edge = self._edge(hop.account, source, end)
        edge.ways[hop.service, hop.source, hop.target] = None
        return edge

    def _edge(self, account: str, source: str, target: str) -> Edge:
        edges = self._edges.setdefault(account, {})
        found = edges.get((source, target))
        if found is None:
            found = edges[source, target] = Edge(source, target)
            self._revisions[account] += 1
        return found


@cache
def _pricing() -> Any:
    """What prices calls: a platform starts without its price list, and loads it in a thread at the first of them."""
    return importlib.import_module("kumoi.cost.hop_cost")


def _hidden(source: str, target: str, operation: str) -> bool:
    """Whether a call is the platform's own housekeeping."""
    origin, service = source.partition(":")[0], target.partition(":")[0]
    if not target or not placed(source) or origin in _LOOKERS or service in _QUIET:
        return True
    return source == target and operation != "Invoke"


def _named(hop: Hop) -> list[str]:
    """The nodes that a call which names several is about, by the permissions that it asked."""
    ends = (node_of(line.rpartition(" ")[2]) for line in hop.asked.splitlines())
    return [end for end in dict.fromkeys(ends) if end]


def _percentile(ordered: list[int], share: float) -> int:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0
