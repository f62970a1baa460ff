"""Subscription attributes: which there are, the values they can have, and how they are answered; pure.

Source: Subscribe and SetSubscriptionAttributes of the API reference, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from kumoi.names import Arn
from kumoi.services.sns.filter_policy import BODY_SCOPE, SCOPES, FilterPolicyError, compile_filter
from kumoi.services.sns.naming import invalid
from kumoi.services.sns.records import Subscription, Topic
from kumoi.services.sns.retries import check_subscription_policy, effective_subscription_policy

SETTABLE = (
    *("RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "DeliveryPolicy"),
    *("SubscriptionRoleArn", "ReplayPolicy"),
)
SUBSCRIBING = "Attributes Reason: "
"""What stands before a reason when attributes come with Subscribe."""


def check_attributes(
    given: Mapping[str, str], before: Mapping[str, str], topic: Topic, endpoint: str, prefix: str
) -> None:
    """Refuse attributes that a subscription cannot have beside those `before`; `prefix` stands before reasons."""
    for name in given:
        if name not in SETTABLE:
            raise invalid("AttributeName" if not prefix else f"{prefix}Unknown attribute: {name}")
    raw = given.get("RawMessageDelivery")
    if raw is not None and raw.lower() not in ("true", "false"):
        raise invalid(f"{prefix}RawMessageDelivery: Invalid value [{raw}]. Must be true or false.")
    if given.get("RedrivePolicy"):
        _check_redrive(given["RedrivePolicy"], topic, endpoint, prefix)
    check_subscription_policy(given.get("DeliveryPolicy", ""), prefix)
    scope = given.get("FilterPolicyScope")
    if scope is not None and scope not in SCOPES:
        raise invalid(
            f"{prefix}FilterPolicyScope: Invalid value [{scope}]. Please use either MessageBody or MessageAttributes"
        )
    after = {**before, **given}
    policy = after.get("FilterPolicy")
    if policy and ("FilterPolicy" in given or "FilterPolicyScope" in given):
        try:
            compile_filter(policy, after.get("FilterPolicyScope", SCOPES[0]))
        except FilterPolicyError as error:
            raise invalid(f"{prefix}FilterPolicy: {error}") from None


def _check_redrive(text: str, topic: Topic, endpoint: str, prefix: str) -> None:
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid(f"{prefix}RedrivePolicy: failed to parse JSON.")
    unknown = policy.keys() - {"deadLetterTargetArn"}
    if unknown:
        raise invalid(f"{prefix}RedrivePolicy: invalid JSON. Attribute {min(unknown)} is unknown.")
    try:
        target = Arn.parse(str(policy.get("deadLetterTargetArn")))
    except ValueError:
        target = None
    if target is None or target.service != "sqs":
        raise invalid(f"{prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn")
    if topic.fifo and endpoint.endswith(".fifo") and not target.resource.endswith(".fifo"):
        raise invalid(f"{prefix}RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")


def applied(before: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The attributes after a change; an empty text, and an empty policy of filters or replays, take one away."""
    after = {**before, **given}
    for name in ("FilterPolicy", "ReplayPolicy"):
        if after.get(name) and orjson.loads(after[name]) == {}:
            after[name] = ""
    if "RawMessageDelivery" in after:
        after["RawMessageDelivery"] = after["RawMessageDelivery"].lower()
    return {name: value for name, value in after.items() if value}


def dead_letter_queue(attributes: Mapping[str, str]) -> str | None:
    """The ARN of the queue for what could not be delivered."""
    text = attributes.get("RedrivePolicy")
    return str(orjson.loads(text)["deadLetterTargetArn"]) if text else None


def is_raw(attributes: Mapping[str, str]) -> bool:
    """Whether endpoints get the text alone."""
    return attributes.get("RawMessageDelivery") == "true"


def scope_of(attributes: Mapping[str, str]) -> str:
    """What the filter policy is held against."""
    return BODY_SCOPE if attributes.get("FilterPolicyScope") == BODY_SCOPE else SCOPES[0]


def told(subscription: Subscription, topic: Topic) -> dict[str, str]:
    """A subscription's attributes as GetSubscriptionAttributes answers them."""
    answer = {
        "SubscriptionArn": subscription.arn,
        "TopicArn": topic.arn,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "Owner": subscription.owner,
        "SubscriptionPrincipal": subscription.principal,
        "RawMessageDelivery": "false",
        "PendingConfirmation": "true" if subscription.pending else "false",
        "ConfirmationWasAuthenticated": "true" if subscription.authenticated and not subscription.pending else "false",
        **{name: value for name, value in subscription.attributes.items() if name != "FilterPolicyScope"},
    }
    if "FilterPolicy" in subscription.attributes:
        answer["FilterPolicyScope"] = scope_of(subscription.attributes)
    if subscription.replay is not None:
        answer["ReplayStatus"] = subscription.replay.status
    if subscription.protocol in ("http", "https"):
        policy = effective_subscription_policy(topic.attributes, subscription.attributes)
        answer["EffectiveDeliveryPolicy"] = orjson.dumps(policy).decode()
    return answer
