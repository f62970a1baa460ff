"""What SQS stores: queues, messages, when each message is visible, and what has been sent lately. Times in epoch ms.

Rows beside the records: (HEADS, queue, at, sequence, group) for the first message of each group of a FIFO queue;
(RECENT, queue, expires, scope, id) for deduplication ids, (ATTEMPTED, queue, expires, id) for receptions. A standard
queue's message has no visibility of its own until it is received, unless it was delayed: nearly all are received once,
and then deleted. Earlier versions stored (VISIBLE, queue, at, sequence) for each of its messages, DELAYED the value of
those that were.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from kumoi.state.space import Space

VISIBLE = "sqs.visible"
HEADS = "sqs.heads"
RECENT = "sqs.recent"
ATTEMPTED = "sqs.attempted"
TOTAL = "sqs.total"
SEQUENCE = "sqs.sequence"
DELAYED = b"d"


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


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message as it was sent. `source` is the ARN of the queue it moved here from.

    `shown` is when it was visible at first, of a message that has no visibility of its own before it is received.
    `digest` is its body's, empty for one that an earlier version stored.
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
    digest: str = ""


class Visibility(msgspec.Struct, frozen=True, kw_only=True):
    """When a message is visible (again), how often it has been received, and when first and last.

    `nonce` is what the handle of the last reception has, empty where an earlier version stored it.
    """

    queue: str
    sequence: int
    at: int
    received: int = 0
    first: int = 0
    last: int = 0
    nonce: str = ""


class Taken(NamedTuple):
    """A message that was taken, and its visibility since."""

    message: Message
    visibility: Visibility


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted send, by its deduplication id: what a duplicate is answered."""

    queue: str
    scope: str
    deduplication: str
    message: str
    number: str
    expires: int


class Attempt(msgspec.Struct, frozen=True):
    """A reception by its ReceiveRequestAttemptId: what was received, as it was then."""

    queue: str
    id: str
    expires: int
    messages: tuple[Visibility, ...]


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
attempts: Space[Attempt] = Space("sqs.attempt", Attempt, lambda one: (one.queue, one.id))
tasks: Space[MoveTask] = Space("sqs.task", MoveTask, lambda task: (task.source, -task.started, task.id))
