"""CloudFront's CloudFormation resource types. Source: "CloudFront resource type reference"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway.resource_types import Delete, Make, Resource, ResourceCall, ResourceType
from kumoi.services.cloudfront.kinds import (
    ACCESS_CONTROL,
    ACCESS_IDENTITY,
    CACHE_POLICY,
    DEPLOYMENT_POLICY,
    KEY_GROUP,
    ORIGIN_REQUEST_POLICY,
    PUBLIC_KEY,
    RESPONSE_HEADERS_POLICY,
    Kind,
)
from kumoi.services.cloudfront.naming import cloudfront_arn
from kumoi.services.cloudfront.template_properties import converted, distribution_config
from kumoi.wire import Wire

_SERVICE = "cloudfront"


def _members(call: ResourceCall, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Properties as an operation's members."""
    shape = call.doorway.parts[Wire].codec(_SERVICE).operation(operation).input
    assert shape is not None, "the operations used here take members"
    found: dict[str, Any] = converted(shape, given)
    return found


# ── distributions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _config(call: ResourceCall, reference: str) -> dict[str, Any]:
    call.required("DistributionConfig")
    given = {"CallerReference": reference, **distribution_config(call.properties["DistributionConfig"])}
    config: dict[str, Any] = _members(call, "CreateDistribution", {"DistributionConfig": given})["DistributionConfig"]
    return config


async def _create_distribution(call: ResourceCall) -> Resource:
    config = _config(call, f"{call.stack_name}-{call.logical_id}-{call.token}")
    given = {"DistributionConfig": config, "Tags": {"Items": call.tag_list()}}
    answer = await call.ask(_SERVICE, "CreateDistributionWithTags", DistributionConfigWithTags=given)
    made = answer["Distribution"]
    return Resource(made["Id"], {"DomainName": made["DomainName"], "Id": made["Id"]})


async def _update_distribution(call: ResourceCall) -> Resource:
    got = await call.ask(_SERVICE, "GetDistributionConfig", Id=call.physical_id)
    config = _config(call, got["DistributionConfig"]["CallerReference"])
    await call.ask(_SERVICE, "UpdateDistribution", Id=call.physical_id, DistributionConfig=config, IfMatch=got["ETag"])
    arn = cloudfront_arn(call.account, f"distribution/{call.physical_id}")
    known = {one["Key"] for one in (await call.ask(_SERVICE, "ListTagsForResource", Resource=arn))["Tags"]["Items"]}
    wanted = call.all_tags()
    if gone := sorted(known - wanted.keys()):
        await call.ask(_SERVICE, "UntagResource", Resource=arn, TagKeys={"Items": gone})
    await call.ask(_SERVICE, "TagResource", Resource=arn, Tags={"Items": call.tag_list()})
    return Resource(call.physical_id, call.attributes)


async def _delete_distribution(call: ResourceCall) -> None:
    got = await call.ask(_SERVICE, "GetDistributionConfig", Id=call.physical_id)
    config, etag = got["DistributionConfig"], got["ETag"]
    if config["Enabled"]:
        config = {**config, "Enabled": False}
        changed = await call.ask(
            _SERVICE, "UpdateDistribution", Id=call.physical_id, DistributionConfig=config, IfMatch=etag
        )
        etag = changed["ETag"]
    await call.ask(_SERVICE, "DeleteDistribution", Id=call.physical_id, IfMatch=etag)


# ── functions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _function_members(call: ResourceCall, name: str) -> dict[str, Any]:
    call.required("FunctionCode", "FunctionConfig")
    given = {"Name": name, "FunctionConfig": call.properties["FunctionConfig"]}
    found = _members(call, "CreateFunction", given)
    found["FunctionConfig"].setdefault("Comment", "")
    found["FunctionCode"] = str(call.properties["FunctionCode"]).encode()
    return found


async def _publish(call: ResourceCall, name: str, etag: str) -> None:
    if str(call.properties.get("AutoPublish", "false")).lower() == "true":
        await call.ask(_SERVICE, "PublishFunction", Name=name, IfMatch=etag)


async def _create_function(call: ResourceCall) -> Resource:
    call.required("Name")
    name = str(call.properties["Name"])
    answer = await call.ask(_SERVICE, "CreateFunction", **_function_members(call, name))
    arn = answer["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    made = call.begin(Resource(arn, {"FunctionARN": arn, "FunctionMetadata.FunctionARN": arn, "Stage": "DEVELOPMENT"}))
    await _publish(call, name, answer["ETag"])
    return made


async def _update_function(call: ResourceCall) -> Resource:
    name = call.physical_id.rpartition("/")[2]
    etag = (await call.ask(_SERVICE, "DescribeFunction", Name=name))["ETag"]
    answer = await call.ask(_SERVICE, "UpdateFunction", **_function_members(call, name), IfMatch=etag)
    await _publish(call, name, answer["ETag"])
    return Resource(call.physical_id, call.attributes)


async def _delete_function(call: ResourceCall) -> None:
    name = call.physical_id.rpartition("/")[2]
    etag = (await call.ask(_SERVICE, "DescribeFunction", Name=name))["ETag"]
    await call.ask(_SERVICE, "DeleteFunction", Name=name, IfMatch=etag)


# ── key value stores ──────────────────────────────────────────────────────────────────────────────────────────────────


async def _create_store(call: ResourceCall) -> Resource:
    call.required("Name")
    given = _members(call, "CreateKeyValueStore", dict(call.given("Name", "Comment", "ImportSource")))
    made = (await call.ask(_SERVICE, "CreateKeyValueStore", **given))["KeyValueStore"]
    return Resource(made["Name"], {"Arn": made["ARN"], "Id": made["Id"], "Status": "READY"})


async def _update_store(call: ResourceCall) -> Resource:
    etag = (await call.ask(_SERVICE, "DescribeKeyValueStore", Name=call.physical_id))["ETag"]
    comment = str(call.properties.get("Comment", ""))
    await call.ask(_SERVICE, "UpdateKeyValueStore", Name=call.physical_id, Comment=comment, IfMatch=etag)
    return Resource(call.physical_id, call.attributes)


async def _delete_store(call: ResourceCall) -> None:
    etag = (await call.ask(_SERVICE, "DescribeKeyValueStore", Name=call.physical_id))["ETag"]
    await call.ask(_SERVICE, "DeleteKeyValueStore", Name=call.physical_id, IfMatch=etag)


# ── logs and metrics ──────────────────────────────────────────────────────────────────────────────────────────────────

_REALTIME = ("Name", "EndPoints", "Fields", "SamplingRate")


async def _create_realtime(call: ResourceCall) -> Resource:
    call.required(*_REALTIME)
    given = _members(call, "CreateRealtimeLogConfig", _endpoints(call))
    arn = (await call.ask(_SERVICE, "CreateRealtimeLogConfig", **given))["RealtimeLogConfig"]["ARN"]
    return Resource(arn, {"Arn": arn})


def _endpoints(call: ResourceCall) -> dict[str, Any]:
    """The properties, with the ARNs of endpoints spelled as the API does."""
    given = dict(call.given(*_REALTIME))
    given["EndPoints"] = [
        {
            **one,
            "KinesisStreamConfig": {
                name.replace("Arn", "ARN"): value for name, value in one.get("KinesisStreamConfig", {}).items()
            },
        }
        for one in given["EndPoints"]
    ]
    return given


async def _update_realtime(call: ResourceCall) -> Resource:
    given = _members(call, "CreateRealtimeLogConfig", _endpoints(call))
    await call.ask(_SERVICE, "UpdateRealtimeLogConfig", **given)
    return Resource(call.physical_id, call.attributes)


async def _delete_realtime(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteRealtimeLogConfig", ARN=call.physical_id)


async def _create_monitoring(call: ResourceCall) -> Resource:
    call.required("DistributionId", "MonitoringSubscription")
    given = _members(call, "CreateMonitoringSubscription", dict(call.given("DistributionId", "MonitoringSubscription")))
    await call.ask(_SERVICE, "CreateMonitoringSubscription", **given)
    return Resource(given["DistributionId"])


async def _delete_monitoring(call: ResourceCall) -> None:
    await call.ask(_SERVICE, "DeleteMonitoringSubscription", DistributionId=call.physical_id)


# ── policies, access controls, keys ───────────────────────────────────────────────────────────────────────────────────


def _kind(kind: Kind) -> ResourceType:
    return ResourceType(f"AWS::CloudFront::{kind.name}", _create_kind(kind), _delete_kind(kind), _update_kind(kind))


def _given(call: ResourceCall, kind: Kind, reference: str) -> dict[str, Any]:
    call.required(kind.config)
    config = dict(call.properties[kind.config])
    shape = call.doorway.parts[Wire].codec(_SERVICE).operation(f"Create{kind.name}").input
    assert shape is not None, "every kind is made from a configuration"
    if "CallerReference" in shape.members[kind.config].members:
        config.setdefault("CallerReference", reference)
    found: dict[str, Any] = _members(call, f"Create{kind.name}", {kind.config: config})[kind.config]
    return found


def _create_kind(kind: Kind) -> Make:
    async def create(call: ResourceCall) -> Resource:
        config = _given(call, kind, f"{call.stack_name}-{call.logical_id}-{call.token}")
        made = (await call.ask(_SERVICE, f"Create{kind.name}", **{kind.config: config}))[kind.name]
        return Resource(made["Id"], _attributes(kind, made))

    return create


def _attributes(kind: Kind, made: dict[str, Any]) -> dict[str, Any]:
    found = {"Id": made["Id"]}
    for member in (kind.changed, kind.made):
        if member:
            found[member] = datetime.fromtimestamp(made[member], UTC).isoformat()
    if "S3CanonicalUserId" in made:
        found["S3CanonicalUserId"] = made["S3CanonicalUserId"]
    return found


def _update_kind(kind: Kind) -> Make:
    async def update(call: ResourceCall) -> Resource:
        got = await call.ask(_SERVICE, f"Get{kind.name}Config", Id=call.physical_id)
        reference = got[kind.config].get("CallerReference", "")
        given = {kind.config: _given(call, kind, reference), "Id": call.physical_id, "IfMatch": got["ETag"]}
        changed = (await call.ask(_SERVICE, f"Update{kind.name}", **given))[kind.name]
        return Resource(call.physical_id, _attributes(kind, changed))

    return update


def _delete_kind(kind: Kind) -> Delete:
    async def delete(call: ResourceCall) -> None:
        etag = (await call.ask(_SERVICE, f"Get{kind.name}", Id=call.physical_id))["ETag"]
        await call.ask(_SERVICE, f"Delete{kind.name}", Id=call.physical_id, IfMatch=etag)

    return delete


RESOURCES = (
    ResourceType("AWS::CloudFront::Distribution", _create_distribution, _delete_distribution, _update_distribution),
    ResourceType(
        "AWS::CloudFront::Function",
        _create_function,
        _delete_function,
        _update_function,
        replaced_by=frozenset(("Name",)),
    ),
    ResourceType(
        "AWS::CloudFront::KeyValueStore",
        _create_store,
        _delete_store,
        _update_store,
        replaced_by=frozenset(("Name", "ImportSource")),
    ),
    ResourceType(
        "AWS::CloudFront::RealtimeLogConfig",
        _create_realtime,
        _delete_realtime,
        _update_realtime,
        replaced_by=frozenset(("Name",)),
    ),
    ResourceType("AWS::CloudFront::MonitoringSubscription", _create_monitoring, _delete_monitoring),
    *(
        _kind(kind)
        for kind in (
            *(CACHE_POLICY, ORIGIN_REQUEST_POLICY, RESPONSE_HEADERS_POLICY, ACCESS_CONTROL, ACCESS_IDENTITY),
            *(KEY_GROUP, DEPLOYMENT_POLICY),
        )
    ),
    ResourceType("AWS::CloudFront::PublicKey", _create_kind(PUBLIC_KEY), _delete_kind(PUBLIC_KEY)),
)
