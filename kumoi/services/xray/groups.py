"""Groups by name or ARN, and as the API shows them."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.xray.answers import invalid
from kumoi.services.xray.records import Group, groups
from kumoi.state import Transaction, transactional

DEFAULT = "Default"


def group_arn(call: Call, group: Group) -> str:
    """A group's ARN."""
    return call.arn("xray", f"group/{group.name}/{group.id}")


def shown(call: Call, group: Group) -> dict[str, Any]:
    """A Group of the API."""
    answer: dict[str, Any] = {"GroupName": group.name, "GroupARN": group_arn(call, group)}
    if group.expression is not None:
        answer["FilterExpression"] = group.expression
    answer["InsightsConfiguration"] = {
        "InsightsEnabled": group.insights,
        "NotificationsEnabled": group.notifications,
    }
    return answer


def default_group() -> Group:
    """The group of all traces, which every account has."""
    return Group(name=DEFAULT, id="Default")


async def find_group(call: Call, name: str | None, arn: str | None) -> Group:
    """A group; InvalidRequestException when there is none, or when neither or both of name and ARN are given."""
    if (name is None) == (arn is None):
        raise invalid("Either GroupName or GroupARN must be specified, and not both.")
    found = await _get(call.state, name if name is not None else named_in(arn or ""))
    if found is None or (arn is not None and arn != group_arn(call, found)):
        raise invalid("Group not found.")
    return found


def named_in(arn: str) -> str:
    """The name of a group in its ARN."""
    parts = arn.rpartition(":")[2].split("/")
    return parts[1] if len(parts) == 3 and parts[0] == "group" else ""


@transactional
async def _get(tx: Transaction, name: str) -> Group | None:
    if name == DEFAULT:
        return await groups.get(tx, name) or default_group()
    return await groups.get(tx, name)
