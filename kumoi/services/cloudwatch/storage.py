"""Metrics in the key space: values added to their minute (or second), read back by time, dropped when old.

A minute is kept for 15 days, a second (StorageResolution 1) for three hours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import NamedTuple

import msgspec

from kumoi.services.cloudwatch.distribution import EMPTY, Distribution
from kumoi.services.cloudwatch.records import PERIODS, Dimensions, Metric, Period, metric_key, metrics, periods
from kumoi.state import State, Timer, Transaction, transactional

KEPT: Mapping[int, float] = {1: 3 * 3600.0, 60: 15 * 86_400.0}
"""For how many seconds a period of that length is kept."""
TRIM_TOPIC = "cloudwatch.trim"
TRIM_EVERY = 3_600.0
_TRIMMED_AT_ONCE = 50
_DROPPED_AT_ONCE = 1_000
_READ_AT_ONCE = 500


class Datum(NamedTuple):
    """Values of a metric at a moment: `values` with their counts, or a statistic set (count, sum, least, greatest)."""

    name: str
    dimensions: Dimensions
    time: float
    unit: str
    resolution: int
    values: tuple[tuple[float, float], ...] = ()
    set: tuple[float, float, float, float] | None = None


class Reading(NamedTuple):
    """Which metric to read, between which moments (epoch seconds, the end excluded), in which unit (None: any)."""

    namespace: str
    name: str
    dimensions: Dimensions
    start: float
    end: float
    unit: str | None = None


@transactional
async def put(tx: Transaction, namespace: str, data: Iterable[Datum]) -> None:
    """Add values to their metrics."""
    kept: dict[tuple[tuple[str, str, str], int, int, str], Distribution] = {}
    seen: dict[tuple[str, str, str], Metric] = {}
    for datum in data:
        key = metric_key(namespace, datum.name, datum.dimensions)
        seen[key] = Metric(namespace, datum.name, datum.dimensions, tx.now)
        start = int(datum.time // datum.resolution) * datum.resolution
        place = (key, datum.resolution, start, datum.unit)
        if place not in kept:
            found = await periods.get(tx, *key, datum.resolution, start, datum.unit)
            kept[place] = EMPTY if found is None else found.values
        kept[place] = kept[place].with_values(datum.values) if datum.set is None else kept[place].with_set(*datum.set)
    for place, values in kept.items():
        await periods.put(tx, Period(*place, values))
    for metric in seen.values():
        await metrics.put(tx, metric)
    tx.timer(_next_trim(tx.now), TRIM_TOPIC, key="trim")


@transactional
async def read(tx: Transaction, reading: Reading) -> list[Period]:
    """What is kept of a metric between two moments, in order of time."""
    key = metric_key(reading.namespace, reading.name, reading.dimensions)
    found: list[Period] = []
    for resolution in KEPT:
        prefix = (PERIODS, *key, resolution)
        first = int(reading.start // resolution) * resolution
        rows = await tx.range(prefix, after=(*prefix, first - 1, "\uffff"), before=(*prefix, int(reading.end), ""))
        found += [_decode(row.value) for row in rows]
    if reading.unit is not None:
        found = [one for one in found if one.unit == reading.unit]
    return sorted(found, key=lambda one: one.start)


async def all_metrics(
    state: State, namespace: str | None = None, name: str | None = None, after: tuple[str, str, str] | None = None
) -> AsyncIterator[Metric]:
    """Every metric, of a namespace or of a name in it, behind `after`; they are read some at a time."""
    prefix = () if namespace is None else (namespace,) if name is None else (namespace, name)
    while some := await _some(state, prefix, after):
        for metric in some:
            yield metric
        after = some[-1].key


@transactional
async def _some(tx: Transaction, prefix: tuple[str, ...], after: tuple[str, str, str] | None) -> list[Metric]:
    return await metrics.list(tx, *prefix, after=after, limit=_READ_AT_ONCE)


@transactional
async def trim(tx: Transaction, timer: Timer) -> None:
    """Drop what is too old, some metrics at a time; a metric that nothing is left of goes, too."""
    tx.complete_timer(timer)
    after = msgspec.json.decode(timer.payload) if timer.payload else None
    found = await metrics.list(tx, after=None if after is None else tuple(after), limit=_TRIMMED_AT_ONCE)
    for metric in found:
        for resolution, seconds in KEPT.items():
            prefix = (PERIODS, *metric.key, resolution)
            rows = await tx.range(prefix, before=(*prefix, int(tx.now - seconds), ""), limit=_DROPPED_AT_ONCE)
            for row in rows:
                await tx.delete(row.key)
            if len(rows) == _DROPPED_AT_ONCE:
                tx.timer(tx.now, TRIM_TOPIC, timer.payload, key="trim")
                return
        if metric.seen < tx.now - KEPT[60]:
            await metrics.delete(tx, *metric.key)
    if len(found) == _TRIMMED_AT_ONCE:
        tx.timer(tx.now, TRIM_TOPIC, msgspec.json.encode(found[-1].key), key="trim")
    elif found or after is not None:
        tx.timer(_next_trim(tx.now), TRIM_TOPIC, key="trim")


def _next_trim(now: float) -> float:
    """The end of this hour: a busy metric does not put it off."""
    return (now // TRIM_EVERY + 1) * TRIM_EVERY


_decode = msgspec.msgpack.Decoder(Period).decode
