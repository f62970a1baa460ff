"""What is left behind of hits that were answered without a call (`seen.py`), and which may be.

The first of a tenth of a second pass the doorway like any request: their hops, traces and payloads are whole, and
nobody who looks on sees a difference. Only what a distribution gets beyond them is answered without: those hits of a
tenth of a second leave one hop for each status (and its functions), whose `requests` say how many they are; bytes are
sums, the duration is the mean. Access logs, real-time records and the last requests tell of every one, in batches.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from kumoi.doorway import Doorway, Hop, Trace
from kumoi.doorway.host_names import HostNames
from kumoi.names import span_id, uuid
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.aliases import PLANE
from kumoi.services.cloudfront.edge.compiled import Attached, Served
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.edge.edge_logs import EdgeLogs
from kumoi.services.cloudfront.edge.hit_lines import line
from kumoi.services.cloudfront.edge.invalidated import Invalidated
from kumoi.services.cloudfront.edge.locating import is_settled
from kumoi.services.cloudfront.edge.log_delivery import RECENT, LogDelivery
from kumoi.services.cloudfront.edge.log_entry import LogEntry
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.request_ids import RequestIds
from kumoi.services.cloudfront.edge.seen import CONDITIONS, Hit, Seen
from kumoi.services.cloudfront.edge.store import CachedObject, Store, Where
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.functions.at_edge import Ran, request_here, response_here, write_lines
from kumoi.services.cloudfront.naming import REGION
from kumoi.wire.http import Request

PERIOD = 0.1
"""Seconds of hits that leave one hop."""
ALONE = 5
"""Requests of a period that pass the doorway, each a hop of its own."""
AT_ONCE = 512
"""Hits that wait for the log at most."""


Kind = tuple[int, tuple[str, ...]]
"""A status, and the names of the functions that ran."""


@dataclass(slots=True)
class Sums:
    """Hits of a period of one kind, the first of them at `time`."""

    time: float
    count: int = 0
    size: int = 0
    seconds: float = 0.0
    utilisation: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """A distribution's requests in this period: how many `came`, and those of them that were answered here."""

    served: Served
    came: int = 0
    answered: dict[Kind, Sums] = field(default_factory=dict)


class Hits:
    """Takes offers to answer again, and gathers what was answered."""

    def __init__(
        self,
        doorway: Doorway,
        store: Store,
        deployments: Deployments,
        invalidated: Invalidated,
        delivery: LogDelivery,
        logs: EdgeLogs,
        names: HostNames,
        *,
        alone: int = ALONE,
    ) -> None:
        self.clock = doorway.clock
        self.deployments = deployments
        self.names = names
        self.ids = RequestIds()
        self.alone = alone
        self._doorway = doorway
        self._store = store
        self._invalidated = invalidated
        self._delivery = delivery
        self._logs = logs
        self._tallies: dict[str, Tally] = {}
        self._waiting: list[Hit] = []
        self._latest: deque[Hit] = deque(maxlen=RECENT)
        self._timer: asyncio.TimerHandle | None = None

    # ── before a hit ──────────────────────────────────────────────────────────────────────────────────────────────

    def offer(self, name: str, visit: Visit, request: Request, entry: LogEntry) -> Seen | None:
        """Answer again what was a hit just now; None where other requests with its fields might be something else.

        `name` is what named the distribution.
        """
        headers = request.headers
        if request.method != "GET" or request.http_version != "1.1" or not CONDITIONS.isdisjoint(headers.index):
            return None
        if visit.call.caller.access_key is not None or not is_settled(visit.call, name):
            return None
        tally = self._tallies.setdefault(visit.served.id, Tally(visit.served))
        tally.served = visit.served
        return Seen(self, tally, visit, entry)

    def may_answer(self, tally: Tally, generation: int, claims: int) -> bool:
        """Whether a distribution's next request needs no call: nothing has changed, and enough have made one."""
        doorway = self._doorway
        if (
            generation != self.deployments.generation
            or claims != self.names.changes
            or doorway.faults.active
            or doorway.limit is not None
        ):
            return False
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self.tell)
        tally.came += 1
        return tally.came > self.alone

    def fresh(self, where: Where, now: float) -> CachedObject | None:
        """The object of a key, where it can be served as it is and is no error."""
        found = self._store.get(where)
        if found is None or now >= found.fresh_until or found.status >= 400:
            return None
        rules = self._invalidated.known(where[1])
        return None if rules is None or rules.stale(found.epoch, found.paths) else found

    def passed(
        self, function: Attached, served: Served, request: EdgeRequest, request_id: str
    ) -> tuple[EdgeRequest, Ran] | None:
        """What a behaviour's function makes of a request, where it just passes it on and is quick."""
        return request_here(self._doorway, served, function, request, request_id, self.clock.now())

    def changed(
        self, function: Attached, served: Served, request: EdgeRequest, response: EdgeResponse, request_id: str
    ) -> tuple[EdgeResponse, Ran] | None:
        """What a behaviour's function makes of a response, where it is quick."""
        return response_here(self._doorway, served, function, request, response, request_id, self.clock.now())

    # ── behind it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def note(self, hit: Hit) -> None:
        """One was answered."""
        self._waiting.append(hit)
        if len(self._waiting) >= AT_ONCE:
            self._settle()

    def recent(self) -> list[LogEntry]:
        """The last requests of the edge, the latest first."""
        hits = [hit.entry() for hit in (*self._latest, *self._waiting)]
        every = sorted([*self._delivery.recent.values(), *hits], key=lambda one: one.time, reverse=True)
        return every[:RECENT]

    def forget(self, account: str | None) -> None:
        """Drop what is kept of an account, or of all."""
        self._settle()
        kept = [hit for hit in self._latest if account not in (None, hit.seen.served.account)]
        self._latest.clear()
        self._latest.extend(kept)
        for id in [id for id, tally in self._tallies.items() if account in (None, tally.served.account)]:
            del self._tallies[id]

    def end(self, distribution: str) -> None:
        """A distribution is no more: tell of its last hits, and keep nothing of it."""
        self.tell()
        self._tallies.pop(distribution, None)

    def tell(self) -> None:
        """End the period: hand its hits to the logs, and leave their hops."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._settle()
        for tally in self._tallies.values():
            tally.came = 0
            for kind, sums in tally.answered.items():
                self._doorway.hops.record(self._hop(tally.served, kind, sums))
            tally.answered.clear()

    def _settle(self) -> None:
        """Add up what waits, and hand it to the logs."""
        waiting, self._waiting = self._waiting, []
        self._latest.extend(waiting)
        for hit in waiting:
            answered, framed = hit.seen.tally.answered, hit.framed
            kind = framed.status, tuple([ran.name for ran in hit.ran])
            sums = answered.get(kind)
            if sums is None:
                sums = answered[kind] = Sums(hit.time)
            sums.count += 1
            sums.size += len(framed.frame.body)
            sums.seconds += hit.seconds
            for ran in hit.ran:
                sums.utilisation[ran.name] += ran.utilisation
                write_lines(self._logs, hit.seen.served, ran.name, hit.request_id, ran.lines)
            served, realtime = hit.seen.served, hit.framed.behaviour.realtime
            if served.log_bucket:
                self._delivery.add_line(served, line(hit))
            if realtime is not None and self._delivery.chosen(realtime):
                self._delivery.add_record(hit.entry(), realtime)

    def _hop(self, served: Served, kind: Kind, sums: Sums) -> Hop:
        status, functions = kind
        units: dict[str, float] = {"requests": sums.count, "cloudfront:status": status}
        if served.monitored:
            units["cloudfront:hit"] = 100.0
        if functions:
            units["cloudfront:function"] = sums.count * len(functions)
            units |= {f"cloudfront:utilization/{name}": sums.utilisation[name] / sums.count for name in functions}
        return Hop(
            time=int(sums.time * 1000),
            account=served.account,
            region=REGION,
            trace=Trace.new(sums.time).root,
            span=span_id(),
            parent="",
            source="client",
            target=f"{cloudfront.name}:{served.id}",
            service=cloudfront.name,
            operation=PLANE,
            outcome="ok",
            duration_us=int(sums.seconds / sums.count * 1e6),
            request_bytes=0,
            response_bytes=sums.size,
            request_id=uuid(),
            fault="",
            units=units,
        )
