"""Challenges under way: their sessions are sealed texts, good for as long as the client has it (three minutes).

Nothing is stored when a challenge is made; of an answered one, that it was, so that nobody guesses twice at the same.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.cognito_idp.errors import locked_out, not_authorized
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import Answered, Client, User, answered, users
from kumoi.state import Transaction, transactional

Answer = dict[str, Any]
"""What InitiateAuth and RespondToAuthChallenge answer."""


_FORGOTTEN = 10
"""Answered challenges that each other one looks at, the oldest first."""


def seconds_of(client: Client) -> float:
    """For how long the sessions of a client are good."""
    return 60.0 * float(client.definition.get("AuthSessionValidity") or 3)


SIGNED_UP, CONFIRMED = "SIGNED_UP", "CONFIRMED_SIGN_UP"
"""What sessions of those who sign up are of, in place of a challenge."""


def challenge(
    call: Call, scene: Scene, name: str, user: User | None, parameters: dict[str, str], state: dict[str, Any]
) -> Answer:
    """A challenge to a user, or to nobody; `state` comes back sealed with the answer to it."""
    about = {
        "user": "" if user is None else user.key,
        "sub": "" if user is None else user.sub,
        "challenge": name,
        "client": client_in(scene).id,
        "device": scene.device,
    }
    content = orjson.dumps({**state, **about, "at": call.now, "id": uuid()})
    sealed = call.doorway.identity.sealer.seal(content, f"session/{scene.pool.id}")
    session = f"{scene.pool.id}.{client_in(scene).id}.{base64.urlsafe_b64encode(sealed).decode()}"
    return {"ChallengeName": name, "Session": session, "ChallengeParameters": parameters}


def opened(call: Call, scene: Scene, session: str | None, challenge: str) -> dict[str, Any]:
    """The state of a challenge; NotAuthorizedException for a session that is none, of another, or over."""
    try:
        sealed = base64.urlsafe_b64decode((session or "").rpartition(".")[2])
        state: dict[str, Any] = orjson.loads(call.doorway.identity.sealer.open(sealed, f"session/{scene.pool.id}"))
    except (ValueError, binascii.Error):
        raise not_authorized("Invalid session for the user.") from None
    if state["challenge"] != challenge or state["client"] != client_in(scene).id:
        raise not_authorized("Invalid session for the user.")
    if state["at"] + seconds_of(client_in(scene)) <= call.now:
        raise not_authorized("Invalid session for the user, session is expired.")
    return state


def client_of_session(session: str) -> tuple[str, str]:
    """The pool and the client that a session says it is of; what it proves is only known once it was opened."""
    pool, client, _ = (*session.split("."), "", "", "")[:3]
    return pool, client


@transactional
async def use_up(tx: Transaction, client: Client, state: Mapping[str, Any]) -> User:
    """The user whom a challenge was made for, once: NotAuthorizedException for a session that was answered before."""
    user = await users.get(tx, client.pool, state["user"])
    if user is None or user.sub != state["sub"] or state["id"] in user.answered:
        raise not_authorized("Invalid session for the user.")
    others = {name: until for name, until in user.answered.items() if until > tx.now}
    user = msgspec.structs.replace(user, answered={**others, state["id"]: state["at"] + seconds_of(client)})
    await users.put(tx, user)
    return user


@transactional
async def use_up_nobodys(tx: Transaction, client: Client, state: Mapping[str, Any]) -> None:
    """The same for a challenge to nobody, so that nothing tells it from one to a user; what is over is forgotten."""
    until = state["at"] + seconds_of(client)
    mine = Answered(pool=client.pool, until=until, id=state["id"])
    if await answered.get(tx, *answered.key(mine)) is not None:
        raise not_authorized("Invalid session for the user.")
    for old in await answered.list(tx, client.pool, limit=_FORGOTTEN):
        if old.until <= tx.now:
            await answered.delete(tx, *answered.key(old))
    await answered.put(tx, mine)


async def user_of(scene: Scene, state: Mapping[str, Any]) -> User:
    """The user whom a challenge was made for, and nobody who has got their name since; NotAuthorizedException."""
    user = await by_key(scene.state, scene.pool.id, state["user"])
    if user is None or user.sub != state["sub"]:
        raise not_authorized("Invalid session for the user.")
    return user


def client_in(scene: Scene) -> Client:
    """The client that a flow is of."""
    assert scene.client is not None, "every flow is a client's"
    return scene.client


async def check_open(call: Call, user: User) -> None:
    """Raise NotAuthorizedException for a user who is disabled, or locked out for a while."""
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.locked > call.now:
        raise locked_out()


@transactional
async def by_key(tx: Transaction, pool: str, key: str) -> User | None:
    """A user by the key that they are stored under."""
    return await users.get(tx, pool, key)
