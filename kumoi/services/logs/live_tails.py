"""Live tails: sessions that see events of some groups as they are stored.

Each second a session tells what has come, up to 500 events; of more than that it tells the first and says so.
Source: "StartLiveTail" of the API reference.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from kumoi.clock import Clock
from kumoi.wire.errors import aws_error

if TYPE_CHECKING:
    from kumoi.services.logs.filter_pattern import FilterPattern
    from kumoi.services.logs.followers import Stored

UPDATE_SECONDS = 1.0
MOST_EVENTS = 500
SESSION_SECONDS = 3 * 3_600.0


class Session:
    """One live tail: the groups by name with their ARNs, and which of their events it wants."""

    def __init__(
        self,
        account: str,
        region: str,
        groups: dict[str, str],
        pattern: FilterPattern,
        streams: Sequence[str],
        prefixes: Sequence[str],
    ) -> None:
        self.place = account, region
        self._groups = groups
        self._pattern = pattern
        self._streams = frozenset(streams)
        self._prefixes = tuple(prefixes)
        self._found: list[dict[str, Any]] = []
        self._sampled = False

    def offer(self, stored: Stored) -> None:
        """Take those of stored events that the session wants."""
        arn = self._groups.get(stored.group)
        if arn is None or not self._wants(stored.stream):
            return
        for event in stored.events:
            if len(self._found) >= MOST_EVENTS:
                self._sampled = True
                return
            if self._pattern.match(event["message"]) is not None:
                self._found.append(
                    {
                        "logStreamName": stored.stream,
                        "logGroupIdentifier": arn,
                        "message": event["message"],
                        "timestamp": event["timestamp"],
                        "ingestionTime": stored.now,
                    }
                )

    def _wants(self, stream: str) -> bool:
        if not self._streams and not self._prefixes:
            return True
        return stream in self._streams or (bool(self._prefixes) and stream.startswith(self._prefixes))

    def take(self) -> dict[str, Any]:
        """What has come since the last time."""
        found, sampled = self._found, self._sampled
        self._found, self._sampled = [], False
        return {"sessionMetadata": {"sampled": sampled}, "sessionResults": found}


class LiveTails:
    """The sessions that run now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: set[Session] = set()
        self._closing = asyncio.Event()

    def offer(self, account: str, region: str, stored: Stored) -> None:
        """Show stored events to the sessions."""
        for session in self._sessions:
            if session.place == (account, region):
                session.offer(stored)

    async def events(self, session: Session, start: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """A session's beginning, then what it has to tell each (real) second, for three hours of platform time."""
        ends = self._clock.now() + SESSION_SECONDS
        self._sessions.add(session)
        try:
            yield {"sessionStart": start}
            while not self._closing.is_set():
                try:
                    async with asyncio.timeout(UPDATE_SECONDS):
                        await self._closing.wait()
                except TimeoutError:
                    yield {"sessionUpdate": session.take()}
                if self._clock.now() >= ends:
                    raise aws_error("SessionTimeoutException", "The live tail session has timed out after three hours.")
        finally:
            self._sessions.discard(session)

    def close(self) -> None:
        """End every session."""
        self._closing.set()
