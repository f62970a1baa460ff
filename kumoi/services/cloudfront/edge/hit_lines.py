"""Lines of standard logs for hits: what a viewer's fields say and what an object says is worked out once for each.

The line is `log_entry.standard_line`'s, character for character.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from kumoi.services.cloudfront.edge.log_entry import LogEntry, field_of, standard_fields

if TYPE_CHECKING:
    from kumoi.services.cloudfront.edge.seen import Hit

Columns = tuple[str, str, str, str, str, str]

_OF_OBJECT = ("sc-bytes", "sc-status", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end")
_OF_HIT = frozenset(
    {
        *("date", "time", "c-ip", "cs-uri-stem", "cs-uri-query", "x-edge-request-id", "time-taken", "c-port"),
        "time-to-first-byte",
    }
)


def columns(one: LogEntry) -> Columns:
    """The columns that tell of the object."""
    size, status, kind, length, start, end = (field_of(name, one) for name in _OF_OBJECT)
    return size, status, kind, length, start, end


def line_of(one: LogEntry, *, cookies: bool) -> str:
    """The line of a viewer's hits, a `%s` for each column that tells of something else."""
    return "\t".join(
        "%s" if name in _OF_HIT or name in _OF_OBJECT else value.replace("%", "%%")
        for name, value in standard_fields(one, cookies=cookies)
    )


def line(hit: Hit) -> str:
    """The line of a hit. What a plain target may hold is written as it is."""
    size, status, kind, length, start, end = hit.framed.told or columns(hit.entry())
    date, time = _moment(int(hit.time))
    taken = f"{hit.seconds:.3f}"
    ip, port = hit.client
    return hit.seen.line % (
        *(date, time, size, ip, hit.uri, status, hit.query or "-", hit.request_id, taken),
        *(port, taken, kind, length, start, end),
    )


@lru_cache(16)
def _moment(second: int) -> tuple[str, str]:
    moment = datetime.fromtimestamp(second, UTC)
    return moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S")
