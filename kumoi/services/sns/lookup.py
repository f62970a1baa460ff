"""Finding topics and subscriptions, and the errors where there are none."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.services.sns.naming import no_subscription, no_topic, subscription_arn, topic_arn
from kumoi.services.sns.records import Subscription, Topic, subscriptions, topics
from kumoi.state import State, Transaction, transactional


async def find_topic(call: Call, arn: str, parameter: str = "TopicArn") -> Topic:
    """The topic of an ARN; it may be another account's."""
    parsed = topic_arn(arn, call.region, parameter)
    found = await topics.look(call.doorway.state.at(parsed.account, parsed.region), parsed.resource)
    if found is None:
        raise no_topic()
    return found


def home(call: Call, topic: Topic) -> State:
    """Where a topic and what belongs to it are stored."""
    return call.doorway.state.at(topic.account, topic.region)


async def find_subscription(call: Call, arn: str) -> tuple[State, Subscription]:
    """(where it is stored, the subscription of an ARN)."""
    parsed, topic, identifier = subscription_arn(arn, call.region)
    state = call.doorway.state.at(parsed.account, parsed.region)
    return state, await get_subscription(state, topic, identifier)


@transactional
async def get_topic(tx: Transaction, name: str) -> Topic:
    """The topic of that name."""
    found = await topics.get(tx, name)
    if found is None:
        raise no_topic()
    return found


@transactional
async def get_subscription(tx: Transaction, topic: str, identifier: str) -> Subscription:
    """The subscription of that topic and id."""
    found = await subscriptions.get(tx, topic, identifier)
    if found is None:
        raise no_subscription()
    return found


@transactional
async def subscriptions_of(tx: Transaction, topic: str | None = None) -> list[Subscription]:
    """The subscriptions of a topic, or of all topics of the place."""
    return await (subscriptions.list(tx) if topic is None else subscriptions.list(tx, topic))
