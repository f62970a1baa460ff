"""What a client may: its redirects, its flows, its scopes; and whether it proves its secret."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

from kumoi.services.cognito_idp.hosted.requests import STANDARD_SCOPES, OAuthError, Visit
from kumoi.services.cognito_idp.lookup import Scene, client_of
from kumoi.services.cognito_idp.records import Client, Domain, ResourceServer, resource_servers
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError


async def client_in_domain(visit: Visit, domain: Domain, client_id: str | None) -> tuple[Scene, Client]:
    """A client of the domain's pool; OAuthError invalid_client."""
    try:
        scene = await client_of(visit.call, client_id or "", domain.pool)
    except AwsError:
        raise OAuthError("invalid_client", "Invalid client id or secret") from None
    assert scene.client is not None, "a client was named"
    return scene, scene.client


async def proved_client(visit: Visit, domain: Domain) -> tuple[Scene, Client]:
    """The client that a program says it is, by Basic or in the form; one with a secret has to know it."""
    name, secret = visit.form.get("client_id"), visit.form.get("client_secret", "")
    scheme, _, given = (visit.request.headers.get("authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise OAuthError("invalid_client", "Invalid authorization header") from None
        if name not in (None, unquote_plus(user)):
            raise OAuthError("invalid_request", "The clients of header and body differ")
        name, secret = unquote_plus(user), unquote_plus(password)
    scene, client = await client_in_domain(visit, domain, name)
    if client.secret and not hmac.compare_digest(client.secret.encode(), secret.encode()):
        raise OAuthError("invalid_client", "Invalid client id or secret")
    return scene, client


def check_redirect(client: Client, member: str, url: str | None) -> str:
    """The URL, if it is one of the client's `CallbackURLs` or `LogoutURLs`; OAuthError redirect_mismatch."""
    allowed = client.definition.get(member) or ()
    if url is None and member == "CallbackURLs":
        url = client.definition.get("DefaultRedirectURI")
    if url is None or url not in allowed:
        raise OAuthError("redirect_mismatch", f"The URL is not one of the client's {member}")
    return url


def check_flow(client: Client, flow: str) -> None:
    """Raise OAuthError unauthorized_client unless the client may use `code`, `implicit` or `client_credentials`."""
    given = client.definition
    if not given.get("AllowedOAuthFlowsUserPoolClient") or flow not in (given.get("AllowedOAuthFlows") or ()):
        raise OAuthError("unauthorized_client", f"The client is not allowed the flow {flow}")


async def scopes_of(scene: Scene, client: Client, wanted: str | None, *, people: bool) -> tuple[str, ...]:
    """The scopes that are asked for, or all that the client may ask for; OAuthError invalid_scope.

    `people`: whether somebody signs in. A client on its own behalf gets scopes of resource servers alone.
    """
    servers = await _servers(scene.state, scene.pool.id)
    known = {f"{server.identifier}/{name}" for server in servers for name in server.scopes}
    known |= set(STANDARD_SCOPES) if people else set()
    allowed = [one for one in client.definition.get("AllowedOAuthScopes") or () if one in known]
    asked = wanted.split() if wanted else allowed
    if not asked or not set(asked) <= set(allowed):
        raise OAuthError("invalid_scope", "The client may not ask for these scopes")
    return tuple(dict.fromkeys(asked))


@transactional
async def _servers(tx: Transaction, pool: str) -> list[ResourceServer]:
    return await resource_servers.list(tx, pool)
