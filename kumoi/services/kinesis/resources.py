"""Kinesis' CloudFormation resource types. Source: "Amazon Kinesis Data Streams resource type reference"."""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType


def _mode(call: ResourceCall) -> str:
    details = call.properties.get("StreamModeDetails") or {}
    return str(details.get("StreamMode", "PROVISIONED" if "ShardCount" in call.properties else "ON_DEMAND"))


def _number(call: ResourceCall, member: str) -> int | None:
    stated = call.properties.get(member)
    return None if stated is None else int(stated)


def _stream(call: ResourceCall, name: str) -> Resource:
    arn = call.arn("kinesis", f"stream/{name}")
    return Resource(name, {"Arn": arn})


async def _create_stream(call: ResourceCall) -> Resource:
    name = call.name("Name", 128)
    tags = {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}
    await call.ask(
        "kinesis",
        "CreateStream",
        StreamName=name,
        ShardCount=_number(call, "ShardCount") if _mode(call) == "PROVISIONED" else None,
        StreamModeDetails={"StreamMode": _mode(call)},
        MaxRecordSizeInKiB=_number(call, "MaxRecordSizeInKiB"),
        Tags=tags or None,
    )
    made = call.begin(_stream(call, name))
    await _settle(call, name)
    return made


async def _update_stream(call: ResourceCall) -> Resource:
    name, arn = call.physical_id, call.arn("kinesis", f"stream/{call.physical_id}")
    described = await call.ask("kinesis", "DescribeStreamSummary", StreamName=name)
    summary = described["StreamDescriptionSummary"]
    if summary["StreamModeDetails"]["StreamMode"] != _mode(call):
        details = {"StreamMode": _mode(call)}
        await call.ask("kinesis", "UpdateStreamMode", StreamARN=arn, StreamModeDetails=details)
    count = _number(call, "ShardCount")
    if count is not None and _mode(call) == "PROVISIONED" and count != summary["OpenShardCount"]:
        scaling = {"TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"}
        await call.ask("kinesis", "UpdateShardCount", StreamName=name, **scaling)
    size = _number(call, "MaxRecordSizeInKiB")
    if size is not None and size != summary["MaxRecordSizeInKiB"]:
        await call.ask("kinesis", "UpdateMaxRecordSize", StreamARN=arn, MaxRecordSizeInKiB=size)
    await _settle(call, name)
    await _tag(call, arn)
    return _stream(call, name)


async def _settle(call: ResourceCall, name: str) -> None:
    """The settings that have operations of their own."""
    described = await call.ask("kinesis", "DescribeStreamSummary", StreamName=name)
    summary = described["StreamDescriptionSummary"]
    hours = _number(call, "RetentionPeriodHours") or 24
    if hours != summary["RetentionPeriodHours"]:
        word = "Increase" if hours > summary["RetentionPeriodHours"] else "Decrease"
        await call.ask("kinesis", f"{word}StreamRetentionPeriod", StreamName=name, RetentionPeriodHours=hours)
    encryption: dict[str, Any] = call.properties.get("StreamEncryption") or {}
    if encryption.get("KeyId") != summary.get("KeyId"):
        word, key = ("Start", encryption["KeyId"]) if encryption else ("Stop", summary["KeyId"])
        await call.ask("kinesis", f"{word}StreamEncryption", StreamName=name, EncryptionType="KMS", KeyId=key)
    wanted = set(call.properties.get("DesiredShardLevelMetrics") or ())
    had = set(summary["EnhancedMonitoring"][0]["ShardLevelMetrics"])
    for word, metrics in (("Enable", wanted - had), ("Disable", had - wanted - {"ALL"} if "ALL" not in wanted else ())):
        if metrics:
            await call.ask("kinesis", f"{word}EnhancedMonitoring", StreamName=name, ShardLevelMetrics=sorted(metrics))


async def _tag(call: ResourceCall, arn: str) -> None:
    wanted = {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}
    had = (await call.ask("kinesis", "ListTagsForResource", ResourceARN=arn))["Tags"]
    gone = [tag["Key"] for tag in had if tag["Key"] not in wanted]
    if gone:
        await call.ask("kinesis", "UntagResource", ResourceARN=arn, TagKeys=gone)
    if wanted:
        await call.ask("kinesis", "TagResource", ResourceARN=arn, Tags=wanted)


async def _delete_stream(call: ResourceCall) -> None:
    await call.ask("kinesis", "DeleteStream", StreamName=call.physical_id, EnforceConsumerDeletion=True)


async def _create_consumer(call: ResourceCall) -> Resource:
    call.required("ConsumerName", "StreamARN")
    tags = {key: value for key, value in call.all_tags().items() if not key.startswith("aws:")}
    given = call.given("ConsumerName", "StreamARN")
    consumer = (await call.ask("kinesis", "RegisterStreamConsumer", **given, Tags=tags or None))["Consumer"]
    return Resource(
        consumer["ConsumerARN"],
        {
            "ConsumerARN": consumer["ConsumerARN"],
            "ConsumerName": consumer["ConsumerName"],
            "ConsumerStatus": consumer["ConsumerStatus"],
            "ConsumerCreationTimestamp": str(int(consumer["ConsumerCreationTimestamp"])),
            "StreamARN": given["StreamARN"],
        },
    )


async def _delete_consumer(call: ResourceCall) -> None:
    await call.ask("kinesis", "DeregisterStreamConsumer", ConsumerARN=call.physical_id)


async def _read_stream(call: ResourceCall) -> Reading:
    name = call.physical_id
    summary = (await call.ask("kinesis", "DescribeStreamSummary", StreamName=name))["StreamDescriptionSummary"]
    tags = await call.ask("kinesis", "ListTagsForStream", StreamName=name)
    mode = summary["StreamModeDetails"]["StreamMode"]
    told = {
        "Name": name,
        "RetentionPeriodHours": summary["RetentionPeriodHours"],
        "ShardCount": summary["OpenShardCount"] if mode == "PROVISIONED" else None,
        "StreamModeDetails": {"StreamMode": mode},
        "Tags": tags.get("Tags", []),
    }
    return Reading(_stream(call, name), told)


RESOURCES = (
    ResourceType(
        "AWS::Kinesis::Stream",
        _create_stream,
        _delete_stream,
        _update_stream,
        replaced_by=frozenset(("Name",)),
        expected=lambda call: call.name("Name", 128),
        read=_read_stream,
        identifier="Name",
        listing=Listing("kinesis", "ListStreams", "StreamSummaries", ("NextToken", "NextToken"), "StreamName"),
    ),
    ResourceType("AWS::Kinesis::StreamConsumer", _create_consumer, _delete_consumer),
)
