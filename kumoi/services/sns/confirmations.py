"""Confirmation tokens: subscriptions of others' endpoints wait for their consent, two days at most.

A token says what the subscription will be once confirmed. The same goes for one that an unsigned request has ended:
the endpoint is told, and its token restores it, for three days.
"""

from __future__ import annotations

import secrets

import msgspec

from kumoi.names import uuid
from kumoi.services.sns.dispatcher import Dispatcher
from kumoi.services.sns.notification import Handover, Kind
from kumoi.services.sns.records import Subscription, Token, Topic, subscriptions, tokens
from kumoi.services.sns.retries import effective_subscription_policy
from kumoi.state import Transaction, transactional

EXPIRY = "sns.token-expiry"
_SECONDS = {"SubscriptionConfirmation": 2 * 86_400.0, "UnsubscribeConfirmation": 3 * 86_400.0}
_TEXTS = {
    "SubscriptionConfirmation": "You have chosen to subscribe to the topic {topic}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message.",
    "UnsubscribeConfirmation": "You have chosen to deactivate subscription {subscription}.\n"
    "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
}


def new_token() -> str:
    """A token nobody guesses."""
    return secrets.token_hex(96)


async def ask(
    tx: Transaction, dispatcher: Dispatcher, topic: Topic, subscription: Subscription, kind: Kind, token: str
) -> None:
    """Have an endpoint asked to confirm; its token then stands for the subscription, not pending."""
    await tokens.put(tx, Token(token=token, subscription=msgspec.structs.replace(subscription, pending=False)))
    tx.timer(tx.now + _SECONDS[kind], EXPIRY, token.encode(), key=token)
    one = Handover(
        kind=kind,
        topic=topic.arn,
        subscription=subscription.arn,
        protocol=subscription.protocol,
        endpoint=subscription.endpoint,
        message_id=uuid(),
        text=_TEXTS[kind].format(topic=topic.arn, subscription=subscription.arn),
        time=tx.now,
        signature_version=topic.attributes.get("SignatureVersion", "1"),
        token=token,
        policy=effective_subscription_policy(topic.attributes, subscription.attributes),
    )
    await dispatcher.send(tx, one)


@transactional
async def expire(tx: Transaction, token: str) -> None:
    """End a subscription that nobody has confirmed in time, and forget the token."""
    known = await tokens.get(tx, token)
    if known is None:
        return
    await tokens.delete(tx, token)
    found = await subscriptions.get(tx, known.subscription.topic, known.subscription.id)
    if found is not None and found.pending and found.token == token:
        await subscriptions.delete(tx, found.topic, found.id)
