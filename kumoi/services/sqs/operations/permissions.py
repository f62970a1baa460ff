"""AddPermission and RemovePermission: statements of a queue's policy, by label."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.sqs import sqs
from kumoi.services.sqs.operations.queues import arn_of, find_queue
from kumoi.services.sqs.records import Queue, queues
from kumoi.services.sqs.rules import out_of_range
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_ACTIONS = 7
GRANTED = frozenset(
    (
        *("*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "PurgeQueue"),
        *("ListDeadLetterSourceQueues", "ReceiveMessage", "SendMessage"),
    )
)
"""What AddPermission lets other accounts do; the rest is the owner's."""
_ACCOUNT = re.compile(r"[0-9]{12}")


@sqs.operation
async def add_permission(call: Call, QueueUrl: str, Label: str, AWSAccountIds: list[str], Actions: list[str]) -> None:
    """Let accounts act on a queue."""
    queue = await find_queue(call, QueueUrl)
    if not Actions:
        raise aws_error("MissingRequiredParameterException", "The request must contain the parameter Actions.")
    if len(Actions) > MOST_ACTIONS:
        raise aws_error("OverLimit", f"{len(Actions)} Actions were found, maximum allowed is {MOST_ACTIONS}.")
    for action in Actions:
        if action not in GRANTED:
            reason = "Only the queue owner is allowed to invoke this action."
            raise out_of_range("ActionName", f"SQS:{action}", reason)
    if not AWSAccountIds or not all(_ACCOUNT.fullmatch(account) for account in AWSAccountIds):
        raise out_of_range("PrincipalId", f"[{', '.join(AWSAccountIds)}]", "Unable to verify.")
    statement = {
        "Sid": Label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_all([f"arn:aws:iam::{account}:root" for account in AWSAccountIds])},
        "Action": _one_or_all([f"SQS:{action}" for action in Actions]),
        "Resource": arn_of(queue),
    }
    await _change(call.doorway.state.at(queue.account, queue.region), queue, Label, statement)


@sqs.operation
async def remove_permission(call: Call, QueueUrl: str, Label: str) -> None:
    """Take a statement away."""
    queue = await find_queue(call, QueueUrl)
    await _change(call.doorway.state.at(queue.account, queue.region), queue, Label, None)


@transactional
async def _change(tx: Transaction, queue: Queue, label: str, statement: dict[str, Any] | None) -> None:
    current = await queues.get(tx, queue.name) or queue
    text = current.attributes.get("Policy")
    policy = orjson.loads(text) if text else _empty(queue)
    known = [one for one in policy["Statement"] if one.get("Sid") != label]
    found = len(known) < len(policy["Statement"])
    if statement is not None and found:
        raise out_of_range("Label", label, "Already exists.")
    if statement is None and not found:
        raise out_of_range("Label", label, "can't find label.")
    statements = known if statement is None else [*known, statement]
    attributes = {name: value for name, value in current.attributes.items() if name != "Policy"}
    if statements:
        attributes["Policy"] = orjson.dumps(policy | {"Statement": statements}).decode()
    await queues.put(tx, msgspec.structs.replace(current, attributes=attributes))


def _empty(queue: Queue) -> dict[str, Any]:
    return {"Version": "2008-10-17", "Id": f"{arn_of(queue)}/SQSDefaultPolicy", "Statement": []}


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
