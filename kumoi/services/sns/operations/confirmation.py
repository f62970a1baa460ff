"""ConfirmSubscription: an endpoint consents, by API or by visiting the link it got."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.sns import sns
from kumoi.services.sns.lookup import get_topic
from kumoi.services.sns.naming import invalid, topic_arn
from kumoi.services.sns.records import Subscription, subscriptions, tokens
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error
from kumoi.wire.sigv4 import parse_credential

_TOKEN = re.compile(r"[0-9a-f]{64,512}")


def unsigned(call: Call) -> bool:
    """Whether a call came as a plain visit of a link."""
    return call.http is not None and parse_credential(call.http) is None


@sns.operation
async def confirm_subscription(
    call: Call, TopicArn: str, Token: str, AuthenticateOnUnsubscribe: str = "false"
) -> dict[str, Any]:
    """Confirm the subscription that a token stands for; once more is no error."""
    arn = topic_arn(TopicArn, call.region)
    if not _TOKEN.fullmatch(Token):
        raise invalid("Token")
    by_link = unsigned(call)
    confirmed = await _confirm(
        call.doorway.state.at(arn.account, arn.region),
        arn.resource,
        Token,
        signed=not by_link,
        guarded=AuthenticateOnUnsubscribe.lower() == "true" and not by_link,
    )
    return {"SubscriptionArn": confirmed.arn}


@transactional
async def _confirm(tx: Transaction, topic: str, token: str, *, signed: bool, guarded: bool) -> Subscription:
    known = await tokens.get(tx, token)
    if known is None:
        await get_topic(tx, topic)
        raise aws_error("InvalidParameterException", "Invalid token")
    if known.subscription.topic != topic:
        raise invalid("TopicArn" if signed else "Topic")
    await get_topic(tx, topic)
    found = await subscriptions.get(tx, topic, known.subscription.id)
    if found is not None and not found.pending:
        return found
    attributes = (found or known.subscription).attributes  # they may have changed while it was pending
    confirmed = msgspec.structs.replace(
        known.subscription, attributes=attributes, pending=False, authenticated=signed, guarded=guarded
    )
    await subscriptions.put(tx, confirmed)
    return confirmed
