"""Key policies: who may use and change a key."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.services.kms import kms
from kumoi.services.kms.errors import not_found
from kumoi.services.kms.operations.keys import lockout_of
from kumoi.services.kms.policies import NAME, check_policy
from kumoi.services.kms.records import Key
from kumoi.services.kms.store import change, find_key, own, state_of


@kms.operation
async def get_key_policy(call: Call, KeyId: str, PolicyName: str = NAME) -> dict[str, Any]:
    """The policy of a key."""
    key = (await find_key(call, KeyId, aliases=False)).key
    _check(PolicyName)
    return {"Policy": key.policy, "PolicyName": NAME}


@kms.operation
async def put_key_policy(
    call: Call, KeyId: str, Policy: str, PolicyName: str = NAME, BypassPolicyLockoutSafetyCheck: bool = False
) -> None:
    """Give a key another policy."""
    named = own(call, KeyId)
    _check(PolicyName)
    check_policy(Policy, named.arn, await lockout_of(call, BypassPolicyLockoutSafetyCheck))

    def governed(key: Key) -> Key:
        return replace(key, policy=Policy)

    await change(state_of(call, named), named, governed)


@kms.operation
async def list_key_policies(call: Call, KeyId: str, Limit: int = 100, Marker: str | None = None) -> dict[str, Any]:
    """The names of a key's policies: there is one."""
    await find_key(call, KeyId, aliases=False)
    return {"PolicyNames": [NAME], "Truncated": False}


def _check(name: str) -> None:
    if name != NAME:
        raise not_found(f"No such policy exists: a key's policy is named {NAME}, not {name}.")
