"""One timer for all invocations under way: it tells which of them have turned out not to be quick ones.

Most end before anything has to be done about them: their time-out, their memory and what they write can wait until
then. A timer of each one's own, begun and cancelled, would cost more than many of them do.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

QUIET_SECONDS = 0.01
"""How long an invocation may run before its log is read as it is written; the timer may take as long again."""


class Watched(Protocol):
    """An invocation under way; `began` in monotonic seconds."""

    began: float

    def lasts(self) -> None:
        """It has run for `QUIET_SECONDS`."""


class Watch:
    """The invocations of a host that have been quick so far."""

    def __init__(self) -> None:
        self._quick: dict[Watched, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, one: Watched) -> None:
        """An invocation begins."""
        self._quick[one] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._look)

    def end(self, one: Watched) -> None:
        """It has ended."""
        self._quick.pop(one, None)

    def _look(self) -> None:
        since = time.monotonic() - QUIET_SECONDS
        for one in [one for one in self._quick if one.began <= since]:
            del self._quick[one]
            one.lasts()
        self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._look) if self._quick else None
