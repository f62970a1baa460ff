"""The line of a standard queue: which of its messages may be received next, held in memory.

Receiving asks it alone, and the message that nobody has received yet is at hand: no row is read or written for one
that is received and deleted soon, as nearly all are. Stored are the messages, and the visibility of those that were
touched (received, or put in with a delay); what the line holds is read from there when the queue is first used.

Messages that nobody has touched wait in `fresh`, in the order in which they came, which is that of their becoming
visible. Of a long queue only so many are held as there is room for; the rest lies `beyond`. Touched messages stand in a
heap under the time at which they are visible (again); their bodies are read when they are received once more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from kumoi.services.sqs.records import Message, Queue, Visibility

MOST_IN_FLIGHT = 120_000
"""Messages of a standard queue that may be received and not deleted at a time. Source: "Amazon SQS standard queue
quotas"; FIFO queues answer no error, and here know no limit."""
RECOUNTED = 1000
"""Milliseconds for which it holds how many of the touched messages are not in flight."""
_EACH = 1000
"""Bytes that a message takes beside its body."""


class Room:
    """The bytes that messages at hand may take together, whatever queue they are of."""

    def __init__(self, left: int) -> None:
        self.left = left


class Line:
    """One queue's line. Times are in epoch milliseconds; `last` is the highest sequence number that was put in.

    Rows behind the sequence number `beyond` are stored and not held; None where all are held. `further` is how many
    such rows there are, None while nobody has counted. `saved` are the touched messages whose visibility has a row,
    `unsaved` those whose row has yet to be written.
    """

    def __init__(self, queue: Queue, room: Room, touched: Iterable[Visibility], last: int) -> None:
        self.queue = queue
        self.touched = {one.sequence: one for one in touched}
        self.saved = set(self.touched)
        self.unsaved: set[int] = set()
        self.fresh: deque[Message] = deque()
        self.last = last
        self.beyond: int | None = 0
        self.further: int | None = None
        self._room = room
        self._gone: set[int] = set()
        self._times = [(one.at, one.sequence) for one in self.touched.values()]
        heapify(self._times)
        self._number = self._numbers_end = self._given = 0
        self._counted = self._not_in_flight = 0

    def number(self) -> int:
        """The sequence number for another message; 0 when those that were reserved are used up."""
        if self._number >= self._numbers_end:
            return 0
        self._given = self._number
        self._number += 1
        return self._given

    def reserved(self, first: int, end: int) -> None:
        """Sequence numbers from `first` up to `end` are this line's to give."""
        self._number, self._numbers_end = first, end

    def given(self, number: int) -> None:
        """A sequence number was given otherwise."""
        self._given = max(self._given, number)

    def arrived(self, message: Message, visibility: Visibility | None) -> None:
        """A message was put in, fresh or with a visibility of its own (which has a row)."""
        sequence = message.sequence
        if visibility is not None:
            self.last = max(self.last, sequence)
            self.saved.add(sequence)
            self.hold(visibility)
        elif sequence > self.last:
            if self.beyond is None:
                if self._room.left >= 0:
                    self.last = sequence
                    self._append(message)
                    return
                self.beyond, self.further = self.last, 0
            self.last = sequence
            if self.further is not None:
                self.further += 1

    def read(self, found: Iterable[Message], beyond: int | None) -> None:
        """Messages from beyond come to hand; those that are touched are held already."""
        for message in found:
            if message.sequence not in self.touched and message.shown is not None:
                self._append(message)
                if self.further is not None:
                    self.further -= 1
        self.beyond = beyond
        if beyond is None:
            self.further = 0

    @property
    def dry(self) -> bool:
        """Whether rows from beyond have to be read before anybody can tell what is next."""
        return self.beyond is not None and not self.fresh

    def first(self, now: int) -> Message | Visibility | None:
        """What is next to be received: a message that nobody has touched, or the visibility of one that was."""
        due = self._due()
        if self.fresh:
            head = self.fresh[0]
            shown = head.shown or 0
            if shown <= now and (due is None or (shown, head.sequence) < due):
                return head
        return self.touched[due[1]] if due is not None and due[0] <= now else None

    def at_hand(self, now: int, limit: int, oldest: int) -> list[Message] | None:
        """Take up to `limit` messages out, where all that is next is fresh and in memory; None where it is not.

        What was sent before `oldest` is not to be received: it has to be dropped first.
        """
        due = self._due()
        if (due is not None and due[0] <= now) or self._gone:
            return None
        count = 0
        for message in self.fresh:
            if count >= limit or (message.shown or 0) > now:
                break
            if message.sent < oldest:
                return None
            count += 1
        else:
            if count < limit and self.beyond is not None:
                return None
        return [self.take_fresh() for _ in range(count)]

    def take_fresh(self) -> Message:
        """Take the first fresh message out; the next one is there."""
        message = self._pop()
        while self._gone and self.fresh and self.fresh[0].sequence in self._gone:
            self._gone.discard(self._pop().sequence)
        return message

    def _pop(self) -> Message:
        message = self.fresh.popleft()
        self._room.left += _EACH + len(message.body)
        return message

    def hold(self, visibility: Visibility) -> None:
        """A message that is not among the fresh is visible (again) at a time."""
        self.touched[visibility.sequence] = visibility
        heappush(self._times, (visibility.at, visibility.sequence))

    def gone(self, sequence: int) -> None:
        """A message is there no more."""
        if self.touched.pop(sequence, None) is not None:
            self.unsaved.discard(sequence)
            self.saved.discard(sequence)
        elif self.beyond is not None and sequence > self.beyond:
            if self.further is not None:
                self.further -= 1
        elif self.fresh and self.fresh[0].sequence == sequence:
            self.take_fresh()
        elif self.fresh and self.fresh[0].sequence < sequence <= self.fresh[-1].sequence:
            self._gone.add(sequence)

    def clear(self) -> None:
        """All messages are gone, and those too that have been given numbers and are on their way."""
        self.close()
        self.touched.clear()
        self.saved.clear()
        self.unsaved.clear()
        self._gone.clear()
        self._times.clear()
        self.last = max(self.last, self._given)
        self.beyond, self.further = None, 0

    def close(self) -> None:
        """Give back the room that messages at hand take."""
        while self.fresh:
            self._pop()

    def next_visible(self) -> int | None:
        """When the next message is visible; None without any."""
        due = self._due()
        times = [] if due is None else [due[0]]
        if self.fresh:
            times.append(self.fresh[0].shown or 0)
        return min(times, default=None)

    def total(self) -> int:
        """How many messages there are; `further` must have been counted."""
        return len(self.touched) + len(self.fresh) - len(self._gone) + (self.further or 0)

    def hidden(self, now: int) -> tuple[int, int]:
        """How many messages are in flight, and delayed."""
        away = [one for one in self.touched.values() if one.at > now]
        delayed = sum(one.received == 0 for one in away)
        return len(away) - delayed, delayed

    def full(self, now: int) -> bool:
        """Whether about as many messages are in flight as may be. Only where so many are touched need anybody ask."""
        if not self._counted <= now < self._counted + RECOUNTED:
            self._counted, self._not_in_flight = now, len(self.touched) - self.hidden(now)[0]
        return len(self.touched) - self._not_in_flight >= MOST_IN_FLIGHT

    def _due(self) -> tuple[int, int] | None:
        """The time and sequence number of the touched message that is visible first; what has moved is passed over."""
        while self._times:
            at, sequence = self._times[0]
            known = self.touched.get(sequence)
            if known is not None and known.at == at:
                return at, sequence
            heappop(self._times)
        return None

    def _append(self, message: Message) -> None:
        fresh, shown = self.fresh, message.shown or 0
        if fresh and shown < (fresh[-1].shown or 0):  # the clock was set back
            self.hold(Visibility(queue=message.queue, sequence=message.sequence, at=shown))
            return
        fresh.append(message)
        self._room.left -= _EACH + len(message.body)
