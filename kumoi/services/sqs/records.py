"""What SQS stores: queues, messages, and when each message is visible. Times are epoch milliseconds.

The index row (VISIBLE, queue id, visible at, sequence) is moved when a message is received; the message is not.
"""

from __future__ import annotations

import msgspec

from kumoi.state.space import Space


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. `id` tells it from an earlier one of the same name."""

    name: str
    id: str
    created: int
    attributes: dict[str, str]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it was sent."""

    queue: str
    sequence: int
    id: str
    body: str
    sent: int
    sender: str


class Visibility(msgspec.Struct, frozen=True, kw_only=True):
    """When a message is visible (again), and how often it has been received."""

    queue: str
    sequence: int
    at: int
    received: int = 0


queues: Space[Queue] = Space("sqs.queue", Queue, lambda queue: (queue.name,))
messages: Space[Message] = Space("sqs.message", Message, lambda one: (one.queue, one.sequence))
visibilities: Space[Visibility] = Space("sqs.visibility", Visibility, lambda one: (one.queue, one.sequence))
VISIBLE = "sqs.visible"
