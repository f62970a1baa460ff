"""Pipes' CloudFormation resource type. Source: "Amazon EventBridge Pipes resource type reference"."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType

_CHANGED = (
    *("RoleArn", "Description", "DesiredState", "SourceParameters", "Enrichment", "EnrichmentParameters", "Target"),
    *("TargetParameters", "LogConfiguration", "KmsKeyIdentifier"),
)


async def _create(call: ResourceCall) -> Resource:
    name = call.name("Name", 64)
    answer = await call.ask("pipes", "CreatePipe", Name=name, **call.given(*_CHANGED, "Source", "Tags"))
    return Resource(name, {"Arn": answer["Arn"], "CurrentState": answer["DesiredState"]})


async def _update(call: ResourceCall) -> Resource:
    answer = await call.ask("pipes", "UpdatePipe", Name=call.physical_id, **call.given(*_CHANGED))
    return Resource(call.physical_id, {"Arn": answer["Arn"], "CurrentState": answer["DesiredState"]})


async def _delete(call: ResourceCall) -> None:
    await call.ask("pipes", "DeletePipe", Name=call.physical_id)


RESOURCES = (ResourceType("AWS::Pipes::Pipe", _create, _delete, _update, replaced_by=frozenset(("Name", "Source"))),)
