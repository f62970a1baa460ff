"""Hops: one record for each call that passed the doorway.

The latest lie in a bounded ring for the live view; all of them go to the lake, in batches, for history. The map, the
traces, the bill and the chaos report are views of these records.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from kumoi.doorway.hop import TABLE, Hop, rows_of
from kumoi.doorway.hop_batch import HopBatch
from kumoi.lake import Lake

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500
"""Hops that go to the lake together at most: handing them over keeps other work waiting for as long as that takes."""

Hearing = Callable[[Hop], None]
Taking = Callable[[HopBatch], None]
T = TypeVar("T", Hearing, Taking)
_Entry = tuple[Callable[[Hop], T | None], Collection[str] | None]
"""What makes somebody who hears or takes hops, by the first of a kind, and of which services."""
_Kind = tuple[str, str, str, str, str, str, bool, bool]
_KINDS = 10_000
"""Kinds of hops of which is remembered who hears them."""


class _Alike:
    """Hops of a kind: who hears each of them, who takes them together, and those that nobody has taken yet."""

    __slots__ = ("hearing", "hops", "taking")

    def __init__(self, hearing: list[Hearing], taking: list[Taking]) -> None:
        self.hearing = hearing
        self.taking = taking
        self.hops: list[Hop] = []


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
        self._listeners: list[_Entry[Hearing]] = []
        self._takers: list[_Entry[Taking]] = []
        self._kinds: dict[_Kind, _Alike] = {}
        self._untaken: list[_Alike] = []
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
        kind = (
            hop.account,
            hop.region,
            hop.source,
            hop.target,
            hop.service,
            hop.operation,
            hop.principal != "",
            hop.within or hop.traced is not None,
        )
        alike = self._kinds.get(kind) or self._alike(kind, hop)
        if not alike.hops:
            self._untaken.append(alike)
        alike.hops.append(hop)
        for hear in alike.hearing:
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

        Hops of a kind have the same account, region, ends, service and operation; policies were asked of all or of
        none, and X-Ray is told of all or of none. `making` may be asked again at any time.
        """
        return self._entered(self._listeners, (making, services))

    def take_by_kind(
        self, making: Callable[[Hop], Taking | None], services: Collection[str] | None = None
    ) -> Callable[[], None]:
        """As `listen_by_kind`, for what need not be heard at once: hops of a kind come together, a second late at most.

        Whoever wants to know before has them handed over. What has come by when it stops is taken.
        """
        return self._entered(self._takers, (making, services))

    def _entered(self, entries: list[_Entry[T]], entry: _Entry[T]) -> Callable[[], None]:
        self.forget_kinds()
        entries.append(entry)

        def stop() -> None:
            self.forget_kinds()
            entries.remove(entry)

        return stop

    def forget_kinds(self) -> None:
        """Have asked anew who hears and who takes the hops of each kind."""
        self.hand_over()
        self._kinds.clear()

    def hand_over(self) -> None:
        """Have what has come in taken by those who take hops of a kind together."""
        untaken, self._untaken = self._untaken, []
        for alike in untaken:
            batch, alike.hops = HopBatch(alike.hops), []
            for take in alike.taking:
                try:
                    take(batch)
                except Exception:
                    first = batch.first
                    logger.exception("hops %s %s could not be taken", first.service, first.operation)

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

    def _alike(self, kind: _Kind, hop: Hop) -> _Alike:
        """What hops of a kind are from now on, `hop` the first of them."""
        alike = _Alike(_made(self._listeners, hop), _made(self._takers, hop))
        if len(self._kinds) >= _KINDS:
            self._kinds.clear()
        self._kinds[kind] = alike
        return alike

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
        """Hand what has come in to the lake, and to those who take it together."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._unwritten:
            self._lake.write(TABLE.name, rows_of(self._unwritten))
            self._unwritten = []
        self.hand_over()

    def clear(self, account: str | None = None) -> None:
        """Forget the ring's hops, of one account or all."""
        kept = [] if account is None else [hop for hop in self._ring if hop.account != account]
        self._ring.clear()
        self._ring.extend(kept)
        self._unwritten = [hop for hop in self._unwritten if account is not None and hop.account != account]
        for alike in self._untaken:
            alike.hops = [hop for hop in alike.hops if account is not None and hop.account != account]
        self._untaken = [alike for alike in self._untaken if alike.hops]


def _made(entries: Sequence[_Entry[T]], hop: Hop) -> list[T]:
    found: list[T] = []
    for making, services in entries:
        if services is None or hop.service in services:
            try:
                made = making(hop)
            except Exception:
                logger.exception("a listener failed at the hop %s %s", hop.service, hop.operation)
                continue
            if made is not None:
                found.append(made)
    return found
