"""Providers of OpenID Connect and OAuth 2.0: where browsers are sent to, and what a code is exchanged for.

A code is exchanged as Cognito does, with the client's secret in the form. An ID token counts if one of the issuer's own
keys signed it (never the client's secret, never nobody), for this client, now, and for this browser's nonce where it
has one. Facebook and Login with Amazon have no ID tokens: their access token tells who it is. Sources: OpenID Connect
Core 1.0 (3.1), Discovery 1.0, RFC 6749, and "OIDC user pool IdP authentication flow" of the developer guide.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from kumoi.doorway import Call
from kumoi.http_api import jwt
from kumoi.http_api.endpoints import send
from kumoi.http_client import Unreachable
from kumoi.services.cognito_idp.hosted.requests import OAuthError, with_query
from kumoi.services.cognito_idp.identity_providers import is_url, subject_claim
from kumoi.services.cognito_idp.lookup import revealed
from kumoi.services.cognito_idp.records import Departure, Provider, Said
from kumoi.wire.http import HeaderList

_SECONDS = 10.0
_LEEWAY = 60.0
"""Seconds that a provider's clock may be ahead or behind."""
_PASSED_ON = ("login_hint", "prompt", "display", "ui_locales", "claims_locales", "acr_values", "max_age")
_WITHOUT_ID_TOKENS = ("Facebook", "LoginWithAmazon")
_APPLE_SECONDS = 300


class Endpoints(NamedTuple):
    """Where a provider is."""

    issuer: str
    authorize: str
    token: str
    user_info: str
    keys: str


async def way(call: Call, provider: Provider, departure: Departure, state: str, query: Mapping[str, str]) -> str:
    """The URL that a browser is sent to; OAuthError where the provider cannot be found."""
    found = await endpoints(call, provider)
    scopes = provider.details.get("authorize_scopes", "")
    asked: dict[str, str | None] = {
        "client_id": provider.details["client_id"],
        "redirect_uri": departure.back,
        "response_type": "code",
        "scope": scopes,
        "state": state,
        **{name: query[name] for name in _PASSED_ON if name in query and provider.kind in ("OIDC", "Google")},
    }
    if provider.kind not in _WITHOUT_ID_TOKENS:
        asked["nonce"] = departure.nonce
    if provider.kind == "SignInWithApple" and scopes:
        asked["response_mode"] = "form_post"
    return with_query(found.authorize, **asked)


async def exchanged(call: Call, provider: Provider, departure: Departure, form: Mapping[str, str]) -> Said:
    """What a provider says of whom it sent back with a code; OAuthError where it says nothing that counts."""
    found = await endpoints(call, provider)
    tokens = await _tokens(call, provider, found, departure, form.get("code", ""))
    claims: dict[str, Any] = {}
    if provider.kind not in _WITHOUT_ID_TOKENS:
        claims = await _identified(call, provider, found, tokens, departure.nonce)
    if found.user_info and provider.kind != "Google":
        told = await _user_info(call, provider, found, tokens)
        if "sub" in claims and told.get("sub", claims["sub"]) != claims["sub"]:
            raise OAuthError("invalid_request", f"{provider.name} Error - userInfo is of somebody else")
        claims = {**claims, **told}
    if provider.kind == "SignInWithApple":
        claims |= _apple_name(form.get("user", ""))
    subject = claims.get(provider.mapping.get("username") or subject_claim(provider.kind))
    if not isinstance(subject, str | int) or isinstance(subject, bool) or not str(subject):
        raise OAuthError("invalid_request", "username attribute mapping required")
    return Said(str(subject), claims)


async def endpoints(call: Call, provider: Provider) -> Endpoints:
    """Where a provider is: as its details say, or as its issuer does; OAuthError."""
    given = provider.details
    named = [given.get(name, "") for name in ("authorize_url", "token_url", "attributes_url", "jwks_uri")]
    issuer = given.get("oidc_issuer", "")
    if all(named) or provider.kind != "OIDC":
        return Endpoints(issuer, *named)
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    document = await _asked(call, "GET", url, [], b"", "Unable to contact well-known endpoint")
    members = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    told = [one or document.get(member, "") for one, member in zip(named, members, strict=True)]
    for url, member in zip(told, members, strict=True):
        if not isinstance(url, str) or (url and not is_url(url)):
            raise OAuthError("invalid_request", f"{member} of the issuer is no URL")
        if not url and member != "userinfo_endpoint":
            raise OAuthError("invalid_request", f"The issuer does not say its {member}")
    return Endpoints(issuer, *told)


def checked(
    token: jwt.Token, key: Mapping[str, Any], issuer: str, client: str, nonce: str, now: float
) -> dict[str, Any]:
    """The claims of an ID token; InvalidToken unless it counts for this client, this browser, and now (epoch seconds).

    Providers that know nothing of nonces leave them out, as Cognito sends none.
    """
    jwt.verify(token, key)
    jwt.check(token.claims, issuer, [client], now, leeway=_LEEWAY)
    claims = token.claims
    if "aud" not in claims or claims.get("azp", client) != client:
        raise jwt.InvalidToken("the token is for another client")
    if "nonce" in claims and not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise jwt.InvalidToken("the nonce is of another sign-in")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise jwt.InvalidToken("the token has no subject")
    return dict(claims)


async def _identified(
    call: Call, provider: Provider, found: Endpoints, tokens: Mapping[str, Any], nonce: str
) -> dict[str, Any]:
    try:
        token = jwt.read(str(tokens.get("id_token") or ""))
        if token.claims.get("iss") != found.issuer:
            raise jwt.InvalidToken(f"the issuer is {token.claims.get('iss')}")
        key_id = str(token.header.get("kid", ""))
        key = await call.part(jwt.IssuerKeys).find(call, found.issuer, key_id, found.keys)
        return checked(token, key, found.issuer, provider.details["client_id"], nonce, call.now)
    except jwt.InvalidToken as problem:
        raise OAuthError("invalid_request", f"Bad id_token: {problem}") from None


async def _tokens(
    call: Call, provider: Provider, found: Endpoints, departure: Departure, code: str
) -> Mapping[str, Any]:
    details = revealed(call, provider)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": departure.back,
        "client_id": details["client_id"],
        "client_secret": details.get("client_secret", ""),
    }
    if provider.kind == "SignInWithApple":
        form["client_secret"] = _apple_secret(details, call.now)
    what = f"{provider.name} Error - %s error getting token"
    accept = ("Accept", "application/json")
    if details.get("token_request_method") == "GET":
        return await _asked(call, "GET", with_query(found.token, **form), [accept], b"", what)
    fields = [("Content-Type", "application/x-www-form-urlencoded"), accept]
    return await _asked(call, "POST", found.token, fields, urlencode(form).encode(), what)


async def _user_info(call: Call, provider: Provider, found: Endpoints, tokens: Mapping[str, Any]) -> dict[str, Any]:
    token = tokens.get("access_token")
    if not isinstance(token, str) or not token.isprintable():
        raise OAuthError("invalid_request", f"{provider.name} Error - no access token")
    url = found.user_info
    if provider.details.get("attributes_url_add_attributes") == "true":
        url += ",".join(dict.fromkeys(provider.mapping.values()))
    fields = [("Authorization", f"Bearer {token}"), ("Accept", "application/json")]
    method = provider.details.get("attributes_request_method", "GET")
    return await _asked(call, method, url, fields, b"", f"{provider.name} Error - %s error getting user attributes")


async def _asked(call: Call, method: str, url: str, fields: HeaderList, body: bytes, what: str) -> dict[str, Any]:
    """A JSON object from a provider; OAuthError, which tells `what` went wrong (`%s` is the status)."""
    try:
        answer = await send(call, method, url, fields, body, seconds=_SECONDS)
    except Unreachable as problem:
        raise OAuthError("invalid_request", f"{what.replace('%s ', '')}: {problem}") from None
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if answer.status != 200 or not isinstance(found, dict):
        error = found.get("error") if isinstance(found, dict) else None
        told = f": {error}" if isinstance(error, str) else ""
        raise OAuthError("invalid_request", f"{what.replace('%s', str(answer.status))}{told}")
    return found


def _apple_name(text: str) -> dict[str, str]:
    """The name that Apple tells once, beside the code."""
    try:
        name = orjson.loads(text)["name"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    parts = {key: name[key] for key in ("firstName", "lastName") if isinstance(name, dict) and name.get(key)}
    return {**parts, "name": " ".join(parts.values())} if all(isinstance(one, str) for one in parts.values()) else {}


def _apple_secret(details: Mapping[str, str], now: float) -> str:
    """What Apple takes for a secret: a token that the developer's key signed (ES256)."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    body = "".join(line for line in details.get("private_key", "").splitlines() if not line.startswith("-----"))
    try:
        key = serialization.load_der_private_key(base64.b64decode(body), None)
    except ValueError:
        raise OAuthError("invalid_request", "The private_key of the provider is none") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise OAuthError("invalid_request", "The private_key of the provider is none of an elliptic curve")
    header = {"alg": "ES256", "kid": details["key_id"]}
    claims = {
        "iss": details["team_id"],
        "iat": int(now),
        "exp": int(now) + _APPLE_SECONDS,
        "aud": details["oidc_issuer"],
        "sub": details["client_id"],
    }
    signed = ".".join(_b64(orjson.dumps(part)) for part in (header, claims))
    numbers = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_b64(b''.join(one.to_bytes(32, 'big') for one in numbers))}"


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
