"""Subscriptions: made, listed, ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn, uuid
from kumoi.services.sns import sns
from kumoi.services.sns.confirmations import ask, new_token
from kumoi.services.sns.dispatcher import Dispatcher
from kumoi.services.sns.lookup import find_topic, get_topic, home, subscriptions_of
from kumoi.services.sns.naming import invalid, page, parse_arn, subscription_arn
from kumoi.services.sns.operations.confirmation import unsigned
from kumoi.services.sns.records import Subscription, Topic, platform_endpoints, subscriptions, tokens, topics
from kumoi.services.sns.replays import begin, check_replay_policy
from kumoi.services.sns.subscription_attributes import SUBSCRIBING, applied, check_attributes
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "lambda", "application", "firehose")
CONSENTING = ("http", "https", "email", "email-json")
"""Protocols whose endpoints have to confirm."""
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{4,20}")
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_LARGE = 262_144


@sns.operation
async def subscribe(
    call: Call,
    TopicArn: str,
    Protocol: str,
    Endpoint: str = "",
    Attributes: dict[str, str] | None = None,
    ReturnSubscriptionArn: bool = False,
) -> dict[str, Any]:
    """Have an endpoint get what is published to a topic.

    HTTP endpoints and mail addresses have to confirm first; until then the answer is `pending confirmation`.
    """
    topic = await find_topic(call, TopicArn)
    await _check_endpoint(call, topic, Protocol, Endpoint)
    given = Attributes or {}
    check_attributes(given, {}, topic, Endpoint, SUBSCRIBING)
    if policy := given.get("ReplayPolicy"):
        check_replay_policy(policy, topic, SUBSCRIBING)
    if Protocol == "firehose" and not given.get("SubscriptionRoleArn"):
        raise invalid("Attributes Reason: SubscriptionRoleArn: required for subscriptions of protocol firehose")
    identifier = uuid()
    fresh = Subscription(
        topic=topic.name,
        id=identifier,
        arn=f"{topic.arn}:{identifier}",
        owner=call.caller.account,
        principal=call.caller.arn,
        protocol=Protocol,
        endpoint=Endpoint,
        created=call.now,
        attributes=applied({}, given),
        pending=Protocol in CONSENTING,
        token=new_token() if Protocol in CONSENTING else "",
    )
    made = await _subscribe(home(call, topic), call.part(Dispatcher), fresh)
    told = made.arn if not made.pending or ReturnSubscriptionArn else "pending confirmation"
    return {"SubscriptionArn": told}


@transactional
async def _subscribe(tx: Transaction, dispatcher: Dispatcher, fresh: Subscription) -> Subscription:
    topic = await get_topic(tx, fresh.topic)
    for known in await subscriptions.list(tx, fresh.topic):
        if (known.protocol, known.endpoint) == (fresh.protocol, fresh.endpoint):
            if any(known.attributes.get(name, "") != value for name, value in fresh.attributes.items()):
                raise invalid("Attributes Reason: Subscription already exists with different attributes")
            if known.pending:  # asked once more, with the token it has
                await ask(tx, dispatcher, topic, known, "SubscriptionConfirmation", known.token)
            return known
    await subscriptions.put(tx, begin(tx, fresh) if "ReplayPolicy" in fresh.attributes else fresh)
    if fresh.pending:
        await ask(tx, dispatcher, topic, fresh, "SubscriptionConfirmation", fresh.token)
    return fresh


async def _check_endpoint(call: Call, topic: Topic, protocol: str, endpoint: str) -> None:
    """Refuse an endpoint that does not fit its protocol, or its topic."""
    if protocol not in PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise invalid("Endpoint Reason: Please specify an endpoint")
    if topic.fifo and protocol != "sqs":
        raise invalid(f"Protocol Reason: FIFO topics deliver to SQS queues, not to {protocol} endpoints")
    if int(topic.attributes.get("MaximumMessageSize") or 0) > _LARGE and protocol not in ("sqs", "lambda", "firehose"):
        raise invalid(f"Protocol Reason: {protocol} endpoints do not take messages larger than 256 KiB")
    if protocol == "sqs":
        queue = _arn(endpoint, "sqs", "SQS endpoint ARN")
        if queue.resource.endswith(".fifo") and not topic.fifo:
            raise invalid(
                "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
            )
    elif protocol == "lambda":
        _arn(endpoint, "lambda", "Lambda endpoint ARN")
    elif protocol == "firehose":
        _arn(endpoint, "firehose", "Firehose endpoint ARN")
    elif protocol == "application":
        await _check_device(call, endpoint)
    elif protocol == "sms":
        if not _PHONE.fullmatch(endpoint):
            raise invalid(f"Invalid SMS endpoint: {endpoint}")
    elif protocol in ("email", "email-json"):
        if not _MAIL.fullmatch(endpoint):
            raise invalid("Email address")
    elif not _is_url(endpoint, protocol):
        raise invalid(f"Endpoint must match the specified protocol: {protocol}")


def _arn(endpoint: str, service: str, told: str) -> Arn:
    try:
        parsed = Arn.parse(endpoint)
    except ValueError:
        raise invalid(told) from None
    if parsed.service != service or not parsed.region or not parsed.account:
        raise invalid(told)
    return parsed


def _is_url(endpoint: str, scheme: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme == scheme and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


async def _check_device(call: Call, endpoint: str) -> None:
    arn = parse_arn(endpoint, "Endpoint")
    parts = arn.resource.split("/")
    state = call.doorway.state.at(arn.account, arn.region)
    if len(parts) != 4 or parts[0] != "endpoint" or not await _is_device(state, *parts[1:]):
        raise invalid("Endpoint Reason: Endpoint does not exist for endpoint " + endpoint)


@transactional
async def _is_device(tx: Transaction, platform: str, application: str, identifier: str) -> bool:
    return await platform_endpoints.get(tx, platform, application, identifier) is not None


@sns.operation
async def unsubscribe(call: Call, SubscriptionArn: str) -> None:
    """End a subscription; nothing happens when there is none.

    Where it was confirmed with AuthenticateOnUnsubscribe, the request must be signed. An HTTP endpoint whose
    subscription an unsigned request ended is told, and may restore it.
    """
    arn, topic, identifier = subscription_arn(SubscriptionArn, call.region)
    state = call.doorway.state.at(arn.account, arn.region)
    await _unsubscribe(state, call.part(Dispatcher), topic, identifier, signed=not unsigned(call))


@transactional
async def _unsubscribe(tx: Transaction, dispatcher: Dispatcher, topic: str, identifier: str, *, signed: bool) -> None:
    found = await subscriptions.get(tx, topic, identifier)
    if found is None:
        return
    if found.guarded and not signed:
        raise aws_error("AuthorizationErrorException", "Unauthenticated requests cannot end this subscription.")
    if found.pending:
        # Terraform leaves a subscription behind where it reads these words of AWS.
        raise invalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation")
    await subscriptions.delete(tx, topic, identifier)
    if found.token:
        await tokens.delete(tx, found.token)
    owner = await topics.get(tx, topic)
    if not signed and owner is not None and found.protocol in ("http", "https"):
        token = new_token()
        restored = msgspec.structs.replace(found, token=token)
        await ask(tx, dispatcher, owner, restored, "UnsubscribeConfirmation", token)


@sns.operation
async def list_subscriptions(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """The subscriptions of the caller's topics, a hundred at a time."""
    return _listed(call, await subscriptions_of(call.state), NextToken)


@sns.operation
async def list_subscriptions_by_topic(call: Call, TopicArn: str, NextToken: str | None = None) -> dict[str, Any]:
    """The subscriptions of a topic, a hundred at a time."""
    topic = await find_topic(call, TopicArn)
    return _listed(call, await subscriptions_of(home(call, topic), topic.name), NextToken)


def _listed(call: Call, found: Sequence[Subscription], token: str | None) -> dict[str, Any]:
    shown, more = page("NextToken", found, lambda one: one.arn, token)
    told = [
        {
            "SubscriptionArn": "PendingConfirmation" if one.pending else one.arn,
            "Owner": one.owner,
            "Protocol": one.protocol,
            "Endpoint": one.endpoint,
            "TopicArn": one.arn.rpartition(":")[0],
        }
        for one in shown
    ]
    return {"Subscriptions": told, **more}
