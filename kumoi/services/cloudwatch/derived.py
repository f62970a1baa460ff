"""Metrics of AWS's own namespaces, derived from hops and charges: what passes the doorway is counted here.

Which there are says `derivations`. They gather in memory and are put each second; a crash loses that second, and the
one in which hops of a kind come together before.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping

from kumoi.doorway import ChargeKey, Doorway, Hop, HopBatch
from kumoi.services.cloudwatch.derivations import CHARGES, HOPS, Found, of_rules
from kumoi.services.cloudwatch.records import Dimensions
from kumoi.services.cloudwatch.storage import Datum, put

_FLUSH_SECONDS = 1.0

Place = tuple[str, str]
Key = tuple[str, str, Dimensions, str, int]
Counts = dict[Place, dict[Key, Counter[float]]]
"""How often each value came, by place and metric."""


class DerivedMetrics:
    """Gathers metrics from hops and puts them."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._gathered: Counts = {}
        self._timer: asyncio.TimerHandle | None = None
        self._putting: set[asyncio.Task[None]] = set()
        self._stops = (
            doorway.hops.take_by_kind(lambda _hop: self.take, HOPS.keys()),
            doorway.charges.listen(self.charged),
        )

    def take(self, batch: HopBatch) -> None:
        """Take note of hops of one kind."""
        count(batch, self._gathered)
        self._flush_later()

    def charged(self, key: ChargeKey, units: Mapping[str, float]) -> None:
        """Take note of what a service has told beside calls."""
        rule = CHARGES.get(key.service)
        if rule is None:
            return
        minute = int(self._doorway.clock.now()) // 60 * 60
        _add(self._gathered, (key.account, key.region), minute, rule(key, units))
        self._flush_later()

    def forget(self, account: str | None) -> None:
        """Drop what was gathered for an account, or all, and what is about to be."""
        self._doorway.hops.hand_over()
        for place in [place for place in self._gathered if account in (None, place[0])]:
            del self._gathered[place]

    async def settle(self) -> None:
        """Put what was counted until now: whoever looks next sees it."""
        self._doorway.hops.hand_over()
        self._flush()
        await asyncio.gather(*self._putting)

    async def stop(self) -> None:
        """Put what was gathered, and gather no more."""
        for stop in self._stops:
            stop()
        self._flush()
        await asyncio.gather(*self._putting)

    def _flush_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathered = self._gathered, {}
        for (account, region), found in gathered.items():
            task = asyncio.create_task(self._put(account, region, found))
            self._putting.add(task)
            task.add_done_callback(self._putting.discard)

    async def _put(self, account: str, region: str, found: Mapping[Key, Mapping[float, float]]) -> None:
        state = self._doorway.state.at(account, region)
        by_namespace: dict[str, list[Datum]] = {}
        for (namespace, name, dimensions, unit, minute), values in found.items():
            datum = Datum(name, dimensions, minute, unit, 60, tuple(values.items()))
            by_namespace.setdefault(namespace, []).append(datum)
        for namespace, data in by_namespace.items():
            await put(state, namespace, data)


def count(batch: HopBatch, into: Counts) -> None:
    """Count what hops of one kind come to, by the minutes they began in."""
    times = batch.column("time")
    minute = min(times) // 60_000
    if max(times) // 60_000 == minute:
        first = batch.first
        for found in (HOPS[first.service](batch), of_rules(batch)):
            _add(into, (first.account, first.region), minute * 60, found)
    else:
        minutes: dict[int, list[Hop]] = {}
        for hop in batch.hops:
            minutes.setdefault(hop.time // 60_000, []).append(hop)
        for hops in minutes.values():
            count(HopBatch(hops), into)


def _add(counts: Counts, place: Place, minute: int, found: Iterable[Found]) -> None:
    for namespace, name, dimensions, unit, values in found:
        if values:
            here = counts.setdefault(place, {})
            here.setdefault((namespace, name, dimensions, unit, minute), Counter()).update(values)
