"""DEVICE_SRP_AUTH: a remembered device proves that it has its secret, once its user's password was right.

Some clients bring no session to the first step: that the password was right is therefore noted with the device, for as
long as a session would be good.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping

import orjson

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, devices, srp
from kumoi.services.cognito_idp.errors import invalid, not_authorized
from kumoi.services.cognito_idp.factors import factors_of
from kumoi.services.cognito_idp.lookup import Scene, maybe_user
from kumoi.services.cognito_idp.records import Device, User
from kumoi.services.cognito_idp.sessions import (
    Answer,
    by_key,
    challenge,
    check_open,
    client_in,
    opened,
    seconds_of,
    user_of,
)
from kumoi.services.cognito_idp.srp import BadNumber, Offer
from kumoi.services.cognito_idp.srp_flow import claimed

FIRST, SECOND = "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"


async def asked(call: Call, scene: Scene, user: User) -> Answer | None:
    """The challenge to the device of a user whose password was right; None where it is not to be asked."""
    device = await devices.of(scene, user)
    if device is None or not device.remembered or not device.verifier:
        return None
    pool = scene.pool
    if not devices.stand_in(pool) and (factors_of(pool, user) or pool.definition.get("MfaConfiguration") == "ON"):
        return None
    await devices.change(scene.state, device, {"proved": call.now + seconds_of(client_in(scene))})
    return challenge(call, scene, FIRST, user, {}, {})


async def offered(call: Call, scene: Scene, session: str | None, given: Mapping[str, str]) -> Answer:
    """DEVICE_PASSWORD_VERIFIER: the server's numbers for the device's secret."""
    public = given.get("SRP_A")
    if not public:
        raise invalid("Missing required parameter SRP_A")
    try:
        srp.check_public(public)
    except BadNumber as error:
        raise invalid(str(error)) from None
    if session is not None:
        user: User | None = await user_of(scene, opened(call, scene, session, FIRST))
    else:
        user = await maybe_user(scene.state, scene.pool, given["USERNAME"])
    device = None if user is None else await devices.of(scene, user)
    if user is None or device is None or device.proved <= call.now:
        raise not_authorized("Invalid session for the user.")
    await check_open(call, user)
    ours = await asyncio.to_thread(srp.offer, device.verifier)
    state = {
        "client": client_in(scene).id,
        "user": user.key,
        "device": device.key,
        "a": public,
        "b": ours.secret,
        "B": ours.public,
        "v": device.verifier,
        "at": call.now,
    }
    block = call.doorway.identity.sealer.seal(orjson.dumps(state), f"device/{scene.pool.id}")
    parameters = {
        "SALT": device.salt,
        "SRP_B": ours.public,
        "SECRET_BLOCK": base64.b64encode(block).decode(),
        "USERNAME": user.name,
        "DEVICE_KEY": device.key,
    }
    return challenge(call, scene, SECOND, user, parameters, {})


async def verified(call: Call, scene: Scene, given: Mapping[str, str]) -> tuple[User, str]:
    """The user whose device has its secret, and its key; what it proved counts once."""
    state, block, signature = claimed(call, scene, given, f"device/{scene.pool.id}")
    user = await by_key(scene.state, scene.pool.id, state["user"])
    if user is None or given.get("DEVICE_KEY", state["device"]) != state["device"]:
        raise not_authorized("Incorrect device.")
    await check_open(call, user)
    device = await devices.find(scene.state, scene.pool.id, user.sub, state["device"])
    if not await _has_secret(call, scene, user, device, state, block, signature, given["TIMESTAMP"]):
        await changes.judge(scene.state, user, right=False)
        raise not_authorized("Incorrect device.")
    if device.proved <= call.now:
        raise not_authorized("Invalid session for the user.")
    await devices.change(scene.state, device, {"proved": 0.0})
    return user, device.key


async def _has_secret(
    call: Call,
    scene: Scene,
    user: User,
    device: Device,
    state: Mapping[str, str],
    block: bytes,
    signature: bytes,
    timestamp: str,
) -> bool:
    ours = Offer(state["b"], state["B"])
    expected = await asyncio.to_thread(
        srp.signature,
        devices.group_key(call, scene, user),
        device.key,
        state["v"],
        state["a"],
        ours,
        block,
        timestamp,
    )
    return device.verifier == state["v"] and hmac.compare_digest(expected, signature)
