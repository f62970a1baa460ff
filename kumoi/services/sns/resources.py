"""SNS's CloudFormation resource types. Source: "Amazon SNS resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType

_TOPIC = (
    *("ArchivePolicy", "ContentBasedDeduplication", "DisplayName", "FifoThroughputScope", "FifoTopic"),
    *("KmsMasterKeyId", "MaximumMessageSize", "SignatureVersion", "TracingConfig"),
)
_SUBSCRIPTION = (
    *("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"),
    *("ReplayPolicy", "SubscriptionRoleArn"),
)
_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "FifoThroughputScope": "Topic",
    "MaximumMessageSize": "262144",
    "RawMessageDelivery": "false",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)


def _stated(call: ResourceCall, names: tuple[str, ...]) -> dict[str, str]:
    return {name: _text(value) for name, value in call.given(*names).items()}


def _is_fifo(call: ResourceCall) -> bool:
    return _text(call.properties.get("FifoTopic", "false")) == "true"


def _name(call: ResourceCall) -> str:
    return call.name("TopicName", 256, suffix=".fifo" if _is_fifo(call) else "")


async def _create_topic(call: ResourceCall) -> Resource:
    name = _name(call)
    attributes = {key: value for key, value in _stated(call, _TOPIC).items() if (key, value) != ("FifoTopic", "false")}
    for logging in call.properties.get("DeliveryStatusLogging", ()):
        attributes |= _logging(logging)
    protection = call.properties.get("DataProtectionPolicy")
    answer = await call.ask(
        "sns",
        "CreateTopic",
        Name=name,
        Attributes=attributes or None,
        Tags=call.tag_list(),
        DataProtectionPolicy=None if protection is None else _text(protection),
    )
    made = call.begin(Resource(answer["TopicArn"], {"TopicArn": answer["TopicArn"], "TopicName": name}))
    for one in call.properties.get("Subscription", ()):
        await _subscribe(call, made.physical_id, one)
    return made


def _logging(given: dict[str, Any]) -> dict[str, str]:
    """The attributes of one entry of DeliveryStatusLogging."""
    protocol = {
        "http/s": "HTTP",
        "sqs": "SQS",
        "lambda": "Lambda",
        "firehose": "Firehose",
        "application": "Application",
    }
    prefix = protocol.get(str(given.get("Protocol")), str(given.get("Protocol")))
    return {f"{prefix}{name}": _text(value) for name, value in given.items() if name != "Protocol"}


async def _read_topic(call: ResourceCall) -> Reading:
    arn = call.physical_id
    attributes = (await call.ask("sns", "GetTopicAttributes", TopicArn=arn))["Attributes"]
    tags = await call.ask("sns", "ListTagsForResource", ResourceArn=arn)
    name = arn.rpartition(":")[2]
    told: dict[str, Any] = {member: attributes.get(member) or _DEFAULTS.get(member) for member in _TOPIC}
    told |= {"TopicName": name, "Tags": tags.get("Tags", [])}
    return Reading(Resource(arn, {"TopicArn": arn, "TopicName": name}), told)


async def _subscribe(call: ResourceCall, topic: str, one: dict[str, Any]) -> None:
    await call.ask("sns", "Subscribe", TopicArn=topic, Protocol=one["Protocol"], Endpoint=one.get("Endpoint"))


async def _update_topic(call: ResourceCall) -> Resource:
    topic = call.physical_id
    wanted = _stated(call, _TOPIC)
    for name in set(call.before) & set(_TOPIC) - set(call.properties):
        wanted[name] = "{}" if name == "ArchivePolicy" else _DEFAULTS.get(name, "")
    for name, value in wanted.items():
        if name != "FifoTopic" and _text(call.before.get(name, "")) != value:
            await call.ask("sns", "SetTopicAttributes", TopicArn=topic, AttributeName=name, AttributeValue=value)
    await _retag(call, topic)
    protection, known = call.properties.get("DataProtectionPolicy"), call.before.get("DataProtectionPolicy")
    if protection != known:
        policy = "" if protection is None else _text(protection)
        await call.ask("sns", "PutDataProtectionPolicy", ResourceArn=topic, DataProtectionPolicy=policy)
    before, after = (list(one.get("Subscription") or ()) for one in (call.before, call.properties))
    for one in after:
        if one not in before:
            await _subscribe(call, topic, one)
    await _unsubscribe(call, topic, [one for one in before if one not in after])
    return Resource(topic, call.attributes)


async def _retag(call: ResourceCall, topic: str) -> None:
    """Give a topic the tags it is to have, and take away what it had before and is to have no more."""
    wanted = call.tag_list()
    had = {tag["Key"] for tag in (await call.ask("sns", "ListTagsForResource", ResourceArn=topic))["Tags"]}
    gone = sorted(had - {tag["Key"] for tag in wanted})
    if gone:
        await call.ask("sns", "UntagResource", ResourceArn=topic, TagKeys=gone)
    await call.ask("sns", "TagResource", ResourceArn=topic, Tags=wanted)


async def _unsubscribe(call: ResourceCall, topic: str, gone: list[dict[str, Any]]) -> None:
    """End those subscriptions that a topic's list no longer has; pending ones end by themselves."""
    token: str | None = None
    while gone:
        answer = await call.ask("sns", "ListSubscriptionsByTopic", TopicArn=topic, NextToken=token)
        for one in answer["Subscriptions"]:
            if {"Protocol": one["Protocol"], "Endpoint": one["Endpoint"]} in gone and ":" in one["SubscriptionArn"]:
                await call.ask("sns", "Unsubscribe", SubscriptionArn=one["SubscriptionArn"])
        token = answer.get("NextToken")
        if token is None:
            return


async def _delete_topic(call: ResourceCall) -> None:
    await call.ask("sns", "DeleteTopic", TopicArn=call.physical_id)


async def _create_subscription(call: ResourceCall) -> Resource:
    call.required("TopicArn", "Protocol")
    answer = await call.ask(
        "sns",
        "Subscribe",
        TopicArn=call.properties["TopicArn"],
        Protocol=call.properties["Protocol"],
        Endpoint=call.properties.get("Endpoint"),
        Attributes=_stated(call, _SUBSCRIPTION) or None,
        ReturnSubscriptionArn=True,
    )
    return Resource(answer["SubscriptionArn"], {"Arn": answer["SubscriptionArn"]})


async def _update_subscription(call: ResourceCall) -> Resource:
    wanted = _stated(call, _SUBSCRIPTION)
    for name in set(call.before) & set(_SUBSCRIPTION) - set(call.properties):
        wanted[name] = _DEFAULTS.get(name, "MessageAttributes" if name == "FilterPolicyScope" else "")
    # A policy may only be valid in the scope it comes with: it is taken away before the scope changes.
    if "FilterPolicyScope" in wanted and "FilterPolicy" in call.before:
        await _set(call, "FilterPolicy", "")
    if wanted.get("ReplayPolicy") == _text(call.before.get("ReplayPolicy", "")):
        del wanted["ReplayPolicy"]  # or it would be replayed once more
    for name in ("FilterPolicyScope", *sorted(wanted.keys() - {"FilterPolicyScope"})):
        if name in wanted:
            await _set(call, name, wanted[name])
    return Resource(call.physical_id, call.attributes)


async def _set(call: ResourceCall, name: str, value: str) -> None:
    arn = call.physical_id
    await call.ask("sns", "SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


async def _delete_subscription(call: ResourceCall) -> None:
    found = await call.ask("sns", "GetSubscriptionAttributes", SubscriptionArn=call.physical_id)
    if found["Attributes"]["PendingConfirmation"] == "false":  # a pending one ends by itself
        await call.ask("sns", "Unsubscribe", SubscriptionArn=call.physical_id)


def _arns(properties: Any) -> list[str]:
    return [str(arn) for arn in properties.get("Topics") or ()]


async def _put_policy(call: ResourceCall) -> Resource:
    call.required("PolicyDocument", "Topics")
    for arn in _arns(call.properties):
        await _set_policy(call, arn, _text(call.properties["PolicyDocument"]))
    for arn in set(_arns(call.before)) - set(_arns(call.properties)):
        await _set_policy(call, arn, "")
    physical = call.physical_id or f"{call.stack_name}-{call.logical_id}-{call.token}"
    return Resource(physical, {"Id": physical})


async def _delete_policy(call: ResourceCall) -> None:
    for arn in _arns(call.properties):
        await _set_policy(call, arn, "")


async def _put_inline_policy(call: ResourceCall) -> Resource:
    call.required("PolicyDocument", "TopicArn")
    arn = str(call.properties["TopicArn"])
    await _set_policy(call, arn, _text(call.properties["PolicyDocument"]))
    return Resource(arn)


async def _delete_inline_policy(call: ResourceCall) -> None:
    await _set_policy(call, call.physical_id, "")


async def _set_policy(call: ResourceCall, topic: str, policy: str) -> None:
    await call.ask("sns", "SetTopicAttributes", TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


RESOURCES = (
    ResourceType(
        "AWS::SNS::Topic",
        _create_topic,
        _delete_topic,
        _update_topic,
        replaced_by=frozenset(("TopicName", "FifoTopic")),
        expected=lambda call: call.arn("sns", _name(call)),
        read=_read_topic,
        identifier="TopicArn",
        listing=Listing("sns", "ListTopics", "Topics", ("NextToken", "NextToken"), "TopicArn"),
    ),
    ResourceType(
        "AWS::SNS::Subscription",
        _create_subscription,
        _delete_subscription,
        _update_subscription,
        replaced_by=frozenset(("TopicArn", "Protocol", "Endpoint", "Region")),
    ),
    ResourceType("AWS::SNS::TopicPolicy", _put_policy, _delete_policy, _put_policy),
    ResourceType(
        "AWS::SNS::TopicInlinePolicy",
        _put_inline_policy,
        _delete_inline_policy,
        _put_inline_policy,
        replaced_by=frozenset(("TopicArn",)),
    ),
)
