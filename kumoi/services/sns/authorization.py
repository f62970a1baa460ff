"""Which permissions SNS's calls need: on topics, which have policies of their own, and on mobile applications.

Source: "Actions, resources, and condition keys for Amazon SNS" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, pass_role, resource_tags
from kumoi.names import Arn
from kumoi.policy import compile_policy
from kumoi.services.sns.records import topics
from kumoi.services.sns.topic_attributes import policy_of

_ALARMS = "cloudwatch.amazonaws.com"
"""It publishes as the alarm's account, which a topic's first policy lets in; other services need a statement."""

_MEMBERS = ("TopicArn", "TargetArn", "ResourceArn", "EndpointArn", "PlatformApplicationArn")


def resource(call: Call) -> str:
    """The topic, platform application or endpoint that a call names; the topic of a subscription."""
    params = call.params
    for member in _MEMBERS:
        value = params.get(member)
        if isinstance(value, str) and value:
            return value
    subscription = params.get("SubscriptionArn")
    if isinstance(subscription, str) and subscription.startswith("arn:"):
        return ":".join(subscription.split(":")[:6])
    name = params.get("Name")
    if isinstance(name, str):
        platform = params.get("Platform")
        return call.arn("sns", name if platform is None else f"app/{platform}/{name}")
    return EVERYTHING


def with_roles(call: Call) -> Iterator[Ask]:
    """The topic or subscription, and the roles that its attributes hand over: to deliver in, to log in."""
    yield from AUTHORIZATION.usual(call)
    attributes = call.params.get("Attributes")
    given = dict(attributes) if isinstance(attributes, Mapping) else {}
    given[str(call.params.get("AttributeName"))] = call.params.get("AttributeValue")
    for name, value in given.items():
        if str(name).endswith("RoleArn"):
            yield from pass_role(call, value, "sns.amazonaws.com")


def context(call: Call) -> dict[str, Sequence[str]]:
    """Where a subscription is to lead."""
    params = call.params
    return {
        key: (str(params[member]),)
        for member, key in (("Endpoint", "sns:endpoint"), ("Protocol", "sns:protocol"))
        if member in params
    }


async def owned(call: Call, ask: Ask) -> Owned:
    """A topic's account, policy and tags."""
    try:
        place = Arn.parse(ask.resource)
    except ValueError:
        return Owned(call.account)
    found = await topics.look(call.doorway.state.at(place.account, place.region), place.resource)
    if found is None:
        return Owned(place.account or call.account)
    document = orjson.dumps(policy_of(found)).decode()
    keys = resource_tags(found.tags)
    if not call.caller.is_service or call.caller.arn == _ALARMS:
        keys["aws:sourceowner"] = (call.caller.account,)
    return Owned(place.account, (compile_policy(document, "resource", "topic policy"),), context=keys)


def spoken(action: str) -> str:
    """Actions as SNS's refusals spell them."""
    return action.replace("sns:", "SNS:")


AUTHORIZATION = Authorization(
    "sns",
    resource=resource,
    actions={"PublishBatch": "Publish"},
    asks=dict.fromkeys(
        (
            *("CreateTopic", "SetTopicAttributes", "Subscribe", "SetSubscriptionAttributes"),
            *("CreatePlatformApplication", "SetPlatformApplicationAttributes"),
        ),
        with_roles,
    ),
    context=context,
    policy=owned,
    error="AuthorizationError",
    spoken=spoken,
)
