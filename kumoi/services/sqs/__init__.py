"""Amazon SQS: standard and FIFO queues.

`store.py` is the queue itself: a message is a record under its queue and sequence number. Which of a standard queue's
may be received next is held in memory (`line.py`), so that a message costs one row written and one removed, however
long the queue. `fifo.py` has groups (only the visible head of a group may be received) and deduplication. Messages that
failed too often move to their dead-letter queue when they would be received once more. `mover.py` moves them back. Long
polls wake on writes.

Rules: the SQS API reference and developer guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Doorway, Parts, Service
from kumoi.state import State

sqs = Service(
    "sqs",
    __name__,
    modules=(
        "operations.batches",
        "operations.messages",
        "operations.move_tasks",
        "operations.permissions",
        "operations.queues",
        "operations.tags",
    ),
    resource=("QueueUrl", "QueueName", "SourceArn"),
    authorization="authorization",
    tagged="tagged",
)


@sqs.resource_name
def queue_node(value: str) -> str:
    """The queue's name, out of its URL or ARN."""
    return value.replace(":", "/").rsplit("/", 1)[-1]


@sqs.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep what is held in memory of queues, and have message move tasks go on, while the platform runs."""
    from kumoi.services.sqs.lines import Lines
    from kumoi.services.sqs.mover import register

    lines = parts.add(Lines, Lines(parts[Doorway].state))
    register(parts)
    yield
    await lines.close()


@sqs.on_reset
async def reset(parts: Parts, _state: State, _account: str | None) -> None:
    """Let go of what is held of queues; of those that stay it is read again."""
    from kumoi.services.sqs.lines import Lines

    await parts[Lines].save()
    parts[Lines].forget_all()
