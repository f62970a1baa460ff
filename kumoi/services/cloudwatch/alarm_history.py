"""What happened to alarms: their configuration, their states, their actions. Kept for thirty days."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.services.cloudwatch.evaluation import stamp
from kumoi.services.cloudwatch.records import Alarm, HistoryItem, history, history_key
from kumoi.state import Transaction, transactional

KEPT = 30 * 86_400.0
"""For how many seconds history is kept."""
_DROPPED_AT_ONCE = 10


@transactional
async def note(tx: Transaction, alarm: Alarm, kind: Any, summary: str, content: dict[str, Any]) -> None:
    """Add to an alarm's history, and drop of it what is too old."""
    number = await tx.add(("cloudwatch.history.number", alarm.name))
    text = orjson.dumps({**content, "timestamp": stamp(tx.now)}).decode()
    item = HistoryItem(alarm.name, tx.now, number, kind, summary, text, alarm.composite)
    await history.put(tx, item)
    for old in await history.list(tx, alarm.name, limit=_DROPPED_AT_ONCE):
        if old.time < tx.now - KEPT:
            await history.delete(tx, *history_key(old))


@transactional
async def history_of(tx: Transaction, name: str | None) -> list[HistoryItem]:
    """What happened to an alarm, or to all, in the last thirty days; the oldest first."""
    found = await history.list(tx) if name is None else await history.list(tx, name)
    return sorted((one for one in found if one.time >= tx.now - KEPT), key=lambda one: (one.time, one.number))
