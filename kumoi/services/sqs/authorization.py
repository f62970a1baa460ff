"""Which permissions SQS's calls need: the batches are the actions of their entries; queues have policies of their own.

Source: "Actions, resources, and condition keys for Amazon SQS" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything, resource_tags
from kumoi.names import Arn, arn
from kumoi.policy import Policy, PolicyError, compile_policy
from kumoi.services.sqs.records import queues
from kumoi.services.sqs.rules import queue_name
from kumoi.state import Transaction, recalled


def queue(call: Call) -> str:
    """The ARN of the queue that a URL, an ARN or a name means."""
    params = call.params
    named = str(params.get("QueueUrl") or params.get("QueueName") or params.get("SourceArn") or "")
    if not named:
        return EVERYTHING
    if named.startswith("arn:"):
        return named
    parts = named.rstrip("/").split("/")
    owner = parts[-2] if len(parts) > 1 else params.get("QueueOwnerAWSAccountId")
    account = owner if isinstance(owner, str) and len(owner) == 12 and owner.isdigit() else call.account
    return arn("sqs", call.region, account, queue_name(named))


async def owned(call: Call, ask: Ask) -> Owned:
    """A queue's account, policy and tags."""
    try:
        place = Arn.parse(ask.resource)
    except ValueError:
        return Owned(call.account)
    return await _side(call.doorway.state.at(place.account, place.region), place.account, place.resource)


@recalled
async def _side(tx: Transaction, account: str, name: str) -> Owned:
    found = await queues.get(tx, name)
    if found is None:
        return Owned(account)
    policy = _policy(found.attributes.get("Policy"))
    return Owned(account, () if policy is None else (policy,), context=resource_tags(found.tags), decided={})


def _policy(text: str | None) -> Policy | None:
    """A queue's policy; None where it has none, or one without statements."""
    try:
        return compile_policy(text, "resource", "queue policy") if text else None
    except PolicyError:
        return None


AUTHORIZATION = Authorization(
    "sqs",
    resource=queue,
    resources={"ListQueues": everything, "CancelMessageMoveTask": everything},
    actions={
        "SendMessageBatch": "SendMessage",
        "DeleteMessageBatch": "DeleteMessage",
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
        "ReceiveMessages": "ReceiveMessage",
    },
    policy=owned,
    error="AccessDenied",
    spoken=str.lower,
)
