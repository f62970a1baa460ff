"""The lines of all standard queues in use: read from the store at first, and written behind where that is enough.

Whatever a line holds follows from rows, but for who received what lately: that is written together, a moment later
(`save`), and not at all for a message that is deleted by then. A crash within that moment shows such messages again,
as at-least-once delivery allows; a platform that ends in order writes them first.

Transactions change a line where they run (what they put in comes into it when they are committed). When one cannot be
committed, all lines are forgotten and read anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from kumoi.services.sqs.line import Line, Room
from kumoi.services.sqs.records import (
    DELAYED,
    SEQUENCE,
    VISIBLE,
    Message,
    Queue,
    Visibility,
    messages,
    queues,
    visibilities,
)
from kumoi.services.sqs.together import Together
from kumoi.state import State, Transaction
from kumoi.state.derived import Derived
from kumoi.state.once import current
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

R = TypeVar("R")

ROOM = 64 << 20
"""Bytes of messages that are held at hand, of all queues together."""
PAGE = 25
"""Rows that are read at once: each may be a megabyte."""
AHEAD = 250
"""Messages after which no more are brought to hand."""
NUMBERS = 1000
"""Sequence numbers that are reserved at once: a row is written for each reservation, not for each message."""
SAVED_AT_ONCE = 1000
NAMED = 4096
DELAY = 0.1
"""Real seconds after which receptions are written."""


class Lines:
    """The lines by their queues' ids."""

    def __init__(self, state: State, *, room: int = ROOM, page: int = PAGE) -> None:
        self.known: dict[str, Line] = {}
        self.named: Derived[Queue] = Derived(NAMED)
        """Queues by the places and URLs that they were asked for with."""
        self.closed = False
        """Whether receptions are not written behind any more."""
        self._state = state
        self._together = Together(state, self.guarded)
        self._room = Room(room)
        self._page = page
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None

    async def run(self, queue: Queue, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
        """Run a transaction that may change lines, at a queue's place. It may be refused before it changes any."""
        try:
            return await self._state.at(queue.account, queue.region).run(function, *args, **kwargs)
        except AwsError:
            raise
        except Exception:
            self.forget_all()
            raise

    def run_together(self, queue: Queue, function: Callable[..., Awaitable[R]], *args: Any) -> Awaitable[R]:
        """As `run`, for what cannot be refused: with what else is written in this turn of the loop."""
        if current() is not None:
            return self.run(queue, function, *args)
        return self._together.run(queue, function, *args)

    async def guarded(self, transaction: Awaitable[R]) -> R:
        """Await a transaction that may change lines: when it fails, they are read anew."""
        try:
            return await transaction
        except Exception:
            self.forget_all()
            raise

    async def open(self, queue: Queue) -> None:
        """Have a standard queue's line read, where it is not known, before a transaction that may yet be refused."""
        if queue.id not in self.known and not queue.fifo:
            await self.run(queue, self.of, queue)

    async def of(self, tx: Transaction, queue: Queue) -> Line:
        """A queue's line; read where it is not known yet."""
        return self.known.get(queue.id) or await self._read(tx, queue)

    async def _read(self, tx: Transaction, queue: Queue) -> Line:
        await _migrate(tx, queue)
        newest = await messages.list(tx, queue.id, limit=1, reverse=True)
        last = newest[0].sequence if newest else 0
        line = self.known[queue.id] = Line(queue, self._room, await visibilities.list(tx, queue.id), last)
        await self.more(tx, line)
        return line

    async def more(self, tx: Transaction, line: Line) -> None:
        """Bring messages from beyond to hand, a few at least and as many as there is room for."""
        read = 0
        while line.beyond is not None and (line.dry or (read < AHEAD and self._room.left > 0)):
            found = await messages.list(tx, line.queue.id, after=(line.queue.id, line.beyond), limit=self._page)
            held = [message for message in found if message.sequence <= line.last]
            line.read(held, held[-1].sequence if len(held) == self._page else None)
            read += len(held)

    async def count(self, tx: Transaction, line: Line) -> None:
        """Count the rows beyond, once."""
        if line.further is not None:
            return
        assert line.beyond is not None
        after, total = line.beyond, 0
        while found := await messages.list(tx, line.queue.id, after=(line.queue.id, after), limit=self._page):
            after = found[-1].sequence
            total += sum(one.sequence <= line.last and one.sequence not in line.touched for one in found)
        line.further = total

    async def reserve(self, tx: Transaction, line: Line) -> int:
        """Reserve sequence numbers for a line that has used its own up; the first of them, which is given."""
        end = await tx.add((SEQUENCE, line.queue.id), NUMBERS) + 1
        number = end - NUMBERS
        line.given(number)
        tx.on_commit(lambda: line.reserved(number + 1, end))
        return number

    def arrived(self, message: Message, visibility: Visibility | None) -> None:
        """A message was put into a queue, and that is committed."""
        line = self.known.get(message.queue)
        if line is not None:
            line.arrived(message, visibility)

    def forget(self, queue: str) -> None:
        """Let go of a queue's line."""
        line = self.known.pop(queue, None)
        if line is not None:
            line.close()

    def forget_all(self) -> None:
        """Let go of all lines: what they hold may have been undone."""
        for queue in list(self.known):
            self.forget(queue)

    def save_soon(self) -> None:
        """Have what is unsaved written."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY, self._begin_saving)

    def _begin_saving(self) -> None:
        self._saving = asyncio.create_task(self._save_in_turn())

    async def _save_in_turn(self) -> None:
        self._timer = None
        try:
            await self.save()
        except Exception:
            logger.exception("which messages were received lately cannot be written")

    async def save(self) -> None:
        """Write the visibility of all messages that were received and are still there."""
        for line in list(self.known.values()):
            while line.unsaved:
                await self.run(line.queue, self._save, line)

    async def _save(self, tx: Transaction, line: Line) -> None:
        queue = await queues.get(tx, line.queue.name)
        if queue is None or queue.id != line.queue.id:  # the platform was reset meanwhile
            self.forget(line.queue.id)
        if self.known.get(line.queue.id) is not line:
            line.unsaved.clear()
            return
        for sequence in list(line.unsaved)[:SAVED_AT_ONCE]:
            line.unsaved.discard(sequence)
            visibility = line.touched.get(sequence)
            if visibility is not None:
                line.saved.add(sequence)
                await visibilities.put(tx, visibility)

    async def close(self) -> None:
        """Write what is unsaved; from now on it is written with each reception."""
        self.closed = True
        await self._together.settle()
        if self._timer is not None:
            self._timer.cancel()
        if self._saving is not None:
            await self._saving
        await self.save()


async def _migrate(tx: Transaction, queue: Queue) -> None:
    """Replace what an earlier Kumoi stored: a row for each message under the time at which it was visible."""
    rows = await tx.range((VISIBLE, queue.id))
    for row in rows:
        at, sequence = int(row.key[2]), int(row.key[3])
        if row.value == DELAYED and await visibilities.get(tx, queue.id, sequence) is None:
            await visibilities.put(tx, Visibility(queue=queue.id, sequence=sequence, at=at))
    if rows:
        await tx.delete_range((VISIBLE, queue.id))
