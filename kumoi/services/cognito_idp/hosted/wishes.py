"""What a client asks the pages for, read and checked."""

from __future__ import annotations

import re
from typing import NamedTuple

from kumoi.services.cognito_idp.hosted.clients import check_flow, check_redirect, client_in_domain, scopes_of
from kumoi.services.cognito_idp.hosted.requests import OAuthError, Visit, with_query
from kumoi.services.cognito_idp.lookup import Scene
from kumoi.services.cognito_idp.records import Client, Domain

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
