"""What SQS stores: queues, messages, when each message is visible, and what has been sent lately. Times in epoch ms.

Rows beside the records: (VISIBLE, queue, at, sequence) for a standard queue's messages, with DELAYED or IN_FLIGHT as
their value while they are hidden; (HEADS, queue, at, sequence, group) for the first message of each group of a FIFO
queue; (RECENT, queue, expires, scope, id) for deduplication ids. A standard queue's message has no visibility of its
own until it is received: nearly all are received once, and then deleted.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

VISIBLE = "sqs.visible"
HEADS = "sqs.heads"
RECENT = "sqs.recent"
TOTAL = "sqs.total"
SEQUENCE = "sqs.sequence"
DELAYED, IN_FLIGHT = b"d", b"f"


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. `id` tells it from an earlier one of the same name."""

    name: str
    id: str
    account: str
    region: str
    created: int
    attributes: dict[str, str]
    modified: int = 0
    purged: int = 0
    tags: dict[str, str] = {}

    @property
    def fifo(self) -> bool:
        """Whether it keeps the order of its groups."""
        return "FifoQueue" in self.attributes

    def number(self, attribute: str) -> int:
        """A numeric attribute."""
        return int(self.attributes[attribute])


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was sent. `source` is the ARN of the queue it moved here from.

    `shown` is when it was visible at first, of a message that has no visibility of its own before it is received.
    """

    queue: str
    sequence: int
    id: str
    body: str
    sent: int
    sender: str
    attributes: dict[str, dict[str, Any]] = {}
    trace: str | None = None
    group: str | None = None
    deduplication: str | None = None
    number: str | None = None
    source: str | None = None
    shown: int | None = None


class Visibility(msgspec.Struct, frozen=True, kw_only=True):
    """When a message is visible (again), how often it has been received, and when first and last."""

    queue: str
    sequence: int
    at: int
    received: int = 0
    first: int = 0
    last: int = 0


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted send, by its deduplication id: what a duplicate is answered."""

    queue: str
    scope: str
    deduplication: str
    message: str
    number: str
    expires: int


class MoveTask(msgspec.Struct, frozen=True, kw_only=True):
    """A message move task, from a dead-letter queue to `destination` (None: to where each message came from)."""

    id: str
    source: str
    started: int
    status: str = "RUNNING"
    destination: str | None = None
    rate: int | None = None
    moved: int = 0
    to_move: int = 0
    failure: str | None = None


queues: Space[Queue] = Space("sqs.queue", Queue, lambda queue: (queue.name,), remembered=True)
messages: Space[Message] = Space("sqs.message", Message, lambda one: (one.queue, one.sequence))
visibilities: Space[Visibility] = Space("sqs.visibility", Visibility, lambda one: (one.queue, one.sequence))
sent: Space[Sent] = Space("sqs.sent", Sent, lambda one: (one.queue, one.scope, one.deduplication))
tasks: Space[MoveTask] = Space("sqs.task", MoveTask, lambda task: (task.source, -task.started, task.id))
