"""AddPermission and RemovePermission: statements of a topic's policy, by label."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import partition_of
from kumoi.services.sns import sns
from kumoi.services.sns.lookup import find_topic, get_topic, home
from kumoi.services.sns.naming import invalid
from kumoi.services.sns.records import topics
from kumoi.services.sns.topic_attributes import check_policy, policy_of
from kumoi.state import Transaction, transactional

_ACTIONS = frozenset(
    (
        *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"),
        *("Subscribe", "ListSubscriptionsByTopic", "Publish", "Receive", "GetDataProtectionPolicy"),
        *("PutDataProtectionPolicy", "TagResource", "UntagResource", "ListTagsForResource", "*"),
    )
)


@sns.operation
async def add_permission(call: Call, TopicArn: str, Label: str, AWSAccountId: list[str], ActionName: list[str]) -> None:
    """Let accounts act on a topic."""
    topic = await find_topic(call, TopicArn)
    if not ActionName or not _ACTIONS.issuperset(ActionName):
        raise invalid("Policy statement action out of service scope!")
    root = f"arn:{partition_of(topic.region)}:iam::"
    statement = {
        "Sid": Label,
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_all([f"{root}{account}:root" for account in AWSAccountId])},
        "Action": _one_or_all([f"SNS:{action}" for action in ActionName]),
        "Resource": topic.arn,
    }
    await _change(home(call, topic), topic.name, Label, statement)


@sns.operation
async def remove_permission(call: Call, TopicArn: str, Label: str) -> None:
    """Take a statement away; nothing happens when there is none of that label."""
    topic = await find_topic(call, TopicArn)
    await _change(home(call, topic), topic.name, Label, None)


@transactional
async def _change(tx: Transaction, name: str, label: str, statement: dict[str, Any] | None) -> None:
    topic = await get_topic(tx, name)
    policy = policy_of(topic)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    kept = [one for one in statements if one.get("Sid") != label]
    if statement is not None:
        if len(kept) < len(statements):
            raise invalid("Statement already exists")
        kept.append(statement)
    text = orjson.dumps({**policy, "Statement": kept}).decode()
    if kept:
        check_policy(text)
    await topics.put(tx, msgspec.structs.replace(topic, attributes={**topic.attributes, "Policy": text}))


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
