"""Amazon SQS: standard and FIFO queues.

`store.py` is the queue itself: a message is a record under its queue and sequence number; a small row under the time
it becomes visible is all that receiving reads and moves, so that its cost does not grow with the queue. `fifo.py` adds
groups (only the visible head of a group may be received) and deduplication. Messages that failed too often move to
their dead-letter queue when they would be received once more. `mover.py` moves them back. Long polls wake on writes.

Rules: the SQS API reference and developer guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service

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
)


@sqs.resource_name
def queue_node(value: str) -> str:
    """The queue's name, out of its URL or ARN."""
    return value.replace(":", "/").rsplit("/", 1)[-1]


@sqs.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Have message move tasks go on while the platform runs."""
    from kumoi.services.sqs.mover import register

    register(parts)
    yield
