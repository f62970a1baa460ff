"""CloudFormation's own resource types. Source: "AWS CloudFormation resource type reference"."""

from __future__ import annotations

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.cloudformation import custom_resources, macros, nested, wait_conditions
from kumoi.services.cloudformation.types import CUSTOM, NESTED


async def _create_metadata(call: ResourceCall) -> Resource:
    return Resource(call.stack_id.rpartition("/")[2])


async def _update_metadata(call: ResourceCall) -> Resource:
    return Resource(call.physical_id)


async def _delete_metadata(_call: ResourceCall) -> None:
    """What a CDK application consists of is told in the template, and nowhere else."""


RESOURCES = (
    ResourceType(NESTED, nested.create, nested.delete, nested.update, expected=nested.name_of),
    ResourceType(
        CUSTOM,
        custom_resources.create,
        custom_resources.delete,
        custom_resources.update,
        replaced_by=frozenset(("ServiceToken",)),
        expected=custom_resources.expected_id,
    ),
    ResourceType(
        "AWS::CloudFormation::WaitConditionHandle", wait_conditions.create_handle, wait_conditions.delete_handle
    ),
    ResourceType(
        "AWS::CloudFormation::WaitCondition", wait_conditions.create_condition, wait_conditions.delete_condition
    ),
    ResourceType(
        "AWS::CloudFormation::Macro",
        macros.create,
        macros.delete,
        macros.update,
        replaced_by=frozenset(("Name",)),
        expected=macros.name_of,
    ),
    ResourceType("AWS::CDK::Metadata", _create_metadata, _delete_metadata, _update_metadata),
)
