"""Time zones for code, which has no data of them: when each one's clocks change, from 1970 to 2050.

Those are given whose names stand in the program or in what it is called with. Source: the tz database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

_NAME = re.compile(
    r"\b(?:[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_+-]*[0-9]{0,2}){1,2}|[ECMP]ST[5-8][ECMP]DT|[CEMW]ET|EST|HST|MST|Japan)\b"
)
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2051, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)
MOST = 8
"""Zones of one call."""

Table = tuple[tuple[int, float, str], ...]
"""From which moment (epoch milliseconds) on a zone is so many minutes east of Greenwich, and how that is called."""


def named(text: str) -> Iterable[str]:
    """What may be names of zones in a text."""
    return dict.fromkeys(_NAME.findall(text))


def tables(names: Iterable[str]) -> dict[str, Table]:
    """The zones that there are among names: the first few."""
    there = _there()
    return {name: _table(name) for name in islice((one for one in names if one in there), MOST)}


@cache
def _there() -> frozenset[str]:
    """All zones: to look for the file of each name that a text may hold would take seconds."""
    return frozenset(available_timezones())


@lru_cache(maxsize=512)
def _table(name: str) -> Table:
    zone = ZoneInfo(name)
    changes = [(0, *_told(_FIRST, zone))]
    before = _FIRST
    while before < _LAST:
        after = before + _STEP
        if _told(after, zone) != changes[-1][1:]:
            moment = _change(before, after, zone)
            changes.append((int((moment - _FIRST).total_seconds()) * 1000, *_told(moment, zone)))
        before = after
    return tuple(changes)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second at which a zone's clocks are not as they were."""
    was = _told(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _told(middle, zone) == was:
            before = middle
        else:
            after = middle
    return after


def _told(moment: datetime, zone: ZoneInfo) -> tuple[float, str]:
    local = moment.astimezone(zone)
    return (local.utcoffset() or timedelta()) / timedelta(minutes=1), local.tzname() or ""
