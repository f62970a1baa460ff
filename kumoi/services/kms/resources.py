"""KMS's CloudFormation resource types. Source: "AWS Key Management Service resource type reference"."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType
from kumoi.names import Arn
from kumoi.wire.errors import AwsError, aws_error

_FIXED = ("KeySpec", "KeyUsage", "MultiRegion", "Origin")
_DEFAULTS = {"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False, "Origin": "AWS_KMS"}
_GONE = ("PendingDeletion", "PendingReplicaDeletion")


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _policy(call: ResourceCall) -> str | None:
    document = call.properties.get("KeyPolicy")
    if document is None or isinstance(document, str):
        return document
    return orjson.dumps(document).decode()


def _tags(call: ResourceCall) -> list[dict[str, str]]:
    return [{"TagKey": name, "TagValue": value} for name, value in call.all_tags().items()]


def _resource(metadata: dict[str, Any]) -> Resource:
    key_id, arn = metadata["KeyId"], metadata["Arn"]
    return Resource(key_id, {"Arn": arn, "KeyId": key_id})


async def _create_key(call: ResourceCall) -> Resource:
    multi_region = call.properties.get("MultiRegion")
    answer = await call.ask(
        "kms",
        "CreateKey",
        Policy=_policy(call),
        MultiRegion=None if multi_region is None else _flag(multi_region),
        BypassPolicyLockoutSafetyCheck=_flag(call.properties.get("BypassPolicyLockoutSafetyCheck", False)),
        Tags=_tags(call),
        **call.given("Description", "KeySpec", "KeyUsage", "Origin"),
    )
    made = call.begin(_resource(answer["KeyMetadata"]))
    await _set_rotation(call, made.physical_id, rotated=False)
    if not _flag(call.properties.get("Enabled", True)):
        await call.ask("kms", "DisableKey", KeyId=made.physical_id)
    return made


async def _set_rotation(call: ResourceCall, key_id: str, *, rotated: bool) -> None:
    if _flag(call.properties.get("EnableKeyRotation", False)):
        days = call.properties.get("RotationPeriodInDays")
        await call.ask(
            "kms", "EnableKeyRotation", KeyId=key_id, RotationPeriodInDays=None if days is None else int(days)
        )
    elif rotated:
        await call.ask("kms", "DisableKeyRotation", KeyId=key_id)


async def _update_key(call: ResourceCall) -> Resource:
    known = (await call.ask("kms", "DescribeKey", KeyId=call.physical_id))["KeyMetadata"]
    for name in _FIXED:
        if str(call.properties.get(name, _DEFAULTS[name])).lower() != str(known[name]).lower():
            raise aws_error("ValidationError", f"You cannot change the {name} property of an existing KMS key.")
    made = await _update_common(call)
    rotation = ("EnableKeyRotation", "RotationPeriodInDays")
    if _changed(call, *rotation):
        enabled = _flag(call.properties.get("Enabled", True))
        if not enabled:
            await call.ask("kms", "EnableKey", KeyId=call.physical_id)
        await _set_rotation(call, call.physical_id, rotated=_flag(call.before.get("EnableKeyRotation", False)))
        if not enabled:
            await call.ask("kms", "DisableKey", KeyId=call.physical_id)
    return made


def _changed(call: ResourceCall, *names: str) -> bool:
    return any(call.properties.get(name) != call.before.get(name) for name in names)


async def _update_common(call: ResourceCall) -> Resource:
    """What keys and replica keys can change: whether they are enabled, policy, description, tags."""
    key_id = call.physical_id
    if _changed(call, "Enabled"):
        enabled = _flag(call.properties.get("Enabled", True))
        await call.ask("kms", "EnableKey" if enabled else "DisableKey", KeyId=key_id)
    policy = _policy(call)
    if _changed(call, "KeyPolicy") and policy is not None:
        bypass = _flag(call.properties.get("BypassPolicyLockoutSafetyCheck", False))
        await call.ask("kms", "PutKeyPolicy", KeyId=key_id, Policy=policy, BypassPolicyLockoutSafetyCheck=bypass)
    if _changed(call, "Description"):
        await call.ask("kms", "UpdateKeyDescription", KeyId=key_id, Description=call.properties.get("Description", ""))
    await _update_tags(call)
    return _resource((await call.ask("kms", "DescribeKey", KeyId=key_id))["KeyMetadata"])


async def _update_tags(call: ResourceCall) -> None:
    known = await _known_tags(call)
    wanted = call.all_tags()
    gone = [name for name in known if name not in wanted]
    if gone:
        await call.ask("kms", "UntagResource", KeyId=call.physical_id, TagKeys=gone)
    if any(known.get(name) != value for name, value in wanted.items()):
        await call.ask("kms", "TagResource", KeyId=call.physical_id, Tags=_tags(call))


async def _known_tags(call: ResourceCall) -> dict[str, str]:
    answer = await call.ask("kms", "ListResourceTags", KeyId=call.physical_id)
    return {tag["TagKey"]: tag["TagValue"] for tag in answer["Tags"]}


async def _delete_key(call: ResourceCall) -> None:
    metadata = (await call.ask("kms", "DescribeKey", KeyId=call.physical_id))["KeyMetadata"]
    if metadata["KeyState"] in _GONE:
        return
    days = call.properties.get("PendingWindowInDays")
    await call.ask(
        "kms",
        "ScheduleKeyDeletion",
        KeyId=call.physical_id,
        PendingWindowInDays=None if days is None else int(days),
    )


async def _read_key(call: ResourceCall) -> Reading:
    metadata = (await call.ask("kms", "DescribeKey", KeyId=call.physical_id))["KeyMetadata"]
    if metadata["KeyState"] in _GONE:
        raise aws_error("NotFoundException", f"{metadata['Arn']} is pending deletion.")
    policy = (await call.ask("kms", "GetKeyPolicy", KeyId=call.physical_id))["Policy"]
    properties: dict[str, Any] = {
        "Description": metadata["Description"] or None,
        "Enabled": metadata["Enabled"],
        "KeyPolicy": orjson.loads(policy),
        "Tags": [{"Key": name, "Value": value} for name, value in (await _known_tags(call)).items()],
    }
    properties |= {name: metadata[name] for name in _FIXED}
    if metadata["KeySpec"] == "SYMMETRIC_DEFAULT" and metadata["Origin"] == "AWS_KMS":
        status = await call.ask("kms", "GetKeyRotationStatus", KeyId=call.physical_id)
        properties["EnableKeyRotation"] = status["KeyRotationEnabled"]
        properties["RotationPeriodInDays"] = status.get("RotationPeriodInDays")
    return Reading(_resource(metadata), properties)


async def _create_replica(call: ResourceCall) -> Resource:
    call.required("PrimaryKeyArn")
    arn = _primary(call)
    answer = await call.doorway.ask(
        "kms",
        "ReplicateKey",
        {
            "KeyId": str(arn),
            "ReplicaRegion": call.region,
            "Tags": _tags(call),
            **({} if (policy := _policy(call)) is None else {"Policy": policy}),
            **call.given("Description"),
        },
        call.caller,
        arn.region,
        call.trace,
    )
    made = call.begin(_resource(answer["ReplicaKeyMetadata"]))
    if not _flag(call.properties.get("Enabled", True)):
        await call.ask("kms", "DisableKey", KeyId=made.physical_id)
    return made


def _primary(call: ResourceCall) -> Arn:
    try:
        return Arn.parse(str(call.properties["PrimaryKeyArn"]))
    except ValueError as error:
        raise aws_error("ValidationError", f"PrimaryKeyArn is {error}") from None


async def _create_alias(call: ResourceCall) -> Resource:
    call.required("AliasName", "TargetKeyId")
    name = str(call.properties["AliasName"])
    await call.ask("kms", "CreateAlias", AliasName=name, TargetKeyId=call.properties["TargetKeyId"])
    return _alias(name)


def _alias(name: str) -> Resource:
    return Resource(name, {"AliasName": name})


async def _update_alias(call: ResourceCall) -> Resource:
    await call.ask("kms", "UpdateAlias", AliasName=call.physical_id, TargetKeyId=call.properties["TargetKeyId"])
    return _alias(call.physical_id)


async def _delete_alias(call: ResourceCall) -> None:
    try:
        await call.ask("kms", "DeleteAlias", AliasName=call.physical_id)
    except AwsError as error:
        if error.code != "NotFoundException":
            raise


async def _read_alias(call: ResourceCall) -> Reading:
    metadata = (await call.ask("kms", "DescribeKey", KeyId=call.physical_id))["KeyMetadata"]
    named = str(call.properties.get("TargetKeyId", ""))
    target = metadata["Arn"] if named.startswith("arn:") else metadata["KeyId"]
    return Reading(_alias(call.physical_id), {"AliasName": call.physical_id, "TargetKeyId": target})


RESOURCES = (
    ResourceType(
        "AWS::KMS::Key",
        _create_key,
        _delete_key,
        _update_key,
        read=_read_key,
        identifier="KeyId",
        listing=Listing("kms", "ListKeys", "Keys", ("NextMarker", "Marker"), "KeyId"),
    ),
    ResourceType(
        "AWS::KMS::Alias",
        _create_alias,
        _delete_alias,
        _update_alias,
        replaced_by=frozenset(("AliasName",)),
        expected=lambda call: str(call.properties.get("AliasName", "")),
        read=_read_alias,
        identifier="AliasName",
        listing=Listing("kms", "ListAliases", "Aliases", ("NextMarker", "Marker"), "AliasName"),
    ),
    ResourceType(
        "AWS::KMS::ReplicaKey",
        _create_replica,
        _delete_key,
        _update_common,
        replaced_by=frozenset(("PrimaryKeyArn",)),
    ),
)
