"""Metrics of AWS's own namespaces, derived from hops and charges: what passes the doorway is counted here.

Which there are says `derivations`. They gather in memory and are put each second; a crash loses that second, and the
one in which hops of a kind come together before.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from kumoi.doorway import ChargeKey, Doorway, Hop
from kumoi.services.cloudwatch.derivations import CHARGES, HOPS, of_rules
from kumoi.services.cloudwatch.records import Dimensions
from kumoi.services.cloudwatch.storage import Datum, put

_FLUSH_SECONDS = 1.0

Place = tuple[str, str]
Key = tuple[str, str, Dimensions, str, int]
Counts = dict[Place, dict[Key, Counter[float]]]
"""How often each value came, by place and metric."""
Kind = tuple[str, str, str, str, str, int]
"""What hops are gathered by: account, region, service, target, operation, and the minute (epoch seconds)."""


class DerivedMetrics:
    """Gathers metrics from hops and puts them."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._gathered: dict[Kind, list[Hop]] = {}
        self._charged: Counts = {}
        self._timer: asyncio.TimerHandle | None = None
        self._putting: set[asyncio.Task[None]] = set()
        self._stops = (
            doorway.hops.take_by_kind(lambda _hop: self.take, HOPS.keys()),
            doorway.charges.listen(self.charged),
        )

    def take(self, hops: Sequence[Hop]) -> None:
        """Take note of hops of one kind."""
        if len({hop.time // 60_000 for hop in hops}) == 1:
            self._gathered.setdefault(kind_of(hops[0]), []).extend(hops)
        else:
            for hop in hops:
                self._gathered.setdefault(kind_of(hop), []).append(hop)
        self._flush_later()

    def charged(self, key: ChargeKey, units: Mapping[str, float]) -> None:
        """Take note of what a service has told beside calls."""
        rule = CHARGES.get(key.service)
        if rule is None:
            return
        minute = int(self._doorway.clock.now()) // 60 * 60
        here = self._charged.setdefault((key.account, key.region), {})
        for namespace, name, dimensions, unit, values in rule(key, units):
            here.setdefault((namespace, name, dimensions, unit, minute), Counter()).update(values)
        self._flush_later()

    def forget(self, account: str | None) -> None:
        """Drop what was gathered for an account, or all, and what is about to be."""
        self._doorway.hops.hand_over()
        for kind in [kind for kind in self._gathered if account in (None, kind[0])]:
            del self._gathered[kind]
        for place in [place for place in self._charged if account in (None, place[0])]:
            del self._charged[place]

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
        charged, self._charged = self._charged, {}
        for (account, region), found in [*counted(gathered).items(), *charged.items()]:
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


def kind_of(hop: Hop) -> Kind:
    """What a hop is gathered by."""
    return hop.account, hop.region, hop.service, hop.target, hop.operation, hop.time // 60_000 * 60


def counted(gathered: Mapping[Kind, Sequence[Hop]]) -> Counts:
    """What hops come to."""
    found: Counts = {}
    for (account, region, service, _target, _operation, minute), hops in gathered.items():
        here = found.setdefault((account, region), {})
        for namespace, name, dimensions, unit, values in (*HOPS[service](hops), *of_rules(hops)):
            if values:
                here.setdefault((namespace, name, dimensions, unit, minute), Counter()).update(values)
    return found
