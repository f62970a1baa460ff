"""Up to ten messages at a time; each entry succeeds or fails for itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.services.sqs import sqs
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.metering import MESSAGES, meter
from kumoi.services.sqs.operations.messages import LONGEST_TIMEOUT, change_visibility, delete
from kumoi.services.sqs.operations.queues import find_queue
from kumoi.services.sqs.records import Message, Queue
from kumoi.services.sqs.rules import MOST_BYTES, check_between, size_of
from kumoi.services.sqs.sending import message_of, send
from kumoi.state import Transaction
from kumoi.wire.errors import AwsError, aws_error

MOST_ENTRIES = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_QUERY_CODES = {
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
}

Act = Callable[[Transaction, Lines, Queue, dict[str, Any]], Awaitable[dict[str, Any]]]


def check_entries(entries: Sequence[dict[str, Any]], kind: str) -> None:
    """Refuse a batch that is none, has too many entries, or entries that cannot be told apart."""
    if not entries:
        raise aws_error("EmptyBatchRequest", f"There should be at least one {kind} in the request.")
    if len(entries) > MOST_ENTRIES:
        raise aws_error(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {MOST_ENTRIES}. You have sent {len(entries)}.",
        )
    seen: set[str] = set()
    for entry in entries:
        name = entry.get("Id", "")
        if not _ID.fullmatch(name):
            raise aws_error(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                "It can be at most 80 letters long.",
            )
        if name in seen:
            raise aws_error("BatchEntryIdsNotDistinct", f"Id {name} repeated.")
        seen.add(name)


async def _each(call: Call, queue: Queue, entries: Sequence[dict[str, Any]], act: Act) -> dict[str, Any]:
    """Act on each entry in one transaction: entries that are refused have changed nothing."""
    lines = call.part(Lines)
    await lines.open(queue)
    successful, failed = await lines.run(queue, _all, lines, queue, entries, act)
    call.meter(MESSAGES, len(successful))
    answer: dict[str, Any] = {"Successful": successful}
    if failed:
        answer["Failed"] = failed
    return answer


async def _all(
    tx: Transaction, lines: Lines, queue: Queue, entries: Sequence[dict[str, Any]], act: Act
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    successful, failed = [], []
    for entry in entries:
        try:
            successful.append({"Id": entry["Id"], **await act(tx, lines, queue, entry)})
        except AwsError as error:
            failed.append(failure_of(entry, error))
    return successful, failed


def failure_of(entry: dict[str, Any], error: AwsError) -> dict[str, Any]:
    """An entry's failure, with the code that the query protocol gives it."""
    code = _QUERY_CODES.get(error.code, error.code)
    return {"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": error.message}


@sqs.operation
async def send_message_batch(call: Call, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Send up to ten messages."""
    check_entries(Entries, "SendMessageBatchRequestEntry")
    total = sum(size_of(entry.get("MessageBody", ""), _attributes(entry)) for entry in Entries)
    if total > MOST_BYTES:
        raise aws_error(
            "BatchRequestTooLong",
            f"Batch requests cannot be longer than {MOST_BYTES} bytes. You have sent {total} bytes.",
        )
    meter(call, total)
    queue = await find_queue(call, QueueUrl)
    messages: dict[str, Message] = {}
    failed: list[dict[str, Any]] = []
    for entry in Entries:
        try:
            messages[entry["Id"]] = message_of(call, queue, entry, batch=True)
        except AwsError as error:
            if queue.fifo and ("MessageGroupId" in error.message or "ContentBasedDeduplication" in error.message):
                raise
            failed.append(failure_of(entry, error))

    async def act(tx: Transaction, lines: Lines, queue: Queue, entry: dict[str, Any]) -> dict[str, Any]:
        return await send(tx, lines, queue, messages[entry["Id"]], entry.get("DelaySeconds"))

    answer = await _each(call, queue, [entry for entry in Entries if entry["Id"] in messages], act)
    failed += answer.pop("Failed", [])
    return answer | ({"Failed": failed} if failed else {})


def _attributes(entry: dict[str, Any]) -> dict[str, Any]:
    given = entry.get("MessageAttributes") or {}
    return {name: value for name, value in given.items() if "DataType" in value}


@sqs.operation
async def delete_message_batch(call: Call, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Delete up to ten messages."""
    check_entries(Entries, "DeleteMessageBatchRequestEntry")
    queue = await find_queue(call, QueueUrl)

    async def act(tx: Transaction, lines: Lines, queue: Queue, entry: dict[str, Any]) -> dict[str, Any]:
        await delete(tx, lines, queue, entry["ReceiptHandle"])
        return {}

    return await _each(call, queue, Entries, act)


@sqs.operation
async def change_message_visibility_batch(call: Call, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Hide up to ten messages."""
    check_entries(Entries, "ChangeMessageVisibilityBatchRequestEntry")
    queue = await find_queue(call, QueueUrl)

    async def act(tx: Transaction, lines: Lines, queue: Queue, entry: dict[str, Any]) -> dict[str, Any]:
        timeout = entry.get("VisibilityTimeout", 0)
        check_between("VisibilityTimeout", timeout, 0, LONGEST_TIMEOUT)
        await change_visibility(tx, lines, queue, entry["ReceiptHandle"], timeout)
        return {}

    return await _each(call, queue, Entries, act)
