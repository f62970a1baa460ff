"""SQS' CloudFormation resource types. Source: "Amazon SQS resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType

_ATTRIBUTES = (
    *("ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit"),
    *("KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod"),
    *("ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled"),
    "VisibilityTimeout",
)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, dict) else str(value)


def _attributes(call: ResourceCall) -> dict[str, str]:
    return {name: _text(value) for name, value in call.given(*_ATTRIBUTES).items()}


def _queue(call: ResourceCall, name: str, url: str) -> Resource:
    return Resource(url, {"Arn": call.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _name(call: ResourceCall) -> str:
    fifo = _text(call.properties.get("FifoQueue", "false")) == "true"
    return call.name("QueueName", 80, suffix=".fifo" if fifo else "")


async def _create_queue(call: ResourceCall) -> Resource:
    name = _name(call)
    attributes = {key: value for key, value in _attributes(call).items() if (key, value) != ("FifoQueue", "false")}
    answer = await call.ask("sqs", "CreateQueue", QueueName=name, Attributes=attributes or None, tags=call.all_tags())
    return _queue(call, name, answer["QueueUrl"])


async def _update_queue(call: ResourceCall) -> Resource:
    attributes = {key: value for key, value in _attributes(call).items() if key != "FifoQueue"}
    for name in set(call.before) & set(_ATTRIBUTES) - set(call.properties):
        attributes[name] = _DEFAULTS.get(name, "")
    if attributes:
        await call.ask("sqs", "SetQueueAttributes", QueueUrl=call.physical_id, Attributes=attributes)
    await _tag(call)
    return Resource(call.physical_id, call.attributes)


async def _tag(call: ResourceCall) -> None:
    """Bring the tags to what the template and the stack say; those that the template states no more go."""
    gone = [one["Key"] for one in call.before.get("Tags") or () if one["Key"] not in call.all_tags()]
    if gone:
        await call.ask("sqs", "UntagQueue", QueueUrl=call.physical_id, TagKeys=gone)
    await call.ask("sqs", "TagQueue", QueueUrl=call.physical_id, Tags=call.all_tags())


_DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}


async def _delete_queue(call: ResourceCall) -> None:
    await call.ask("sqs", "DeleteQueue", QueueUrl=call.physical_id)


async def _read_queue(call: ResourceCall) -> Reading:
    url = call.physical_id
    found = await call.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    attributes: dict[str, str] = found["Attributes"]
    tags = await call.ask("sqs", "ListQueueTags", QueueUrl=url)
    name = attributes["QueueArn"].rpartition(":")[2]
    told: dict[str, Any] = {member: attributes.get(member) for member in _ATTRIBUTES}
    told["QueueName"] = name
    told["Tags"] = [{"Key": key, "Value": value} for key, value in (tags.get("Tags") or {}).items()]
    return Reading(_queue(call, name, url), told)


async def _put_policy(call: ResourceCall) -> Resource:
    document = call.properties["PolicyDocument"]
    policy = document if isinstance(document, str) else orjson.dumps(document).decode()
    for url in call.properties["Queues"]:
        await call.ask("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})
    physical = call.physical_id or f"{call.stack_name}-{call.logical_id}-{call.token}"
    return Resource(physical, {"Id": physical})


async def _delete_policy(call: ResourceCall) -> None:
    for url in call.properties["Queues"]:
        await call.ask("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})


RESOURCES = (
    ResourceType(
        "AWS::SQS::Queue",
        _create_queue,
        _delete_queue,
        _update_queue,
        replaced_by=frozenset(("QueueName", "FifoQueue")),
        expected=lambda call: call.arn("sqs", _name(call)),
        read=_read_queue,
        identifier="QueueUrl",
        listing=Listing("sqs", "ListQueues", "QueueUrls", ("NextToken", "NextToken")),
    ),
    ResourceType("AWS::SQS::QueuePolicy", _put_policy, _delete_policy, _put_policy),
)
