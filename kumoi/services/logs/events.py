"""Log events in the lake: the table, writing to it, reading pages of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

from kumoi.insights.message_fields import DOCUMENT, LAMBDA
from kumoi.lake import Cursor, Derived, Lake, Table
from kumoi.services.logs.records import STORED_BYTES, LogGroup, LogStream, groups, streams
from kumoi.services.logs.rules import EVENT_OVERHEAD, Place, no_group, no_stream
from kumoi.state import State, Transaction, transactional

TABLE = Table(
    "log_events",
    {
        "time": "BIGINT",
        "account": "VARCHAR",
        "region": "VARCHAR",
        "log_group": "VARCHAR",
        "log_stream": "VARCHAR",
        "message": "VARCHAR",
        "ingested": "BIGINT",
        "unmasked": "VARCHAR",
    },
    partition=("account", "region", "log_group"),
    document=DOCUMENT,
    derived=tuple(Derived(name, kind, sql) for name, (kind, sql) in LAMBDA.items()),
    promoted=24,
    measured="message",
    compression="lz4_raw",
)
"""Events by group. What Insights reads out of messages is worked out when they are sealed, into columns. `unmasked` is
what a message was before data protection masked it; NULL for most.
"""


timestamp_of: Callable[[Mapping[str, Any]], int] = itemgetter("timestamp")
message_of: Callable[[Mapping[str, Any]], str] = itemgetter("message")


async def write(
    lake: Lake, account: str, region: str, group: str, streams: Mapping[str, Sequence[dict[str, Any]]], now: int
) -> int:
    """Append events (`timestamp`, `message`, and `unmasked` where that differs) by stream; durable once this returns.

    Answers the seq of the first: the others follow, in the order given.
    """
    rows: list[tuple[Any, ...]] = []
    for stream, events in streams.items():
        place = map(repeat, (account, region, group, stream))
        unmasked = map(dict.get, events, repeat("unmasked"))
        rows += zip(map(timestamp_of, events), *place, map(message_of, events), repeat(now), unmasked, strict=False)
    return await lake.append(TABLE.name, rows)


async def read(
    lake: Lake,
    account: str,
    region: str,
    group: str,
    *,
    limit: int,
    only: Sequence[str] | None = None,
    start: int | None = None,
    end: int | None = None,
    after: Place | None = None,
    reverse: bool = False,
    containing: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Up to `limit` events of a group (of the streams `only`) in order, or the last ones first with `reverse`.

    `start` is inclusive, `end` exclusive (epoch ms); `after` is where to go on, in the direction of reading. Messages
    contain every text of `containing`.
    """
    equals: dict[str, str | Sequence[str]] = {"log_group": group}
    if only is not None:
        equals["log_stream"] = list(only)
    return await lake.scan(
        TABLE.name,
        account=account,
        region=region,
        equals=equals,
        contains={"message": containing} if containing else None,
        start=start,
        end=end,
        limit=limit,
        reverse=reverse,
        after=None if after is None else Cursor(*after),
    )


def place_of(row: dict[str, Any]) -> Place:
    """Where an event's row stands."""
    return Place(row["time"], row["seq"])


def cutoff(group: LogGroup, now: int) -> int | None:
    """The time (epoch ms) before which a group's events have expired; None when they never do."""
    return None if group.retention is None else now - group.retention * 86_400_000


class Arrivals(NamedTuple):
    """Events that came in: the first and last timestamp (epoch ms), and their size in bytes."""

    first: int
    last: int
    size: int

    @classmethod
    def of(cls, events: Sequence[dict[str, Any]]) -> Arrivals:
        """What a batch (of at least one event) amounts to."""
        times = list(map(timestamp_of, events))
        texts = sum(map(len, map(message_of, events)))
        return cls(min(times), max(times), texts + EVENT_OVERHEAD * len(events))

    def and_also(self, other: Arrivals) -> Arrivals:
        """Both together."""
        return Arrivals(min(self.first, other.first), max(self.last, other.last), self.size + other.size)


@transactional
async def noted(tx: Transaction, group: str, stream: str, arrivals: Arrivals | None, now: int, *, create: bool) -> None:
    """Note on the stream that events came in. Missing groups and streams are made with `create`, else errors."""
    if await groups.get(tx, group) is None:
        if not create:
            raise no_group()
        await groups.put(tx, LogGroup(name=group, created=now))
    known = await streams.get(tx, group, stream)
    if known is None:
        if not create:
            raise no_stream()
        known = LogStream(group=group, name=stream, created=now)
    if arrivals is not None:
        known = known.after(arrivals.first, arrivals.last, now)
        await tx.tally((STORED_BYTES, group), arrivals.size)
    await streams.put(tx, known)


@transactional
async def find_group(tx: Transaction, name: str) -> LogGroup:
    """The group of that name; ResourceNotFoundException otherwise."""
    group = await groups.get(tx, name)
    if group is None:
        raise no_group()
    return group


@transactional
async def find_stream(tx: Transaction, group: str, name: str) -> LogStream:
    """The stream of that name; ResourceNotFoundException otherwise."""
    await find_group(tx, group)
    stream = await streams.get(tx, group, name)
    if stream is None:
        raise no_stream()
    return stream


async def stored_bytes(state: State, names: Sequence[str]) -> dict[str, int]:
    """How many bytes groups hold."""
    return await _stored_bytes(state, names)


@transactional
async def _stored_bytes(tx: Transaction, names: Sequence[str]) -> dict[str, int]:
    return {name: await tx.add((STORED_BYTES, name), 0) for name in names}
