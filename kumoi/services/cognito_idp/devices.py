"""Devices: what a pool remembers of the telephones and browsers that its users sign in with.

Where a pool tracks devices, whoever signs in with an unknown one gets a key for it, which the access token tells, too.
The application confirms it with a verifier of a secret that stays on the device. A remembered device proves itself by
SRP (`device_flow.py`), and stands in for a second factor where the pool says so. Source: "Working with user devices in
your user pool" of the developer guide.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_idp.errors import invalid
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import Device, Pool, User, devices
from kumoi.services.cognito_idp.srp import BadNumber, check_verifier
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

_LONGEST_SALT = 128


def tracked(pool: Pool) -> bool:
    """Whether a pool remembers devices."""
    return bool(pool.definition.get("DeviceConfiguration"))


def stand_in(pool: Pool) -> bool:
    """Whether a remembered device spares its user the second factor."""
    return bool((pool.definition.get("DeviceConfiguration") or {}).get("ChallengeRequiredOnNewDevice"))


def on_prompt(pool: Pool) -> bool:
    """Whether a device is remembered only where its user says so."""
    return bool((pool.definition.get("DeviceConfiguration") or {}).get("DeviceOnlyRememberedOnUserPrompt"))


def group_key(call: Call, scene: Scene, user: User) -> str:
    """What all devices of a user have in common."""
    digest = call.doorway.identity.sealer.digest(user.sub.encode(), f"device/{scene.pool.id}")
    return "-" + base64.b64encode(digest, b"ab").decode()[:8]


async def of(scene: Scene, user: User) -> Device | None:
    """The device that a client says it is; None where it says nothing. ResourceNotFoundException for an unknown one."""
    if not scene.device or not tracked(scene.pool):
        return None
    return await find(scene.state, scene.pool.id, user.sub, scene.device)


def fresh(scene: Scene) -> str:
    """The key of a device that nobody knows yet."""
    return f"{scene.region}_{uuid()}"


def read_verifier(config: dict[str, str]) -> tuple[str, str]:
    """Salt and verifier (hexadecimal) of a device's secret; InvalidParameterException."""
    try:
        salt = base64.b64decode(config.get("Salt", ""), validate=True)
        verifier = base64.b64decode(config.get("PasswordVerifier", ""), validate=True).hex()
        check_verifier(verifier)
    except (BadNumber, ValueError, binascii.Error):
        raise invalid("Invalid device secret verifier config given.") from None
    if not 0 < len(salt) <= _LONGEST_SALT:
        raise invalid("Invalid device secret verifier config given.")
    return salt.hex(), verifier


def described(device: Device) -> dict[str, Any]:
    """DeviceType."""
    attributes = {
        "device_status": "valid",
        "device_name": device.name,
        "dev:device_remembered_status": "remembered" if device.remembered else "not_remembered",
        "last_ip_used": device.address,
    }
    return {
        "DeviceKey": device.key,
        "DeviceAttributes": [{"Name": name, "Value": value} for name, value in attributes.items() if value],
        "DeviceCreateDate": device.created,
        "DeviceLastModifiedDate": device.modified,
        "DeviceLastAuthenticatedDate": device.authenticated,
    }


def unknown() -> AwsError:
    """ResourceNotFoundException, in the words that make Amplify forget what it knows of a device and try again."""
    return aws_error("ResourceNotFoundException", "Device does not exist.")


@transactional
async def find(tx: Transaction, pool: str, sub: str, key: str) -> Device:
    """A user's device; ResourceNotFoundException."""
    found = await devices.get(tx, pool, sub, key)
    if found is None:
        raise unknown()
    return found


@transactional
async def is_there(tx: Transaction, pool: str, sub: str, key: str) -> bool:
    """Whether a user has a device of that key."""
    return await devices.get(tx, pool, sub, key) is not None


@transactional
async def listed(tx: Transaction, pool: str, sub: str) -> list[Device]:
    """A user's devices, by their keys."""
    return list(await devices.list(tx, pool, sub))


@transactional
async def add(tx: Transaction, device: Device) -> None:
    """Keep a device; DeviceKeyExistsException."""
    if await devices.get(tx, device.pool, device.sub, device.key) is not None:
        raise aws_error("DeviceKeyExistsException", "Device already exists.")
    await devices.put(tx, device)


@transactional
async def change(tx: Transaction, device: Device, changes: dict[str, Any]) -> None:
    """Give a device that is still there other values."""
    current = await devices.get(tx, device.pool, device.sub, device.key)
    if current is None:
        raise unknown()
    await devices.put(tx, msgspec.structs.replace(current, **changes))


@transactional
async def forget(tx: Transaction, pool: str, sub: str, key: str) -> None:
    """Forget a device; ResourceNotFoundException."""
    if not await devices.delete(tx, pool, sub, key):
        raise unknown()
