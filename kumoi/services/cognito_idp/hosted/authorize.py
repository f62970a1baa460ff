"""GET /oauth2/authorize: to the sign-in page, or straight back with a code for a browser that has signed in already."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Any, NamedTuple

import orjson

from kumoi.names import uuid
from kumoi.services.cognito_idp.hosted.clients import check_flow, check_redirect, client_in_domain, scopes_of
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit, redirect, with_fragment, with_query
from kumoi.services.cognito_idp.issuing import issue
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import AuthorizationCode, Client, Domain, User, authorization_codes
from kumoi.services.cognito_idp.sessions import by_key
from kumoi.state import Transaction, transactional
from kumoi.wire.http import Response

COOKIE = "cognito"
SESSION_SECONDS = 3_600
_CODE_SECONDS = 300.0
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Wish(NamedTuple):
    """What a client asks the page for."""

    scene: Scene
    client: Client
    kind: str
    redirect: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str | None


class BackToClient(Exception):
    """An error that the client is told of, at its own URL."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


async def wish(visit: Visit, domain: Domain) -> Wish:
    """Read what is asked; OAuthError for a client or URL that cannot be trusted with it, else BackToClient."""
    query = visit.query
    scene, client = await client_in_domain(visit, domain, query.get("client_id"))
    url = check_redirect(client, "CallbackURLs", query.get("redirect_uri"))
    state, kind = query.get("state"), query.get("response_type")
    try:
        if kind not in ("code", "token"):
            raise OAuthError("unsupported_response_type", "response_type is code or token")
        check_flow(client, "code" if kind == "code" else "implicit")
        scopes = await scopes_of(scene, client, query.get("scope"), people=True)
        challenge = query.get("code_challenge")
        if challenge is not None and (
            query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge)
        ):
            raise OAuthError("invalid_request", "code_challenge is a SHA-256, and code_challenge_method S256")
    except OAuthError as error:
        raise BackToClient(
            with_query(url, error=error.code, error_description=error.description, state=state)
        ) from None
    return Wish(scene, client, kind, url, scopes, state, query.get("nonce"), challenge)


async def authorize(visit: Visit, domain: Domain) -> Response:
    """Send the browser on: to the page, or back to the client where its session still holds."""
    wanted = await wish(visit, domain)
    found = await _session(visit, wanted.scene)
    if found is None or visit.query.get("prompt") == "login":
        return redirect(f"../login?{visit.request.query}")
    user, signed_in = found
    return await send_back(visit, wanted, user, signed_in)


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


def set_cookie(visit: Visit, name: str, value: str, seconds: int) -> tuple[str, str]:
    """A cookie for these pages alone; 0 seconds take it away."""
    secure = "; Secure" if visit.request.scheme == "https" else ""
    return "Set-Cookie", f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"


async def _session(visit: Visit, scene: Scene) -> tuple[User, float] | None:
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
