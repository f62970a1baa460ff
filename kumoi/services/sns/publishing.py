"""Publishing: a message is accepted, recognised as a duplicate, and sent on its way, in one transaction."""

from __future__ import annotations

from typing import NamedTuple

from kumoi.names import uuid
from kumoi.services.sns import archive
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
        sequence = await tx.add((SEQUENCE, topic.id))
        number = str(_FIRST + 1000 * sequence)
        await _remember(tx, topic, message, identifier, number)
        if topic.archived_since:
            await archive.keep(tx, topic, message, identifier, sequence, number, trace)
    counts: dict[str, int] = {}
    for subscription in listening:
        if not wants(subscription, message):
            continue
        if subscription.replay is not None and not subscription.replay.lets_pass(archive.moment_of(tx.now)):
            continue
        counts[subscription.protocol] = counts.get(subscription.protocol, 0) + 1
        await dispatcher.send(tx, handover(topic, subscription, message, identifier, number, tx.now, trace))
    return Published(identifier, number, counts)


def wants(subscription: Subscription, message: Message) -> bool:
    """Whether a subscription's filter policy, if it has one, lets a message pass."""
    policy = subscription.attributes.get("FilterPolicy")
    if not policy:
        return True
    text = message.text_for(subscription.protocol)
    return passes(policy, scope_of(subscription.attributes), text, message.attributes)


def handover(
    topic: Topic,
    subscription: Subscription,
    message: Message,
    identifier: str,
    number: str | None,
    time: float,
    trace: str,
) -> Handover:
    """A message, published at a time (epoch seconds), on its way to a subscription."""
    http = subscription.protocol in ("http", "https")
    return Handover(
        topic=topic.arn,
        subscription=subscription.arn,
        protocol=subscription.protocol,
        endpoint=subscription.endpoint,
        message_id=identifier,
        text=message.text_for(subscription.protocol),
        time=time,
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
