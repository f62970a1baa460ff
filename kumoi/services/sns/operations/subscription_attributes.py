"""Attributes of subscriptions: asked for and changed."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.sns import sns
from kumoi.services.sns.lookup import find_subscription, get_subscription, get_topic
from kumoi.services.sns.records import Topic, subscriptions
from kumoi.services.sns.replays import begin, check_replay_policy
from kumoi.services.sns.subscription_attributes import applied, check_attributes, told
from kumoi.state import Transaction, transactional


@sns.operation
async def get_subscription_attributes(call: Call, SubscriptionArn: str) -> dict[str, Any]:
    """The attributes of a subscription."""
    state, subscription = await find_subscription(call, SubscriptionArn)
    return {"Attributes": told(subscription, await get_topic(state, subscription.topic))}


@sns.operation
async def set_subscription_attributes(
    call: Call, SubscriptionArn: str, AttributeName: str, AttributeValue: str = ""
) -> None:
    """Change one attribute; an empty text takes it away."""
    state, subscription = await find_subscription(call, SubscriptionArn)
    topic = await get_topic(state, subscription.topic)
    await _change(state, topic, subscription.id, {AttributeName: AttributeValue})


@transactional
async def _change(tx: Transaction, topic: Topic, identifier: str, given: dict[str, str]) -> None:
    current = await get_subscription(tx, topic.name, identifier)
    check_attributes(given, current.attributes, topic, current.endpoint, "")
    if policy := given.get("ReplayPolicy"):
        check_replay_policy(policy, topic, "")
    changed = msgspec.structs.replace(current, attributes=applied(current.attributes, given))
    await subscriptions.put(tx, begin(tx, changed) if "ReplayPolicy" in given else changed)
