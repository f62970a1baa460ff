"""Hops: one record for each call that passed the doorway.

The latest lie in a bounded ring for the live view; all of them go to the lake, in batches, for history. The map, the
traces, the bill and the chaos report are views of these records.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from kumoi.lake import Lake, Table

if TYPE_CHECKING:
    from kumoi.doorway.tracing import Traced

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500
"""Hops that go to the lake together at most: handing them over keeps other work waiting for as long as that takes."""

TABLE = Table(
    "hops",
    {
        "time": "BIGINT",
        "account": "VARCHAR",
        "region": "VARCHAR",
        "trace": "VARCHAR",
        "span": "VARCHAR",
        "parent": "VARCHAR",
        "source": "VARCHAR",
        "target": "VARCHAR",
        "service": "VARCHAR",
        "operation": "VARCHAR",
        "outcome": "VARCHAR",
        "duration_us": "BIGINT",
        "request_bytes": "BIGINT",
        "response_bytes": "BIGINT",
        "request_id": "VARCHAR",
        "fault": "VARCHAR",
        "units": "VARCHAR",
        "principal": "VARCHAR",
        "asked": "VARCHAR",
        "denied": "VARCHAR",
        "warning": "VARCHAR",
    },
    partition=("account",),
    level=1,  # a quarter less CPU than DuckDB's own, and files no larger: most of a hop is random
)


class Hop(msgspec.Struct, frozen=True):
    """Who called what, when (epoch ms), how long (µs), and how it ended (`ok`, or the error's code).

    `source` and `target` are nodes of the map; `fault` is the declared fault that struck, or empty. Where policies were
    asked, `principal` is who called, `asked` the permissions it needed (`action resource`, one a line), and `denied`
    why policies deny one of them. `warning` is what the service noticed beside its answer. What X-Ray is told
    (`traced`, and whether the caller is traced, `within`) is not kept.

    Mostly it is one call. A data plane that answers thousands a second without one each leaves a hop for many alike:
    units and bytes are their sums then, the duration is their mean.
    """

    time: int
    account: str
    region: str
    trace: str
    span: str
    parent: str
    source: str
    target: str
    service: str
    operation: str
    outcome: str
    duration_us: int
    request_bytes: int
    response_bytes: int
    request_id: str
    fault: str
    units: dict[str, float]
    principal: str = ""
    asked: str = ""
    denied: str = ""
    warning: str = ""
    traced: Traced | None = None
    within: bool = False

    @property
    def calls(self) -> int:
        """How many calls it stands for."""
        return int(self.units.get("requests", 1))

    def shown(self) -> dict[str, Any]:
        """What is kept of it, by name."""
        return dict(zip(_KEPT, astuple(self), strict=False))


_KEPT = tuple(TABLE.columns)
_UNITS, _COLUMNS = _KEPT.index("units"), len(_KEPT)


Hearing = Callable[[Hop], None]
_Making = Callable[[Hop], Hearing | None]
_KINDS = 10_000
"""Kinds of hops of which is remembered who hears them."""


class Behind(NamedTuple):
    """Hops behind some number of them: those found, how many before them are forgotten, the number of the last one."""

    hops: list[Hop]
    missed: int
    through: int


class Hops:
    """The recorder. `keep` bounds the ring; the lake gets hops every `flush_seconds`, sooner when they are many.

    `recorded` is how many hops there have been.
    """

    def __init__(self, lake: Lake, *, keep: int = 10_000, flush_seconds: float = 1.0) -> None:
        self._lake = lake
        self._ring: deque[Hop] = deque(maxlen=keep)
        self.recorded = 0
        self._unwritten: list[Hop] = []
        self._flush_seconds = flush_seconds
        self._flush_handle: asyncio.TimerHandle | None = None
        self._listeners: list[tuple[_Making, Collection[str] | None]] = []
        self._hearing: dict[tuple[str | bool, ...], list[Hearing]] = {}
        self._followers: list[tuple[str, Callable[[str], None]]] = []
        self._gathering: list[Callable[[], None]] = []
        lake.define(TABLE)

    def record(self, hop: Hop) -> None:
        """Keep a hop; cheap, and safe to call for every call."""
        self._ring.append(hop)
        self.recorded += 1
        unwritten = self._unwritten
        unwritten.append(hop)
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_later(self._flush_seconds, self.flush)
        elif len(unwritten) >= MOST_AT_ONCE:
            self.flush()
        kind = hop.account, hop.region, hop.source, hop.target, hop.service, hop.operation, hop.principal != ""
        hearing = self._hearing.get(kind)
        if hearing is None:
            hearing = self._hearing_of(kind, hop)
        for hear in hearing:
            try:
                hear(hop)
            except Exception:
                logger.exception("a listener failed at the hop %s %s %s", hop.service, hop.operation, hop.request_id)

    def listen(self, listener: Hearing, services: Collection[str] | None = None) -> Callable[[], None]:
        """Have `listener` called with each hop (of some services); answers how to stop that.

        Where it fails, the call does not.
        """
        return self.listen_by_kind(lambda _hop: listener, services)

    def listen_by_kind(
        self, making: Callable[[Hop], Hearing | None], services: Collection[str] | None = None
    ) -> Callable[[], None]:
        """As `listen`, by what `making` answers for the first hop of a kind; None is for a kind that nobody hears.

        Hops of a kind have the same account, region, ends, service and operation, and policies were asked of all or of
        none. `making` may be asked again at any time.
        """
        entry = making, services
        self._listeners.append(entry)
        self.forget_kinds()

        def stop() -> None:
            self._listeners.remove(entry)
            self.forget_kinds()

        return stop

    def forget_kinds(self) -> None:
        """Have asked anew who hears the hops of each kind."""
        self._hearing.clear()

    def follow(self, follower: Callable[[str], None], service: str) -> Callable[[], None]:
        """Have `follower` called with the operation of each call of a service that has had its effect; answers how to
        stop that. It may come twice: where a fault holds the answer back, the hop comes when that is over.
        """

        def heard(hop: Hop) -> None:
            follower(hop.operation)

        self._followers.append((service, follower))
        stop = self.listen(heard, (service,))

        def stop_both() -> None:
            self._followers.remove((service, follower))
            stop()

        return stop_both

    def gathered(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Somebody records hops a moment later: `tell` has what was gathered recorded. Answers how to end that."""
        self._gathering.append(tell)
        return lambda: self._gathering.remove(tell)

    def settle(self) -> None:
        """Have everything recorded that was gathered, while those who listen still do."""
        for tell in self._gathering:
            tell()

    def had_effect(self, service: str, operation: str) -> None:
        """Tell those who follow a service of a call whose hop is yet to come."""
        for followed, follower in self._followers:
            if followed == service:
                follower(operation)

    def _hearing_of(self, kind: tuple[str | bool, ...], hop: Hop) -> list[Hearing]:
        """Who hears the hops of a kind, kept until somebody else does."""
        found: list[Hearing] = []
        for making, services in self._listeners:
            if services is None or hop.service in services:
                try:
                    hearing = making(hop)
                except Exception:
                    logger.exception("a listener failed at the hop %s %s", hop.service, hop.operation)
                    continue
                if hearing is not None:
                    found.append(hearing)
        if len(self._hearing) >= _KINDS:
            self._hearing.clear()
        self._hearing[kind] = found
        return found

    def latest(self, limit: int, account: str | None = None) -> list[Hop]:
        """The last `limit` hops (of one account), the newest last."""
        found: list[Hop] = []
        for hop in reversed(self._ring):
            if len(found) >= limit:
                break
            if account is None or hop.account == account:
                found.append(hop)
        return found[::-1]

    def after(self, number: int, limit: int) -> Behind:
        """What was recorded behind the first `number` hops: at most `limit`, the oldest of those still known."""
        if not 0 <= number <= self.recorded:
            number = 0  # that was before a restart
        known = min(self.recorded - number, len(self._ring))
        begin = len(self._ring) - known
        found = list(islice(self._ring, begin, begin + limit))
        missed = self.recorded - known - number
        return Behind(found, missed, number + missed + len(found))

    def __iter__(self) -> Iterator[Hop]:
        return iter(self._ring)

    def flush(self) -> None:
        """Hand what has come in to the lake."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._unwritten:
            # The row of a hop, in the order of the table's columns, which is that of its fields.
            rows = [
                (*hop[:_UNITS], units_text(hop[_UNITS]), *hop[_UNITS + 1 : _COLUMNS])
                for hop in map(astuple, self._unwritten)
            ]
            self._lake.write(TABLE.name, rows)
            self._unwritten = []

    def clear(self, account: str | None = None) -> None:
        """Forget the ring's hops, of one account or all."""
        kept = [] if account is None else [hop for hop in self._ring if hop.account != account]
        self._ring.clear()
        self._ring.extend(kept)
        self._unwritten = [hop for hop in self._unwritten if account is not None and hop.account != account]


def units_text(units: Mapping[str, float]) -> str:
    """Units as a column of the lake has them: `requests=1,write_units=2.5`, every digit kept."""
    return _units_form(tuple(units)) % tuple(units.values())


@lru_cache(1024)
def _units_form(names: tuple[str, ...]) -> str:
    """How units of these names are written: calls of an operation have mostly the same."""
    return ",".join([f"{name.replace('%', '%%')}=%r" for name in names])
