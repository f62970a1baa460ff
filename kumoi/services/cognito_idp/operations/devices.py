"""Devices of users: confirmed, listed, remembered and forgotten, by themselves and by administrators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cognito_idp import cognito_idp, devices
from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.lookup import Scene, pool_of, user_named
from kumoi.services.cognito_idp.operations.authentication import signed_in
from kumoi.services.cognito_idp.paging import page
from kumoi.services.cognito_idp.records import Device, User
from kumoi.services.cognito_idp.tokens import read_access_token
from kumoi.wire.errors import aws_error


@cognito_idp.operation
async def confirm_device(
    call: Call,
    AccessToken: str,
    DeviceKey: str,
    DeviceSecretVerifierConfig: dict[str, str] | None = None,
    DeviceName: str = "",
) -> dict[str, Any]:
    """Keep the device that one signed in with; whether its user is to be asked if it shall be remembered."""
    scene, user = await signed_in(call, AccessToken)
    if not devices.tracked(scene.pool):
        raise aws_error("InvalidUserPoolConfigurationException", "The user pool does not track devices.")
    _, claims = await read_access_token(call, AccessToken)
    if claims.get("device_key") != DeviceKey:
        raise invalid("Invalid device key given.")
    config = DeviceSecretVerifierConfig
    salt, verifier = ("", "") if config is None else devices.read_verifier(config)
    prompted = devices.on_prompt(scene.pool)
    device = Device(
        pool=scene.pool.id,
        sub=user.sub,
        key=DeviceKey,
        created=call.now,
        modified=call.now,
        authenticated=float(claims["auth_time"]),
        name=DeviceName,
        salt=salt,
        verifier=verifier,
        remembered=not prompted,
        address=call.http.client[0] if call.http is not None else "",
    )
    await devices.add(scene.state, device)
    return {"UserConfirmationNecessary": prompted}


@cognito_idp.operation
async def get_device(call: Call, DeviceKey: str, AccessToken: str | None = None) -> dict[str, Any]:
    """A device of one's own."""
    scene, user = await _own(call, AccessToken)
    return {"Device": devices.described(await devices.find(scene.state, scene.pool.id, user.sub, DeviceKey))}


@cognito_idp.operation
async def list_devices(
    call: Call, AccessToken: str, Limit: int = 60, PaginationToken: str | None = None
) -> dict[str, Any]:
    """The devices of one's own."""
    scene, user = await signed_in(call, AccessToken)
    return _page(await devices.listed(scene.state, scene.pool.id, user.sub), PaginationToken, Limit)


@cognito_idp.operation
async def update_device_status(
    call: Call, AccessToken: str, DeviceKey: str, DeviceRememberedStatus: str | None = None
) -> dict[str, Any]:
    """Have a device of one's own remembered, or not."""
    scene, user = await signed_in(call, AccessToken)
    return await _remember(call, scene, user, DeviceKey, DeviceRememberedStatus)


@cognito_idp.operation
async def forget_device(call: Call, DeviceKey: str, AccessToken: str | None = None) -> None:
    """Forget a device of one's own."""
    scene, user = await _own(call, AccessToken)
    await devices.forget(scene.state, scene.pool.id, user.sub, DeviceKey)


@cognito_idp.operation
async def admin_get_device(call: Call, DeviceKey: str, UserPoolId: str, Username: str) -> dict[str, Any]:
    """A user's device."""
    scene, user = await _of_user(call, UserPoolId, Username)
    return {"Device": devices.described(await devices.find(scene.state, scene.pool.id, user.sub, DeviceKey))}


@cognito_idp.operation
async def admin_list_devices(
    call: Call, UserPoolId: str, Username: str, Limit: int = 60, PaginationToken: str | None = None
) -> dict[str, Any]:
    """A user's devices."""
    scene, user = await _of_user(call, UserPoolId, Username)
    return _page(await devices.listed(scene.state, scene.pool.id, user.sub), PaginationToken, Limit)


@cognito_idp.operation
async def admin_update_device_status(
    call: Call, UserPoolId: str, Username: str, DeviceKey: str, DeviceRememberedStatus: str | None = None
) -> dict[str, Any]:
    """Have a user's device remembered, or not."""
    scene, user = await _of_user(call, UserPoolId, Username)
    return await _remember(call, scene, user, DeviceKey, DeviceRememberedStatus)


@cognito_idp.operation
async def admin_forget_device(call: Call, UserPoolId: str, Username: str, DeviceKey: str) -> None:
    """Forget a user's device."""
    scene, user = await _of_user(call, UserPoolId, Username)
    await devices.forget(scene.state, scene.pool.id, user.sub, DeviceKey)


async def _own(call: Call, token: str | None) -> tuple[Scene, User]:
    if token is None:
        raise invalid("Missing required parameter AccessToken")
    return await signed_in(call, token)


async def _of_user(call: Call, pool_id: str, username: str) -> tuple[Scene, User]:
    scene = await pool_of(call, pool_id)
    return scene, await user_named(scene.state, scene.pool, username)


async def _remember(call: Call, scene: Scene, user: User, key: str, status: str | None) -> dict[str, Any]:
    device = await devices.find(scene.state, scene.pool.id, user.sub, key)
    if status is not None:
        changed = {"remembered": status == "remembered", "modified": call.now}
        await devices.change(scene.state, device, changed)
    return {}


def _page(found: Sequence[Device], token: str | None, most: int) -> dict[str, Any]:
    shown, more = page(found, lambda device: device.key, token, most, "PaginationToken")
    return {"Devices": [devices.described(device) for device in shown], **more}
