"""Tags of queues."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.sqs import sqs
from kumoi.services.sqs.operations.queues import find_queue
from kumoi.services.sqs.records import Queue, queues
from kumoi.services.sqs.rules import invalid
from kumoi.state import Transaction, transactional

MOST_TAGS = 50


@sqs.operation
async def tag_queue(call: Call, QueueUrl: str, Tags: dict[str, str]) -> None:
    """Add tags, or give them other values."""
    queue = await find_queue(call, QueueUrl)
    await _change(call.doorway.state.at(queue.account, queue.region), queue, Tags, [])


@sqs.operation
async def untag_queue(call: Call, QueueUrl: str, TagKeys: list[str]) -> None:
    """Remove tags."""
    queue = await find_queue(call, QueueUrl)
    await _change(call.doorway.state.at(queue.account, queue.region), queue, {}, TagKeys)


@sqs.operation
async def list_queue_tags(call: Call, QueueUrl: str) -> dict[str, Any]:
    """The tags of a queue."""
    queue = await find_queue(call, QueueUrl)
    return {"Tags": queue.tags} if queue.tags else {}


@transactional
async def _change(tx: Transaction, queue: Queue, added: dict[str, str], removed: list[str]) -> None:
    current = await queues.get(tx, queue.name) or queue
    tags = {key: value for key, value in {**current.tags, **added}.items() if key not in removed}
    if len(tags) > MOST_TAGS:
        raise invalid(f"Too many tags added for queue {queue.name}.")
    await queues.put(tx, msgspec.structs.replace(current, tags=tags))
