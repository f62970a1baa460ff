"""Replaying: an archive's events go to their bus page by page, each page on a timer of its own.

The place up to which a replay has come is stored after each page, so that one that a crash ended goes on there; the
page under way is then sent again. Source: "Archive and replay" of the EventBridge user guide.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.lake import Cursor, Lake
from kumoi.services.events import archive_log
from kumoi.services.events.event import Event
from kumoi.services.events.naming import BusPlace
from kumoi.services.events.records import Archive, Replay, archives, replays
from kumoi.services.events.router import Arrival, Router
from kumoi.state import State, Timer, Transaction, transactional

TOPIC = "events.replay"
PAGE = 200
ACTIVE = frozenset({"STARTING", "RUNNING"})


def go_on(tx: Transaction, replay: Replay) -> None:
    """Have a replay's next page sent."""
    tx.timer(tx.now, TOPIC, replay.name.encode(), key=replay.name)


async def send_page(state: State, lake: Lake, router: Router, timer: Timer) -> None:
    """Send the next page of the replay that a timer is for; what is no longer in the archive is passed over."""
    place = state.at(timer.account, timer.region)
    replay, archive = await _begin(place, timer.payload.decode())
    if replay is None:
        return
    rows: list[dict[str, Any]] = []
    if archive is not None:
        rows = await archive_log.read(
            lake,
            timer.account,
            timer.region,
            archive.id,
            start=max(int(replay.first * 1000), archive_log.kept_from(archive, timer.due)),
            end=int(replay.last * 1000),
            after=None if replay.replayed is None else Cursor(*replay.replayed),
            limit=PAGE,
        )
    bus = BusPlace(timer.account, timer.region, replay.bus)
    events = [Event.of(orjson.loads(row["event"]), replay.name) for row in rows]
    if events:
        await router.receive([Arrival(bus, event, only=replay.rule_arns) for event in events])
    reached = (rows[-1]["time"], rows[-1]["seq"]) if rows else replay.replayed
    await _note(place, timer, replay.name, reached, len(rows) < PAGE)


@transactional
async def _begin(tx: Transaction, name: str) -> tuple[Replay | None, Archive | None]:
    """A replay that is to go on, and its archive where that still exists."""
    replay = await replays.get(tx, name)
    if replay is None:
        return None, None
    if replay.state == "CANCELLING":
        await replays.put(tx, msgspec.structs.replace(replay, state="CANCELLED", ended=tx.now))
    if replay.state not in ACTIVE:
        return None, None
    if replay.state == "STARTING":
        replay = msgspec.structs.replace(replay, state="RUNNING")
        await replays.put(tx, replay)
    archive = await archives.get(tx, replay.archive)
    return replay, archive if archive is not None and archive.id == replay.archive_id else None


@transactional
async def _note(tx: Transaction, timer: Timer, name: str, reached: tuple[int, int] | None, done: bool) -> None:
    """Note how far a replay has come, and have it go on where more may follow."""
    tx.complete_timer(timer)
    replay = await replays.get(tx, name)
    if replay is None:
        return
    replay = msgspec.structs.replace(replay, replayed=reached)
    if replay.state == "CANCELLING":
        replay = msgspec.structs.replace(replay, state="CANCELLED", ended=tx.now)
    elif done:
        replay = msgspec.structs.replace(replay, state="COMPLETED", ended=tx.now)
    await replays.put(tx, replay)
    if replay.state in ACTIVE:
        go_on(tx, replay)
