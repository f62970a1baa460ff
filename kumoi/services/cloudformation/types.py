"""Which resource types a stack may use: those that services declare, custom ones, and stand-ins where they are wanted.

A stack tagged `kumoi:unknown-resources` = `stub` has a stand-in for each type that Kumoi does not support: nothing is
made, Ref answers a made-up name, and GetAtt a made-up value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.services.cloudformation.records import Version

STUB_TAG = "kumoi:unknown-resources"
CUSTOM = "AWS::CloudFormation::CustomResource"
NESTED = "AWS::CloudFormation::Stack"


class Types:
    """The types of one stack."""

    def __init__(self, declared: Mapping[str, ResourceType], tags: Mapping[str, str]) -> None:
        self._declared = declared
        self._stubs = tags.get(STUB_TAG) == "stub"

    def find(self, kind: str) -> ResourceType | None:
        """The type of that name; None for one that there is not."""
        if kind.startswith("Custom::"):
            kind = CUSTOM
        declared = self._declared.get(kind)
        return _STAND_IN if declared is None and self._stubs else declared

    def attribute(self, kind: str, made: Version, name: str) -> Any:
        """What GetAtt answers of something made; None where the type has no such attribute."""
        if name in made.attributes:
            return made.attributes[name]
        return f"{made.physical_id}.{name}" if self.find(kind) is _STAND_IN else None


async def _create(call: ResourceCall) -> Resource:
    return Resource(f"{call.stack_name}-{call.logical_id}-{call.token}")


async def _update(call: ResourceCall) -> Resource:
    return Resource(call.physical_id)


async def _delete(_call: ResourceCall) -> None:
    """Nothing was made."""


_STAND_IN = ResourceType("Kumoi::StandIn", _create, _delete, _update)
