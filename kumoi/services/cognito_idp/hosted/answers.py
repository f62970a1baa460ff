"""What somebody who has signed in gets: a code or tokens for the client, and a cookie for the browser."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import orjson

from kumoi.names import uuid
from kumoi.services.cognito_idp.hosted.requests import Visit, redirect, set_cookie, with_fragment, with_query
from kumoi.services.cognito_idp.hosted.wishes import Wish
from kumoi.services.cognito_idp.issuing import issue
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import AuthorizationCode, User, authorization_codes
from kumoi.services.cognito_idp.sessions import by_key
from kumoi.state import Transaction, transactional
from kumoi.wire.http import Response

COOKIE = "cognito"
SESSION_SECONDS = 3_600
_CODE_SECONDS = 300.0


async def send_back(
    visit: Visit, wanted: Wish, user: User, signed_in: float, headers: list[tuple[str, str]] | None = None
) -> Response:
    """Send the browser of a signed-in user back to the client: with a code, or with tokens (implicit)."""
    call, scene = visit.call, wanted.scene
    if wanted.kind == "token":
        result = await issue(
            call, scene, user, signed_in, uuid(),
            with_refresh=False, source="TokenGeneration_HostedAuth", scopes=wanted.scopes, nonce=wanted.nonce,
        )  # fmt: skip
        told: dict[str, Any] = {
            "access_token": result["AccessToken"],
            "id_token": result["IdToken"] if "openid" in wanted.scopes else None,
            "token_type": "Bearer",
            "expires_in": result["ExpiresIn"],
            "state": wanted.state,
        }
        return redirect(with_fragment(wanted.redirect, **told), headers or ())
    text = uuid()
    code = AuthorizationCode(
        pool=scene.pool.id,
        digest=digest(text),
        client=wanted.client.id,
        user=user.key,
        redirect=wanted.redirect,
        scopes=wanted.scopes,
        signed_in=signed_in,
        expires=call.now + _CODE_SECONDS,
        nonce=wanted.nonce,
        challenge=wanted.challenge,
    )
    await _keep(scene.state, code)
    return redirect(with_query(wanted.redirect, code=text, state=wanted.state), headers or ())


def session_cookie(visit: Visit, scene: Scene, user: User, signed_in: float) -> tuple[str, str]:
    """The cookie by which the page knows a browser again, for an hour."""
    content = orjson.dumps({"user": user.key, "sub": user.sub, "at": signed_in, "id": secrets.token_hex(8)})
    sealed = visit.call.doorway.identity.sealer.seal(content, f"hosted/{scene.pool.id}")
    value = base64.urlsafe_b64encode(sealed).decode()
    return set_cookie(visit, COOKIE, value, SESSION_SECONDS)


async def session_of(visit: Visit, scene: Scene) -> tuple[User, float] | None:
    """Who has signed in with this browser, and when (epoch seconds)."""
    try:
        sealed = base64.urlsafe_b64decode(visit.cookie(COOKIE) or "")
        state = orjson.loads(visit.call.doorway.identity.sealer.open(sealed, f"hosted/{scene.pool.id}"))
    except ValueError:
        return None
    user = await by_key(scene.state, scene.pool.id, state["user"])
    if user is None or user.sub != state["sub"] or not user.enabled or state["at"] < user.signed_out:
        return None
    return None if state["at"] + SESSION_SECONDS <= visit.call.now else (user, state["at"])


def digest(text: str) -> str:
    """What is stored of a code."""
    return hashlib.sha256(text.encode()).hexdigest()


@transactional
async def _keep(tx: Transaction, code: AuthorizationCode) -> None:
    for old in await authorization_codes.list(tx, code.pool, limit=100):
        if old.expires <= tx.now:
            await authorization_codes.delete(tx, old.pool, old.digest)
    await authorization_codes.put(tx, code)
