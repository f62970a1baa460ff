"""Queues: create, find, configure, list, empty, delete."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn, hex_id
from kumoi.services.sqs import attempts, sqs
from kumoi.services.sqs.attributes import (
    DEFAULTS,
    FIFO_DEFAULTS,
    allows,
    applied,
    bad_value,
    check_attributes,
    redrive_of,
)
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import RECENT, Queue, queues, sent
from kumoi.services.sqs.rules import check_between, check_name, out_of_range, queue_name
from kumoi.services.sqs.store import Counts, counts, empty
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

PURGE_MILLISECONDS = 60_000
_COMPUTED = (
    *("QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "ApproximateNumberOfMessages"),
    *("ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"),
)
_OPTIONAL = frozenset(
    (
        *("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "Policy", "RedrivePolicy", "RedriveAllowPolicy"),
        *("FifoQueue", *FIFO_DEFAULTS),
    )
)


@sqs.operation
async def create_queue(
    call: Call, QueueName: str, Attributes: dict[str, str] | None = None, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """Create a queue, or answer the one that is the same in every attribute given."""
    given = Attributes or {}
    fifo = given.get("FifoQueue") == "true"
    check_name(QueueName, fifo=fifo)
    check_attributes(given, fifo=fifo)
    defaults = DEFAULTS | FIFO_DEFAULTS if fifo else DEFAULTS
    fresh = Queue(
        name=QueueName,
        id=hex_id(16),
        account=call.account,
        region=call.region,
        created=int(call.now),
        modified=int(call.now),
        attributes=applied(defaults, given),
        tags=tags or {},
    )
    await _create(call.state, fresh, given)
    return {"QueueUrl": url_of(call, QueueName)}


@transactional
async def _create(tx: Transaction, fresh: Queue, given: dict[str, str]) -> None:
    found = await queues.get(tx, fresh.name)
    if found is None:
        await _check_redrive(tx, fresh)
        await queues.put(tx, fresh)
        return
    for name, value in given.items():
        if found.attributes.get(name, "") != value:
            raise aws_error(
                "QueueNameExists",
                f"A queue already exists with the same name and a different value for attribute {name}",
            )


async def _check_redrive(tx: Transaction, queue: Queue) -> None:
    """Refuse a redrive policy whose dead-letter queue is not there, is of another kind, or does not take the queue."""
    redrive = redrive_of(queue.attributes)
    if redrive is None:
        return
    target = await queues.get(tx, redrive.target.resource)
    text = queue.attributes["RedrivePolicy"]
    if target is None or (redrive.target.account, redrive.target.region) != (tx.account, tx.region):
        raise out_of_range("RedrivePolicy", text, "Dead letter target does not exist.")
    if target.fifo != queue.fifo:
        raise out_of_range("RedrivePolicy", text, "Dead-letter queue must be same type of queue as the source.")
    if not allows(target.attributes, arn_of(queue)):
        raise out_of_range("RedrivePolicy", text, "The dead-letter queue does not allow the source queue.")


@sqs.operation
async def get_queue_url(call: Call, QueueName: str, QueueOwnerAWSAccountId: str | None = None) -> dict[str, Any]:
    """The URL of a queue."""
    state = call.state
    if QueueOwnerAWSAccountId is not None:
        state = call.doorway.state.at(QueueOwnerAWSAccountId, call.region)
    queue = await _find(state, QueueName)
    return {"QueueUrl": url_of(call, queue.name, queue.account)}


@sqs.operation
async def list_queues(
    call: Call, QueueNamePrefix: str = "", NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """Queues by name, a page at a time where MaxResults asks for it."""
    check_between("MaxResults", MaxResults, 1, 1000)
    found = [queue.name for queue in await all_queues(call.state) if queue.name.startswith(QueueNamePrefix)]
    return _page(call, "QueueUrls", found, NextToken, MaxResults)


@sqs.operation
async def list_dead_letter_source_queues(
    call: Call, QueueUrl: str, NextToken: str | None = None, MaxResults: int | None = None
) -> dict[str, Any]:
    """The queues whose failed messages go to a queue."""
    check_between("MaxResults", MaxResults, 1, 1000)
    target = await find_queue(call, QueueUrl)
    found = []
    for queue in await all_queues(call.state):
        redrive = redrive_of(queue.attributes)
        if redrive is not None and redrive.target.resource == target.name:
            found.append(queue.name)
    return {"queueUrls": []} | _page(call, "queueUrls", found, NextToken, MaxResults)


def _page(call: Call, member: str, found: list[str], token: str | None, size: int | None) -> dict[str, Any]:
    behind = [name for name in found if token is None or name > token]
    page = behind[: size or 1000]
    answer: dict[str, Any] = {member: [url_of(call, name) for name in page]} if page else {}
    if size is not None and len(behind) > size:
        answer["NextToken"] = page[-1]
    return answer


@sqs.operation
async def get_queue_attributes(call: Call, QueueUrl: str, AttributeNames: list[str] | None = None) -> dict[str, Any]:
    """The attributes that are asked for."""
    queue = await find_queue(call, QueueUrl)
    wanted = AttributeNames or []
    for name in wanted:
        if name != "All" and name not in queue.attributes and name not in _COMPUTED and name not in _OPTIONAL:
            raise aws_error("InvalidAttributeName", f"Unknown Attribute {name}.")
    known = {
        **queue.attributes,
        "QueueArn": arn_of(queue),
        "CreatedTimestamp": str(queue.created),
        "LastModifiedTimestamp": str(queue.modified),
    }
    if "All" in wanted or any(name.startswith("Approximate") for name in wanted):
        found = await counted(call, queue)
        known["ApproximateNumberOfMessages"] = str(found.visible)
        known["ApproximateNumberOfMessagesNotVisible"] = str(found.in_flight)
        known["ApproximateNumberOfMessagesDelayed"] = str(found.delayed)
    chosen = {name: value for name, value in known.items() if "All" in wanted or name in wanted}
    return {"Attributes": chosen} if chosen else {}


async def counted(call: Call, queue: Queue) -> Counts:
    """How many messages a queue has."""
    lines = call.part(Lines)
    return await lines.run(queue, counts, lines, queue)


@sqs.operation
async def set_queue_attributes(call: Call, QueueUrl: str, Attributes: dict[str, str]) -> None:
    """Change attributes; an empty text takes a policy away."""
    queue = await find_queue(call, QueueUrl)
    if "FifoQueue" in Attributes and queue.fifo and Attributes["FifoQueue"] != "true":
        raise aws_error(
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        )
    check_attributes(Attributes, fifo=queue.fifo)
    await _change(call.doorway.state.at(queue.account, queue.region), queue.name, Attributes)


@transactional
async def _change(tx: Transaction, name: str, given: dict[str, str]) -> None:
    queue = await _find(tx, name)
    changed = msgspec.structs.replace(queue, attributes=applied(queue.attributes, given), modified=int(tx.now))
    if (
        changed.attributes.get("FifoThroughputLimit") == "perMessageGroupId"
        and changed.attributes.get("DeduplicationScope") != "messageGroup"
    ):
        raise bad_value("FifoThroughputLimit")
    if "RedrivePolicy" in given:
        await _check_redrive(tx, changed)
    await queues.put(tx, changed)


@sqs.operation
async def delete_queue(call: Call, QueueUrl: str) -> None:
    """Delete a queue with its messages."""
    queue = await find_queue(call, QueueUrl)
    lines = call.part(Lines)
    await lines.run(queue, _delete, lines, queue)


async def _delete(tx: Transaction, lines: Lines, queue: Queue) -> None:
    await queues.delete(tx, queue.name)
    await empty(tx, lines, queue)
    await sent.delete_all(tx, queue.id)
    await tx.delete_range((RECENT, queue.id))
    await attempts.forget(tx, queue)
    tx.on_commit(lambda: lines.forget(queue.id))
    tx.notify(f"sqs.{queue.id}")


@sqs.operation
async def purge_queue(call: Call, QueueUrl: str) -> None:
    """Drop a queue's messages, those in flight too; once a minute."""
    queue = await find_queue(call, QueueUrl)
    lines = call.part(Lines)
    await lines.run(queue, _purge, lines, queue.name)


async def _purge(tx: Transaction, lines: Lines, name: str) -> None:
    queue, now = await _find(tx, name), int(tx.now * 1000)
    if queue.purged and now - queue.purged < PURGE_MILLISECONDS:
        raise aws_error(
            "PurgeQueueInProgress",
            f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.",
            status=403,
        )
    await empty(tx, lines, queue)
    await queues.put(tx, msgspec.structs.replace(queue, purged=now))


async def find_queue(call: Call, url: str) -> Queue:
    """The queue of a URL, an ARN or a name; of another account where URL or ARN say so."""
    state, named = call.doorway.state, call.part(Lines).named
    key = (call.account, call.region, url)
    found = named.get(state, key)
    if found is None:
        epoch = state.epoch
        found = await _look(call, url)
        named.keep(state, epoch, key, found)
    return found


async def _look(call: Call, url: str) -> Queue:
    account, region = call.account, call.region
    if url.startswith("arn:"):
        try:
            named = Arn.parse(url)
        except ValueError:
            raise no_queue() from None
        account, region = named.account or account, named.region or region
    else:
        parts = url.rstrip("/").split("/")
        if len(parts) > 1 and len(parts[-2]) == 12 and parts[-2].isdigit():
            account = parts[-2]
    found = await queues.look(call.doorway.state.at(account, region), queue_name(url))
    if found is None:
        raise no_queue()
    return found


def no_queue() -> Exception:
    """QueueDoesNotExist."""
    return aws_error("QueueDoesNotExist", "The specified queue does not exist.")


@transactional
async def _find(tx: Transaction, name: str) -> Queue:
    found = await queues.get(tx, name)
    if found is None:
        raise no_queue()
    return found


@transactional
async def all_queues(tx: Transaction) -> list[Queue]:
    """Every queue of the place, by name."""
    return await queues.list(tx)


def arn_of(queue: Queue) -> str:
    """The ARN of a queue."""
    return str(Arn("sqs", queue.region, queue.account, queue.name))


def url_of(call: Call, name: str, account: str | None = None) -> str:
    """The URL of a queue, at the host the client has reached."""
    scheme, _, host = call.doorway.endpoint.partition("://")
    if call.http is not None:
        host = call.http.host or host
        scheme = call.http.scheme
    return f"{scheme}://{host}/{account or call.account}/{name}"
