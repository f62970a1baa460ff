"""Archived events in the lake: the table, its rows, reading pages of them."""

from __future__ import annotations

from typing import Any

from kumoi.lake import Cursor, Lake, Table, View
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


def kept_from(archive: Archive, now: float) -> int:
    """The time (epoch ms) before which an archive keeps nothing; 0 where it keeps all."""
    return int((now - archive.retention_days * 86_400) * 1000) if archive.retention_days else 0


async def measure(lake: Lake, account: str, region: str, archive: Archive, now: float) -> tuple[int, int]:
    """The number and the bytes of the events that an archive has."""
    view = View(TABLE.name, account, region, {"archive": archive.id}, start=kept_from(archive, now))
    result = await lake.query("SELECT count(*), coalesce(sum(strlen(event)), 0) FROM kept", views={"kept": view})
    count, size = result.rows[0]
    return int(count), int(size)


async def delete(lake: Lake, account: str, region: str, archive: str) -> None:
    """Delete all events of an archive."""
    await lake.delete(TABLE.name, account=account, region=region, equals={"archive": archive})
