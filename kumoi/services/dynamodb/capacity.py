"""What operations consume: read and write units by table and index, computed always, billed, and told on request.

Rules: "Read/write capacity modes" and "Capacity unit consumption" of the developer guide, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.dynamodb.records import Index, Table


class Consumed(msgspec.Struct, eq=False):
    """Units one operation consumed of one table; `table_name` as the caller wrote it."""

    table_name: str
    table: float = 0.0
    global_indexes: dict[str, float] = {}
    local_indexes: dict[str, float] = {}

    @property
    def total(self) -> float:
        """All units together."""
        if not self.global_indexes and not self.local_indexes:
            return self.table
        return self.table + sum(self.global_indexes.values()) + sum(self.local_indexes.values())

    def meter(self, call: Call, unit: str) -> None:
        """Bill a call that names its table, and have known what of it global indexes took: `unit//INDEX`."""
        call.meter(unit, self.total)
        for name, units in self.global_indexes.items():
            call.meter(f"{unit}//{name}", units)

    def add_index(self, index: Index, units: float) -> None:
        """Count units of an index; none leave no trace."""
        if units:
            indexes = self.global_indexes if index.is_global else self.local_indexes
            indexes[index.name] = indexes.get(index.name, 0.0) + units

    def add(self, other: Consumed) -> None:
        """Count what another operation consumed of the same table."""
        self.table += other.table
        for mine, theirs in (
            (self.global_indexes, other.global_indexes),
            (self.local_indexes, other.local_indexes),
        ):
            for name, units in theirs.items():
                mine[name] = mine.get(name, 0.0) + units

    def told(self, mode: str, unit: str | None = None) -> dict[str, Any] | None:
        """ConsumedCapacity for INDEXES or TOTAL, None for NONE; transactions name their `unit` besides."""
        if mode == "NONE":
            return None

        def level(units: float) -> dict[str, float]:
            return {"CapacityUnits": units} | ({unit: units} if unit else {})

        answer: dict[str, Any] = {"TableName": self.table_name, **level(self.total)}
        if mode == "INDEXES":
            answer["Table"] = level(self.table)
            if self.global_indexes:
                answer["GlobalSecondaryIndexes"] = {name: level(one) for name, one in self.global_indexes.items()}
            if self.local_indexes:
                answer["LocalSecondaryIndexes"] = {name: level(one) for name, one in self.local_indexes.items()}
        return answer


class ConsumedByTable:
    """What an operation over several tables consumed, by the name the caller used."""

    def __init__(self) -> None:
        self._tables: dict[str, Consumed] = {}

    def add(self, consumed: Consumed) -> None:
        """Count what was consumed of one table."""
        known = self._tables.get(consumed.table_name)
        if known is None:
            self._tables[consumed.table_name] = consumed
        else:
            known.add(consumed)

    @property
    def total(self) -> float:
        """All units together."""
        return sum(consumed.total for consumed in self._tables.values())

    def meter(self, call: Call, unit: str) -> None:
        """Bill a call, and have known whose units these are: `unit/TABLE` and `unit/TABLE/INDEX`."""
        call.meter(unit, self.total)
        for named, consumed in self._tables.items():
            table = named.rpartition("/")[2]
            call.meter(f"{unit}/{table}", consumed.table + sum(consumed.local_indexes.values()))
            for name, units in consumed.global_indexes.items():
                call.meter(f"{unit}/{table}/{name}", units)

    def told(self, mode: str, unit: str | None = None) -> list[dict[str, Any]] | None:
        """The list of ConsumedCapacity, None for NONE."""
        told = [consumed.told(mode, unit) for consumed in self._tables.values()]
        return None if mode == "NONE" else [one for one in told if one is not None]


def read_units(size: int, *, consistent: bool) -> float:
    """Units of reading `size` bytes at once."""
    steps = -(-size // 4096) or 1
    return float(steps) if consistent else steps / 2


def write_units(*sizes: int) -> float:
    """Units of writing an item that had, or has, these sizes in bytes."""
    return float(-(-max(sizes, default=0) // 1024) or 1)


def collection_metrics(table: Table, key: dict[str, Any], mode: str) -> dict[str, Any] | None:
    """ItemCollectionMetrics of a write, where they are asked for and the table has local secondary indexes."""
    if mode != "SIZE" or not table.has_local_indexes:
        return None
    return {"ItemCollectionKey": {table.keys.hash: key[table.keys.hash]}, "SizeEstimateRangeGB": [0.0, 1.0]}


def metrics_by_table(metrics: Iterable[tuple[str, dict[str, Any] | None]]) -> dict[str, list[dict[str, Any]]] | None:
    """ItemCollectionMetrics of several writes, a list per table; None without any."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table_name, one in metrics:
        if one is not None and one not in found.setdefault(table_name, []):
            found[table_name].append(one)
    return {name: several for name, several in found.items() if several} or None
