"""Queues: create, find, list, delete, and their attributes."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.sqs import sqs
from kumoi.services.sqs.records import VISIBLE, Queue, messages, queues, visibilities
from kumoi.services.sqs.rules import DEFAULTS, check_attributes, check_name, queue_name
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@sqs.operation
async def create_queue(call: Call, QueueName: str, Attributes: dict[str, str] | None = None) -> dict[str, Any]:
    """Create a standard queue, or answer the one that is the same in every attribute given."""
    given = Attributes or {}
    check_name(QueueName)
    check_attributes(given)
    fresh = Queue(name=QueueName, id=hex_id(16), created=int(call.now), attributes={**DEFAULTS, **given})
    await _create(call.state, fresh, given)
    return {"QueueUrl": _url(call, QueueName)}


@transactional
async def _create(tx: Transaction, fresh: Queue, given: dict[str, str]) -> None:
    found = await queues.get(tx, fresh.name)
    if found is None:
        await queues.put(tx, fresh)
        return
    for name, value in given.items():
        if found.attributes[name] != value:
            raise aws_error(
                "QueueNameExists",
                f"A queue already exists with the same name and a different value for attribute {name}",
            )


@sqs.operation
async def get_queue_url(call: Call, QueueName: str) -> dict[str, Any]:
    """The URL of a queue of this account."""
    return {"QueueUrl": _url(call, (await find_queue(call.state, QueueName)).name)}


@sqs.operation
async def list_queues(call: Call, QueueNamePrefix: str = "") -> dict[str, Any]:
    """The first 1,000 queues by name."""
    found = [queue.name for queue in await _all(call.state) if queue.name.startswith(QueueNamePrefix)]
    return {"QueueUrls": [_url(call, name) for name in found[:1000]]} if found else {}


@sqs.operation
async def delete_queue(call: Call, QueueUrl: str) -> None:
    """Delete a queue with its messages."""
    await _delete(call.state, QueueUrl)


@sqs.operation
async def get_queue_attributes(call: Call, QueueUrl: str, AttributeNames: list[str] | None = None) -> dict[str, Any]:
    """The settings that are asked for, QueueArn and CreatedTimestamp."""
    queue = await find_queue(call.state, QueueUrl)
    known = {**queue.attributes, "QueueArn": call.arn("sqs", queue.name), "CreatedTimestamp": str(queue.created)}
    wanted = AttributeNames or []
    for name in wanted:
        if name != "All" and name not in known:
            raise aws_error("InvalidAttributeName", f"Unknown Attribute {name}.")
    chosen = {name: value for name, value in known.items() if "All" in wanted or name in wanted}
    return {"Attributes": chosen} if chosen else {}


@sqs.operation
async def purge_queue(call: Call, QueueUrl: str) -> None:
    """Drop a queue's messages, those in flight too."""
    await _purge(call.state, QueueUrl)


@transactional
async def find_queue(tx: Transaction, url: str) -> Queue:
    """The queue of a URL, an ARN or a name."""
    found = await queues.get(tx, queue_name(url))
    if found is None:
        raise aws_error("QueueDoesNotExist", "The specified queue does not exist.")
    return found


@transactional
async def _all(tx: Transaction) -> list[Queue]:
    return await queues.list(tx)


@transactional
async def _delete(tx: Transaction, url: str) -> None:
    queue = await find_queue(tx, url)
    await queues.delete(tx, queue.name)
    await _drop_messages(tx, queue)


@transactional
async def _purge(tx: Transaction, url: str) -> None:
    await _drop_messages(tx, await find_queue(tx, url))


async def _drop_messages(tx: Transaction, queue: Queue) -> None:
    await messages.delete_all(tx, queue.id)
    await visibilities.delete_all(tx, queue.id)
    await tx.delete_range((VISIBLE, queue.id))


def _url(call: Call, name: str) -> str:
    """The URL of a queue, at the host the client has reached."""
    scheme, _, host = call.doorway.endpoint.partition("://")
    if call.http is not None:
        host = call.http.host or host
    return f"{scheme}://{host}/{call.account}/{name}"
