"""Which permissions Resource Groups' calls need: on groups by their ARNs; queries need tag:GetResources, too.

Source: "Actions, resources, and condition keys for AWS Resource Groups" of the service authorization reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything
from kumoi.services.resource_groups.records import group_arn


def resource(call: Call) -> str:
    """The group that a call names."""
    stated = next((call.params[name] for name in ("Arn", "Group", "GroupName", "Name") if name in call.params), None)
    if not isinstance(stated, str):
        return EVERYTHING
    return stated if stated.startswith("arn:") else group_arn(call.account, call.region, stated)


AUTHORIZATION = Authorization(
    "resource-groups", resource=resource, resources={"CreateGroup": everything, "ListGroups": everything}
)
