"""Firehose's CloudFormation resource type. Source: "AWS::KinesisFirehose::DeliveryStream" of its reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Reading, Resource, ResourceCall, ResourceType

_NUMBERS = frozenset(
    (
        *("SizeInMBs", "IntervalInSeconds", "DurationInSeconds", "ThroughputHintInMBs"),
        *("BlockSizeBytes", "PageSizeBytes", "MaxPaddingBytes"),
    )
)
_FLAGS = frozenset(
    (
        *("Enabled", "EnableDictionaryCompression", "CaseInsensitive", "ConvertDotsInJsonKeysToUnderscores"),
        "EnablePadding",
    )
)
_DESTINATION, _UPDATE = "DestinationConfiguration", "DestinationUpdate"
_SOURCES = ("DirectPutSourceConfiguration", "KinesisStreamSourceConfiguration", "MSKSourceConfiguration")
_ENCRYPTION = "DeliveryStreamEncryptionConfigurationInput"
_UPDATED = {"S3Configuration": "S3Update", "S3BackupConfiguration": "S3BackupUpdate"}
_CLEARED: Mapping[str, Any] = {
    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "CloudWatchLoggingOptions": {"Enabled": False},
    "CompressionFormat": "UNCOMPRESSED",
    "CustomTimeZone": "UTC",
    "DataFormatConversionConfiguration": {"Enabled": False},
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "ErrorOutputPrefix": "",
    "FileExtension": "",
    "Prefix": "",
    "ProcessingConfiguration": {"Enabled": False},
    "RequestConfiguration": {"ContentEncoding": "NONE"},
    "RetryOptions": {"DurationInSeconds": 300},
}
"""What becomes of properties that a template no longer has."""


def _typed(value: Any, name: str = "") -> Any:
    """A property as the API takes it: numbers and booleans that a template has as text."""
    if isinstance(value, Mapping):
        return {member: _typed(one, member) for member, one in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if name in _FLAGS:
        return str(value).lower() == "true"
    if name in _NUMBERS:
        return int(value)
    return str(value) if name in ("ParameterValue", "Prefix", "ErrorOutputPrefix") else value


def _destination(properties: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The destination that a template has: its property, and what it says."""
    named = [name for name in properties if name.endswith(_DESTINATION)]
    return (named[0], _typed(properties[named[0]])) if named else ("", {})


def _tags(call: ResourceCall) -> dict[str, str]:
    """The tags; Firehose takes none of AWS's own names."""
    return {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}


def _resource(call: ResourceCall, name: str) -> Resource:
    return Resource(name, {"Arn": call.arn("firehose", f"deliverystream/{name}")})


async def _create(call: ResourceCall) -> Resource:
    name = call.name("DeliveryStreamName", 64)
    destinations = {member: _typed(one) for member, one in call.properties.items() if member.endswith(_DESTINATION)}
    given = {member: _typed(one) for member, one in call.given(*_SOURCES, _ENCRYPTION).items()}
    tags = [{"Key": key, "Value": value} for key, value in _tags(call).items()]
    await call.ask(
        "firehose",
        "CreateDeliveryStream",
        DeliveryStreamName=name,
        Tags=tags or None,
        **call.given("DeliveryStreamType"),
        **destinations,
        **given,
    )
    return _resource(call, name)


async def _update(call: ResourceCall) -> Resource:
    name = call.physical_id
    member, wanted = _destination(call.properties)
    before_member, before = _destination(call.before)
    if (member, wanted) != (before_member, before):
        told = (await call.ask("firehose", "DescribeDeliveryStream", DeliveryStreamName=name))[
            "DeliveryStreamDescription"
        ]
        change = {_UPDATED.get(one, one): value for one, value in wanted.items()}
        gone = {one: value for one, value in _CLEARED.items() if one in before and one not in wanted}
        await call.ask(
            "firehose",
            "UpdateDestination",
            DeliveryStreamName=name,
            CurrentDeliveryStreamVersionId=told["VersionId"],
            DestinationId=told["Destinations"][0]["DestinationId"],
            **{f"{member.removesuffix(_DESTINATION)}{_UPDATE}": {**gone, **change}},
        )
    await _encrypt(call)
    await _retag(call)
    return _resource(call, name)


async def _encrypt(call: ResourceCall) -> None:
    wanted = call.properties.get(_ENCRYPTION)
    if wanted == call.before.get(_ENCRYPTION):
        return
    if wanted is None:
        await call.ask("firehose", "StopDeliveryStreamEncryption", DeliveryStreamName=call.physical_id)
        return
    given = {"DeliveryStreamName": call.physical_id, _ENCRYPTION: wanted}
    await call.ask("firehose", "StartDeliveryStreamEncryption", **given)


async def _retag(call: ResourceCall) -> None:
    name, wanted = call.physical_id, _tags(call)
    known = await _known_tags(call)
    gone = [key for key in known if key not in wanted]
    if gone:
        await call.ask("firehose", "UntagDeliveryStream", DeliveryStreamName=name, TagKeys=gone)
    changed = [{"Key": key, "Value": value} for key, value in wanted.items() if known.get(key) != value]
    if changed:
        await call.ask("firehose", "TagDeliveryStream", DeliveryStreamName=name, Tags=changed)


async def _known_tags(call: ResourceCall) -> dict[str, str]:
    listed = await call.ask("firehose", "ListTagsForDeliveryStream", DeliveryStreamName=call.physical_id)
    return {tag["Key"]: tag["Value"] for tag in listed["Tags"]}


async def _delete(call: ResourceCall) -> None:
    await call.ask("firehose", "DeleteDeliveryStream", DeliveryStreamName=call.physical_id, AllowForceDelete=True)


async def _read(call: ResourceCall) -> Reading:
    name = call.physical_id
    told = (await call.ask("firehose", "DescribeDeliveryStream", DeliveryStreamName=name))["DeliveryStreamDescription"]
    tags = [{"Key": key, "Value": value} for key, value in (await _known_tags(call)).items()]
    properties = {
        "DeliveryStreamName": told["DeliveryStreamName"],
        "DeliveryStreamType": told["DeliveryStreamType"],
        "Tags": tags or None,
    }
    return Reading(_resource(call, name), properties)


RESOURCES = (
    ResourceType(
        "AWS::KinesisFirehose::DeliveryStream",
        _create,
        _delete,
        _update,
        replaced_by=frozenset(("DeliveryStreamName", "DeliveryStreamType", *_SOURCES)),
        expected=lambda call: call.name("DeliveryStreamName", 64),
        read=_read,
        identifier="DeliveryStreamName",
    ),
)
