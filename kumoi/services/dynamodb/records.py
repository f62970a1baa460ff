"""What DynamoDB stores beside items: tables with their indexes, and the streams tables have or had.

Every table and index has a number (`id`) under which its rows lie (`storage.py`); a table made anew gets another.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class Keys(msgspec.Struct, frozen=True):
    """The key attributes of a table or index with their types (S, N or B); `range` is empty where there is none."""

    hash: str
    hash_type: str
    range: str = ""
    range_type: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes' names, the partition key first."""
        return (self.hash, self.range) if self.range else (self.hash,)

    @property
    def types(self) -> dict[str, str]:
        """Each attribute's type."""
        return {self.hash: self.hash_type} | ({self.range: self.range_type} if self.range else {})


class Throughput(msgspec.Struct, frozen=True):
    """Provisioned capacity units; zeros where the table is on demand."""

    read: int = 0
    write: int = 0


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """A secondary index. `included` are the attributes of an INCLUDE projection."""

    name: str
    id: int
    keys: Keys
    is_global: bool
    projection: str
    included: tuple[str, ...] = ()
    throughput: Throughput = Throughput()
    on_demand: dict[str, int] = {}
    backfilling: bool = False

    def projected(self, table: Keys) -> frozenset[str] | None:
        """The names of the attributes that an entry holds; None for all."""
        if self.projection == "ALL":
            return None
        return frozenset((*table.names, *self.keys.names, *self.included))


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table. `stream` is the view type of its stream, empty without one; `stream_label` names the latest.

    `expiry` is the attribute of its time to live; `recovery_days` the window of point-in-time recovery, 0 when off.
    `copies` are those under way (`copying.py`); while a table is `restoring` it is not there for items. `replicas` are
    the other regions of a global table with the status of each, `destinations` the Kinesis streams that are sent its
    changes, `insights` the mode of contributor insights by index (empty name: the table).
    """

    name: str
    id: int
    uuid: str
    created: float
    keys: Keys
    attributes: dict[str, str]
    indexes: tuple[Index, ...] = ()
    billing: str = "PROVISIONED"
    billing_changed: float | None = None
    throughput: Throughput = Throughput()
    on_demand: dict[str, int] = {}
    warm: dict[str, int] = {}
    stream: str = ""
    stream_label: str = ""
    expiry: str = ""
    recovery_days: int = 0
    recovery_since: float = 0.0
    copies: int = 0
    restoring: bool = False
    restored_from: dict[str, Any] = {}
    protected: bool = False
    table_class: str = ""
    encryption: dict[str, Any] = {}
    tags: dict[str, str] = {}
    replicas: dict[str, str] = {}
    destinations: tuple[str, ...] = ()
    insights: dict[str, str] = {}

    def index(self, name: str) -> Index | None:
        """The index of that name."""
        return next((index for index in self.indexes if index.name == name), None)

    @property
    def journaled(self) -> bool:
        """Whether writes are noted in the table's journal."""
        return bool(self.recovery_days or self.copies)

    @property
    def has_local_indexes(self) -> bool:
        """Whether there are local secondary indexes."""
        return any(not index.is_global for index in self.indexes)


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that a table has, or had within the last 24 hours: `ended` is when it was disabled, 0 while enabled."""

    table: str
    label: str
    view: str
    keys: Keys
    created: float
    ended: float = 0.0


tables: Space[Table] = Space("dynamodb.table", Table, lambda table: (table.name,), remembered=True)
streams: Space[Stream] = Space("dynamodb.stream", Stream, lambda stream: (stream.table, stream.label))
