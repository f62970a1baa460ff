"""USER_SRP_AUTH: the server's numbers, and whether the client's signature shows that it knows the password."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from kumoi.doorway import Call
from kumoi.services.cognito_idp import changes, srp
from kumoi.services.cognito_idp.errors import invalid, no_user, not_authorized
from kumoi.services.cognito_idp.lookup import Scene, hides_users, key_of
from kumoi.services.cognito_idp.records import User
from kumoi.services.cognito_idp.sessions import Answer, by_key, check_open, client_in, seconds_of
from kumoi.services.cognito_idp.srp import BadNumber, Offer


async def offered(call: Call, scene: Scene, user: User | None, name: str, given: Mapping[str, str]) -> Answer:
    """PASSWORD_VERIFIER: the server's numbers; for nobody, numbers that lead nowhere, always the same salt."""
    public = given.get("SRP_A")
    if not public:
        raise invalid("Missing required parameter SRP_A")
    try:
        srp.check_public(public)
    except BadNumber as error:
        raise invalid(str(error)) from None
    if user is None and not hides_users(client_in(scene)):
        raise no_user()
    if user is not None:
        await check_open(call, user)
    sealer = call.doorway.identity.sealer
    if user is None or not user.verifier:
        salt, verifier, key = srp.salt_text(int.from_bytes(_digest(call, scene, name)[:16])), srp.nobodys_verifier(), ""
        shown = user.name if user is not None else nobodys_name(call, scene, name)
    else:
        salt, verifier, shown, key = user.salt, user.verifier, user.name, user.key
    ours = await asyncio.to_thread(srp.offer, verifier)
    state = {
        "client": client_in(scene).id,
        "user": key,
        "name": shown,
        "a": public,
        "b": ours.secret,
        "B": ours.public,
        "v": verifier,
        "at": call.now,
    }
    block = sealer.seal(orjson.dumps(state), f"srp/{scene.pool.id}")
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": salt,
            "SRP_B": ours.public,
            "SECRET_BLOCK": base64.b64encode(block).decode(),
            "USERNAME": shown,
            "USER_ID_FOR_SRP": shown,
        },
    }


def nobodys_name(call: Call, scene: Scene, name: str) -> str:
    """What nobody is called: a sub, where users are called so, the same each time."""
    if not scene.pool.definition.get("UsernameAttributes"):
        return key_of(scene.pool, name)
    return str(UUID(bytes=_digest(call, scene, name)[16:32], version=4))


def _digest(call: Call, scene: Scene, name: str) -> bytes:
    sealer = call.doorway.identity.sealer
    return sealer.digest(key_of(scene.pool, name).encode(), f"srp/{scene.pool.id}")


async def verified(call: Call, scene: Scene, given: Mapping[str, str]) -> User:
    """The user who proved to know their password."""
    state, block, signature = claimed(call, scene, given, f"srp/{scene.pool.id}")
    expected = await asyncio.to_thread(
        srp.signature,
        scene.pool.short_name,
        state["name"],
        state["v"],
        state["a"],
        Offer(state["b"], state["B"]),
        block,
        given["TIMESTAMP"],
    )
    user = await by_key(scene.state, scene.pool.id, state["user"]) if state["user"] else None
    if user is None or user.verifier != state["v"]:
        raise not_authorized()
    await check_open(call, user)
    right = hmac.compare_digest(expected, signature)
    await changes.judge(scene.state, user, right=right)
    if not right:
        raise not_authorized()
    return user


def claimed(call: Call, scene: Scene, given: Mapping[str, str], purpose: str) -> tuple[dict[str, Any], bytes, bytes]:
    """What a client answers to an offer: the offer's state, the block that holds it, and the client's signature."""
    missing = [
        name for name in ("PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP") if not given.get(name)
    ]
    if missing:
        raise invalid(f"Missing required parameter {missing[0]}")
    try:
        block = base64.b64decode(given["PASSWORD_CLAIM_SECRET_BLOCK"], validate=True)
        signature = base64.b64decode(given["PASSWORD_CLAIM_SIGNATURE"], validate=True)
        state: dict[str, Any] = orjson.loads(call.doorway.identity.sealer.open(block, purpose))
    except (ValueError, binascii.Error):
        raise not_authorized() from None
    if state["client"] != client_in(scene).id:
        raise not_authorized()
    if state["at"] + seconds_of(client_in(scene)) <= call.now:
        raise not_authorized("Invalid session for the user, session is expired.")
    return state, block, signature
