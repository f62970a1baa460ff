"""ECR's CloudFormation resource type. Source: "AWS::ECR::Repository" of the template reference."""

from __future__ import annotations

import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType


def _name(call: ResourceCall) -> str:
    return call.name("RepositoryName", 256, lower=True)


async def _create(call: ResourceCall) -> Resource:
    name = _name(call)
    answer = await call.ask(
        "ecr",
        "CreateRepository",
        repositoryName=name,
        imageTagMutability=call.properties.get("ImageTagMutability"),
        encryptionConfiguration=_encryption(call),
        tags=call.tag_list(),
    )
    uri = answer["repository"]["repositoryUri"]
    made = call.begin(Resource(name, {"Arn": call.arn("ecr", f"repository/{name}"), "RepositoryUri": uri}))
    await _settle(call, name)
    return made


def _encryption(call: ResourceCall) -> dict[str, str] | None:
    stated = call.properties.get("EncryptionConfiguration")
    if stated is None:
        return None
    members = {"EncryptionType": "encryptionType", "KmsKey": "kmsKey"}
    return {members[name]: str(value) for name, value in stated.items()}


async def _update(call: ResourceCall) -> Resource:
    wanted = call.properties.get("ImageTagMutability", "MUTABLE")
    await call.ask("ecr", "PutImageTagMutability", repositoryName=call.physical_id, imageTagMutability=wanted)
    await _settle(call, call.physical_id)
    return Resource(call.physical_id, call.attributes)


async def _settle(call: ResourceCall, name: str) -> None:
    """The settings that have operations of their own."""
    scanning = call.properties.get("ImageScanningConfiguration") or {}
    wanted = str(scanning.get("ScanOnPush", False)).lower() == "true"
    await call.ask(
        "ecr",
        "PutImageScanningConfiguration",
        repositoryName=name,
        imageScanningConfiguration={"scanOnPush": wanted},
    )
    policy = call.properties.get("RepositoryPolicyText")
    if policy is not None:
        text = policy if isinstance(policy, str) else orjson.dumps(policy).decode()
        await call.ask("ecr", "SetRepositoryPolicy", repositoryName=name, policyText=text)
    elif "RepositoryPolicyText" in call.before:
        await call.ask("ecr", "DeleteRepositoryPolicy", repositoryName=name)
    lifecycle = (call.properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
    if lifecycle is not None:
        await call.ask("ecr", "PutLifecyclePolicy", repositoryName=name, lifecyclePolicyText=lifecycle)
    elif (call.before.get("LifecyclePolicy") or {}).get("LifecyclePolicyText") is not None:
        await call.ask("ecr", "DeleteLifecyclePolicy", repositoryName=name)


async def _delete(call: ResourceCall) -> None:
    await call.ask("ecr", "DeleteRepository", repositoryName=call.physical_id, force=True)


RESOURCES = (
    ResourceType(
        "AWS::ECR::Repository",
        _create,
        _delete,
        _update,
        replaced_by=frozenset(("RepositoryName", "EncryptionConfiguration")),
        expected=_name,
    ),
)
