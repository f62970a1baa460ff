"""What a template would change, decided before anything is done: a plan is a value that can be shown.

A property that needs a resource which does not exist yet cannot be told; what depends on it may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kumoi.services.cloudformation.records import StackResource
from kumoi.services.cloudformation.template.intrinsics import Scope, Unresolved
from kumoi.services.cloudformation.types import NESTED, Types


class Change(NamedTuple):
    """One resource's change: Add, Modify or Remove; `replacement` is True, False, Conditional, or empty."""

    action: str
    name: str
    type: str
    physical_id: str = ""
    replacement: str = ""
    properties: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """The change as DescribeChangeSet tells it."""
        change: dict[str, Any] = {
            "Action": self.action,
            "LogicalResourceId": self.name,
            "ResourceType": self.type,
            "Scope": ["Properties"] if self.action == "Modify" else [],
            "Details": [
                {
                    "Target": {
                        "Attribute": "Properties",
                        "Name": name,
                        "RequiresRecreation": _RECREATION[self.replacement],
                    },
                    "Evaluation": "Static",
                    "ChangeSource": "DirectModification",
                }
                for name in self.properties
            ],
        }
        if self.physical_id:
            change["PhysicalResourceId"] = self.physical_id
        if self.replacement:
            change["Replacement"] = self.replacement
        return {"Type": "Resource", "ResourceChange": change}


_RECREATION = {"": "Never", "False": "Never", "True": "Always", "Conditional": "Conditionally"}


def changed_properties(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """The properties that differ."""
    return frozenset(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def plan(
    wanted: Mapping[str, Any],
    existing: Mapping[str, StackResource],
    types: Types,
    scope: Scope,
) -> list[Change]:
    """What has to happen to existing resources so that the wanted ones, evaluated by `scope`, are there."""
    changes: list[Change] = []
    for name, resource in wanted.items():
        kind = resource["Type"]
        known = existing.get(name)
        if known is None or known.made is None:
            changes.append(Change("Add", name, kind))
            continue
        physical = known.made.physical_id
        if known.type != kind:
            changes.append(Change("Modify", name, kind, physical, "True", ("Type",)))
            continue
        try:
            after = scope.evaluate(resource.get("Properties", {}))
        except Unresolved:
            changes.append(Change("Modify", name, kind, physical, "Conditional"))
            continue
        changed = changed_properties(known.made.properties, after)
        if changed:
            declared = types.find(kind)
            replaced = declared is not None and declared.replaces(changed)
            changes.append(Change("Modify", name, kind, physical, str(replaced), tuple(sorted(changed))))
        elif kind == NESTED:
            changes.append(Change("Modify", name, kind, physical, "False"))
    changes += [
        Change("Remove", name, one.type, one.made.physical_id)
        for name, one in existing.items()
        if name not in wanted and one.made is not None
    ]
    return changes
