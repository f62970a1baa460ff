"""Access keys: what a user signs with. The doorway's identity guard looks them up by id."""

from __future__ import annotations

import base64
import os
from typing import Any

import msgspec

from kumoi.doorway import AccessKey, Call, access_keys
from kumoi.names import unique_id
from kumoi.services.iam import iam
from kumoi.services.iam.operations.users import caller_name, change_user, find_user, user_arn
from kumoi.services.iam.records import User
from kumoi.services.iam.rules import moment
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

MAX_KEYS = 2


@iam.operation
async def create_access_key(call: Call, UserName: str | None = None) -> dict[str, Any]:
    """A new key of a user (without a name: of the caller); its secret is shown this once."""
    name = UserName or caller_name(call)
    secret = base64.b64encode(os.urandom(30)).decode()
    key_id = unique_id("AKIA", 20)
    await _create(call.state, call.account, name, key_id, secret, call.now)
    call.doorway.identity.forget(key_id)
    return {
        "AccessKey": {
            "UserName": name,
            "AccessKeyId": key_id,
            "Status": "Active",
            "SecretAccessKey": secret,
            "CreateDate": moment(call.now),
        }
    }


@iam.operation
async def list_access_keys(
    call: Call, UserName: str | None = None, Marker: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """A user's keys; there are at most two, so one page holds them."""
    name = UserName or caller_name(call)
    found = await _list(call.state, name)
    return {
        "AccessKeyMetadata": [
            {
                "UserName": name,
                "AccessKeyId": key.id,
                "Status": "Active" if key.active else "Inactive",
                "CreateDate": moment(created),
            }
            for key, created in found
        ],
        "IsTruncated": False,
    }


@iam.operation
async def update_access_key(call: Call, AccessKeyId: str, Status: str, UserName: str | None = None) -> None:
    """Make a key active or inactive."""
    await _set_status(call.state, UserName or caller_name(call), AccessKeyId, Status == "Active")
    call.doorway.identity.forget(AccessKeyId)


@iam.operation
async def delete_access_key(call: Call, AccessKeyId: str, UserName: str | None = None) -> None:
    """Delete a key: it signs nothing from now on."""
    await _delete(call.state, UserName or caller_name(call), AccessKeyId)
    call.doorway.identity.forget(AccessKeyId)


@iam.operation
async def get_access_key_last_used(call: Call, AccessKeyId: str) -> dict[str, Any]:
    """When a key was last used, where and for what; N/A until it is. A restart of the platform forgets it."""
    key = await call.doorway.identity.access_key(AccessKeyId)
    if key is None or key.account != call.account:
        raise aws_error(
            "AccessDenied",
            f"User: {call.caller.arn} is not authorized to perform: iam:GetAccessKeyLastUsed"
            f" on resource: access key {AccessKeyId}",
        )
    used = call.doorway.identity.last_used.get(AccessKeyId)
    if used is None:
        last: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
    else:
        last = {"LastUsedDate": moment(used.time), "ServiceName": used.service, "Region": used.region}
    return {"UserName": key.arn.rpartition("/")[2], "AccessKeyLastUsed": last}


def _no_such_key(key_id: str) -> AwsError:
    return aws_error("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.", status=404)


@transactional
async def _create(tx: Transaction, account: str, name: str, key_id: str, secret: str, now: float) -> None:
    async def change(_tx: Transaction, user: User) -> User:
        if len(user.keys) >= MAX_KEYS:
            raise aws_error("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {MAX_KEYS}", status=409)
        return msgspec.structs.replace(user, keys=(*user.keys, (key_id, now)))

    user = await change_user(tx, name, change)
    await access_keys.put(tx, AccessKey(key_id, secret, account, user_arn(user, account), user.id))


@transactional
async def _list(tx: Transaction, name: str) -> list[tuple[AccessKey, float]]:
    user = await find_user(tx, name)
    found = [(await access_keys.get(tx, key_id), created) for key_id, created in user.keys]
    return [(key, created) for key, created in found if key is not None]


@transactional
async def _set_status(tx: Transaction, name: str, key_id: str, active: bool) -> None:
    await access_keys.put(tx, msgspec.structs.replace(await _owned(tx, name, key_id), active=active))


@transactional
async def _delete(tx: Transaction, name: str, key_id: str) -> None:
    await _owned(tx, name, key_id)
    await access_keys.delete(tx, key_id)

    async def change(_tx: Transaction, user: User) -> User:
        kept = tuple((other, created) for other, created in user.keys if other != key_id)
        return msgspec.structs.replace(user, keys=kept)

    await change_user(tx, name, change)


async def _owned(tx: Transaction, name: str, key_id: str) -> AccessKey:
    user = await find_user(tx, name)
    key = await access_keys.get(tx, key_id) if any(key_id == other for other, _ in user.keys) else None
    if key is None:
        raise _no_such_key(key_id)
    return key
