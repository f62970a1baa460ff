"""Publishing: a message is accepted, recognised as a duplicate, and sent on its way, in one transaction."""

from __future__ import annotations

from typing import NamedTuple

from kumoi.names import uuid
from kumoi.services.sns.dispatcher import Dispatcher
from kumoi.services.sns.filter_policy import passes
from kumoi.services.sns.lookup import get_topic
from kumoi.services.sns.message import Message
from kumoi.services.sns.notification import Handover
from kumoi.services.sns.records import RECENT, SEQUENCE, Sent, Subscription, Topic, sent, subscriptions
from kumoi.services.sns.retries import effective_subscription_policy
from kumoi.services.sns.subscription_attributes import scope_of
from kumoi.state import Transaction, transactional

WINDOW = 300_000
"""Milliseconds in which FIFO topics recognise duplicates."""
_FIRST = 10_000_000_000_000_000_000


class Published(NamedTuple):
    """What a publisher is answered, and how many deliveries there will be by protocol."""

    message_id: str
    number: str | None
    deliveries: dict[str, int]


@transactional
async def publish(
    tx: Transaction, dispatcher: Dispatcher, name: str, messages: list[Message], trace: str
) -> list[Published]:
    """Publish messages to a topic of the transaction's place, in their order."""
    topic = await get_topic(tx, name)
    listening = [one for one in await subscriptions.list(tx, name) if not one.pending]
    return [await _publish(tx, dispatcher, topic, listening, message, trace) for message in messages]


async def _publish(
    tx: Transaction,
    dispatcher: Dispatcher,
    topic: Topic,
    listening: list[Subscription],
    message: Message,
    trace: str,
) -> Published:
    identifier, number = uuid(), None
    if topic.fifo:
        earlier = await _earlier(tx, topic, message)
        if earlier is not None:
            return Published(earlier.message, earlier.number, {})
        number = str(_FIRST + 1000 * await tx.add((SEQUENCE, topic.id)))
        await _remember(tx, topic, message, identifier, number)
    counts: dict[str, int] = {}
    for subscription in listening:
        text = message.text_for(subscription.protocol)
        policy = subscription.attributes.get("FilterPolicy")
        if policy and not passes(policy, scope_of(subscription.attributes), text, message.attributes):
            continue
        counts[subscription.protocol] = counts.get(subscription.protocol, 0) + 1
        http = subscription.protocol in ("http", "https")
        one = Handover(
            topic=topic.arn,
            subscription=subscription.arn,
            protocol=subscription.protocol,
            endpoint=subscription.endpoint,
            message_id=identifier,
            text=text,
            time=tx.now,
            subject=message.subject,
            attributes=message.attributes,
            fifo=topic.fifo,
            group=message.group,
            deduplication=message.deduplication,
            number=number,
            signature_version=topic.attributes.get("SignatureVersion", "1"),
            trace=trace,
            policy=effective_subscription_policy(topic.attributes, subscription.attributes) if http else {},
        )
        await dispatcher.send(tx, one)
    return Published(identifier, number, counts)


def _scope(topic: Topic, message: Message) -> str:
    return f"group:{message.group}" if topic.attributes.get("FifoThroughputScope") == "MessageGroup" else ""


async def _earlier(tx: Transaction, topic: Topic, message: Message) -> Sent | None:
    known = await sent.get(tx, topic.id, _scope(topic, message), message.deduplication)
    return known if known is not None and known.expires > int(tx.now * 1000) else None


async def _remember(tx: Transaction, topic: Topic, message: Message, identifier: str, number: str) -> None:
    """Remember an accepted message, and forget two that are out of the window: more than come in."""
    now = int(tx.now * 1000)
    assert message.deduplication is not None
    one = Sent(
        topic=topic.id,
        scope=_scope(topic, message),
        deduplication=message.deduplication,
        message=identifier,
        number=number,
        expires=now + WINDOW,
    )
    await sent.put(tx, one)
    await tx.put((RECENT, topic.id, one.expires, one.scope, one.deduplication), b"")
    for row in await tx.range((RECENT, topic.id), before=(RECENT, topic.id, now), limit=2):
        await tx.delete(row.key)
        known = await sent.get(tx, topic.id, row.key[3], row.key[4])
        if known is not None and known.expires <= now:
            await sent.delete(tx, topic.id, row.key[3], row.key[4])
