"""Answers on their way out: those that become ready together leave together.

To write to a client that waits wakes it, which takes a third as long as to make a small answer. So answers are written
at the end of the turn of the loop that made them, one behind the other, where there are several: a client of several
connections is woken once then and finds all of them. The answer to a request that is alone waits for nothing, and none
for more than a few others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_TOGETHER = 16
"""Answers that leave together at most: to be woken a sixteenth as often is as good as never."""
_LOOKED_AFTER = 64
"""Answers made at once after which it is looked again whether they have company."""


class Outgoing:
    """What the connections of a listener are about to write. `under_way` is how many requests are not answered yet."""

    def __init__(self) -> None:
        self.under_way = 0
        self._leaving: list[Callable[[], None]] = []
        self._company = False
        """Whether of those that were made at once several were, when it was looked at last."""
        self._unseen = self._in_turn = 0

    def leave(self, write: Callable[[], None]) -> None:
        """Have `write` called before this turn of the loop is over: now, where no other answer can come in it."""
        alone, leaving = self.under_way < 2, self._leaving
        if alone and not leaving:
            write()
            return
        leaving.append(write)
        if alone or len(leaving) >= _TOGETHER:
            self._all()
        elif len(leaving) == 1:
            asyncio.get_running_loop().call_soon(self._all)

    def leave_while_reading(self, write: Callable[[], None]) -> None:
        """As `leave`, for an answer that is made while its request is read: nobody knows what others bring.

        It leaves now where the last ones had no company; whether that is still so is looked at now and then.
        """
        leaving = self._leaving
        self._unseen += 1
        if not leaving and not self._company and self._unseen < _LOOKED_AFTER:
            write()
            return
        leaving.append(write)
        self._in_turn += 1
        if self._in_turn == 1:
            asyncio.get_running_loop().call_soon(self._look)
        elif len(leaving) >= _TOGETHER:
            self._all()

    def _look(self) -> None:
        self._company = self._in_turn > 1
        self._in_turn = self._unseen = 0
        self._all()

    def _all(self) -> None:
        leaving, self._leaving = self._leaving, []
        for write in leaving:
            write()
