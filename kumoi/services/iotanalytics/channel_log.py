"""A channel's messages: rows of the lake, as they were received.

A payload that is text is kept as text, any other as base64. `shape` names the shape that it was checked against when
it came in (`channel_shapes.py`), and `quotes` says how many quotation marks it has. Within a channel, times never go
backwards, so that (time, seq) is the order of arrival, whatever the machine's clock does: a pipeline's position is
such a place.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import NamedTuple

from kumoi.lake import Arrivals, Cursor, Lake, Row, Table, View
from kumoi.services.iotanalytics.shapes import quotes_in

TABLE = "iotanalytics_messages"
_COLUMNS = {
    "time": "BIGINT",
    "account": "VARCHAR",
    "region": "VARCHAR",
    "channel": "VARCHAR",
    "message_id": "VARCHAR",
    "payload": "VARCHAR",
    "encoded": "BOOLEAN",
    "shape": "VARCHAR",
    "quotes": "BIGINT",
}
BATCH = 10_000
MOST_ROWS, MOST_BYTES = 150_000, 32 << 20
"""What a pipeline reads at once."""


class ChannelKey(NamedTuple):
    """A channel of a place, by its name and by the id that sets it apart from an earlier one."""

    account: str
    region: str
    name: str
    id: str

    @property
    def equals(self) -> dict[str, str]:
        """What its rows hold."""
        return {"channel": f"{self.name}/{self.id}"}


class ChannelLog:
    """The messages of all channels."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._latest: dict[ChannelKey, int] = {}
        lake.define(Table(TABLE, _COLUMNS, partition=("account", "region", "channel"), measured="payload"))

    async def append(
        self, key: ChannelKey, messages: Iterable[tuple[str, bytes]], now: float, shape: str | None = None
    ) -> None:
        """Add messages (id, payload) of a shape; returns once they are durable."""
        if key not in self._latest:
            last = await self.last(key)
            self._latest.setdefault(key, last.time if last else 0)
        time = self._latest[key] = max(self._latest[key], int(now * 1000))
        fixed = (time, key.account, key.region, key.equals["channel"])
        rows = []
        for message_id, payload in messages:
            try:
                text, encoded = payload.decode(), False
            except UnicodeDecodeError:
                text, encoded = base64.b64encode(payload).decode(), True
            quotes = None if shape is None else quotes_in(payload)
            rows.append((*fixed, message_id, text, encoded, shape, quotes))
        await self._lake.append(TABLE, rows)

    async def read(self, key: ChannelKey, after: Cursor, *, end: int | None = None, limit: int = BATCH) -> list[Row]:
        """The messages behind a place and before `end` (epoch ms), in order."""
        return await self._lake.scan(
            TABLE, account=key.account, region=key.region, equals=key.equals, after=after, end=end, limit=limit
        )

    def following(
        self, key: ChannelKey, after: Cursor, *, end: int | None = None
    ) -> AbstractContextManager[Arrivals | None]:
        """The next of the messages behind a place and before `end` (epoch ms), many at once."""
        return self._lake.arrivals(
            TABLE,
            account=key.account,
            region=key.region,
            equals=key.equals,
            after=after,
            end=end,
            rows=MOST_ROWS,
            size=MOST_BYTES,
        )

    async def sample(self, key: ChannelKey, start: int | None, end: int | None, limit: int) -> list[Row]:
        """The newest messages of a time."""
        return await self._lake.scan(
            TABLE,
            account=key.account,
            region=key.region,
            equals=key.equals,
            start=start,
            end=end,
            limit=limit,
            reverse=True,
        )

    async def last(self, key: ChannelKey) -> Cursor | None:
        """The place of the newest message; None without any."""
        rows = await self.sample(key, None, None, 1)
        return Cursor(rows[0]["time"], rows[0]["seq"]) if rows else None

    async def size(self, key: ChannelKey) -> int:
        """Bytes of payloads."""
        views = {"messages": View(TABLE, key.account, key.region, key.equals)}
        ((size,),) = (
            await self._lake.query("SELECT coalesce(sum(strlen(payload)), 0) FROM messages", views=views)
        ).rows
        return int(size)

    async def delete(self, key: ChannelKey) -> None:
        """Delete a channel's messages."""
        self._latest.pop(key, None)
        await self._lake.delete(TABLE, account=key.account, region=key.region, equals=key.equals)

    async def retain(self, key: ChannelKey, before: int) -> None:
        """Delete messages older than `before` (epoch ms)."""
        await self._lake.retain(TABLE, account=key.account, region=key.region, equals=key.equals, before=before)

    def forget(self, account: str | None) -> None:
        """Forget what is remembered of an account's channels, or of all."""
        for key in [key for key in self._latest if account in (None, key.account)]:
            del self._latest[key]


def day_of(seconds: float) -> str:
    """The day of a time as `__dt` has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d 00:00:00")


def payload_of(row: Row) -> bytes:
    """A message's payload as it was received."""
    return base64.b64decode(row["payload"]) if row["encoded"] else str(row["payload"]).encode()


def payloads(rows: Sequence[Row]) -> list[bytes]:
    """The payloads of rows."""
    return [payload_of(row) for row in rows]
