"""Archived events in the lake: the table, its rows, reading pages of them."""

from __future__ import annotations

from typing import Any

from kumoi.lake import Cursor, Lake, Table
from kumoi.services.events.event import Event
from kumoi.services.events.naming import BusPlace
from kumoi.services.events.records import Archive

TABLE = Table(
    "archived_events",
    {
        "time": "BIGINT",
        "account": "VARCHAR",
        "region": "VARCHAR",
        "archive": "VARCHAR",
        "event": "VARCHAR",
    },
    partition=("account", "region", "archive"),
)
"""`time` is when an event came in (epoch ms), `archive` the archive's id."""


def row(archive: Archive, place: BusPlace, event: Event, now: float) -> dict[str, Any]:
    """The row of an event that an archive keeps."""
    return {
        "time": int(now * 1000),
        "account": place.account,
        "region": place.region,
        "archive": archive.id,
        "event": event.json().decode(),
    }


async def read(
    lake: Lake, account: str, region: str, archive: str, *, start: int, end: int, after: Cursor | None, limit: int
) -> list[dict[str, Any]]:
    """Up to `limit` rows of an archive in order, `start` <= time < `end` (epoch ms), behind `after`."""
    return await lake.scan(
        TABLE.name,
        account=account,
        region=region,
        equals={"archive": archive},
        start=start,
        end=end,
        after=after,
        limit=limit,
    )
