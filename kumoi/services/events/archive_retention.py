"""Retention of archives: expired events leave the lake once a day of platform time. Readers pass over them at once."""

from __future__ import annotations

from kumoi.lake import Lake
from kumoi.services.events import archive_log
from kumoi.services.events.records import Archive, archives
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "events.archive_retention"
INTERVAL = 86_400.0


def schedule(tx: Transaction, archive: Archive) -> None:
    """Have an archive's expired events removed now and then every day, or no longer where it keeps them for ever."""
    if archive.retention_days:
        tx.timer(tx.now, TOPIC, archive.name.encode(), key=archive.name)
    else:
        tx.cancel_timer(TOPIC, archive.name)


async def expire(state: State, lake: Lake, timer: Timer) -> None:
    """Remove the expired events of the archive that a timer is for."""
    archive = await _next(state.at(timer.account, timer.region), timer)
    if archive is not None:
        kept_from = archive_log.kept_from(archive, timer.due)
        await lake.retain(
            archive_log.TABLE.name,
            account=timer.account,
            region=timer.region,
            equals={"archive": archive.id},
            before=kept_from,
        )


@transactional
async def _next(tx: Transaction, timer: Timer) -> Archive | None:
    tx.complete_timer(timer)
    archive = await archives.get(tx, timer.payload.decode())
    if archive is None or not archive.retention_days:
        return None
    tx.timer(timer.due + INTERVAL, TOPIC, timer.payload, key=timer.key)
    return archive
