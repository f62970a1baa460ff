"""Whether an account may put events on a bus of another: the bus's policy decides.

It is asked where identity is enforced; elsewhere everybody is taken at their word. Conditions are not evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from kumoi.doorway import Call
from kumoi.services.events.lookup import get_bus
from kumoi.services.events.naming import BusPlace
from kumoi.wire.errors import aws_error


async def check_access(call: Call, place: BusPlace) -> None:
    """Raise AccessDeniedException when identity is enforced and the caller may not put events on the bus."""
    if not call.doorway.identity.enforces or call.caller.account == place.account:
        return
    bus = await get_bus(call.doorway.state.at(place.account, place.region), place.name)
    if bus is not None and not allows(bus.policy, call.caller.account):
        raise aws_error(
            "AccessDeniedException",
            f"User: {call.caller.arn} is not authorized to perform: events:PutEvents on resource: {place.arn}",
        )


def allows(policy: Mapping[str, Any] | None, account: str) -> bool:
    """Whether a bus's policy lets an account put events."""
    allowed = False
    for statement in (policy or {}).get("Statement", ()):
        if _names_action(statement.get("Action")) and _names_account(statement.get("Principal"), account):
            if statement.get("Effect") == "Deny":
                return False
            allowed = allowed or statement.get("Effect") == "Allow"
    return allowed


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names_action(value: Any) -> bool:
    return any(isinstance(one, str) and fnmatchcase("events:PutEvents", one) for one in _listed(value))


def _names_account(principal: Any, account: str) -> bool:
    if isinstance(principal, dict):
        principal = principal.get("AWS")
    return any(one == "*" or one == account or f"::{account}:" in str(one) for one in _listed(principal))
