"""What CloudWatch Logs stores: groups and streams. Times are epoch milliseconds, as the API has them."""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class LogGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A log group. `retention` in days, None keeps events for ever."""

    name: str
    created: int
    retention: int | None = None
    log_class: str = "STANDARD"
    kms_key: str | None = None
    deletion_protected: bool = False
    tags: dict[str, str] = {}


class LogStream(msgspec.Struct, frozen=True, kw_only=True):
    """A log stream, and what is known of its events without reading them."""

    group: str
    name: str
    created: int
    first_event: int | None = None
    last_event: int | None = None
    last_ingestion: int | None = None

    def after(self, first: int, last: int, now: int) -> LogStream:
        """The stream once events from `first` to `last` have come in at `now`."""
        return msgspec.structs.replace(
            self,
            first_event=first if self.first_event is None else min(first, self.first_event),
            last_event=last if self.last_event is None else max(last, self.last_event),
            last_ingestion=now,
        )


groups: Space[LogGroup] = Space("logs.group", LogGroup, lambda group: (group.name,))
streams: Space[LogStream] = Space("logs.stream", LogStream, lambda stream: (stream.group, stream.name))

STORED_BYTES = "logs.stored_bytes"
"""Name of the counter of a group's bytes: key (STORED_BYTES, group)."""
