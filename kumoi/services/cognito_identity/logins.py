"""The tokens that clients bring: whose they are, and whether the pool takes them.

Tokens of user pools, and the pool's own, are always verified: their keys are on this platform. Those of other providers
are verified where signatures count (`--auth verify` or `enforce`), elsewhere their claims are taken at their word, so
that an application can be tried without the provider. Source: the API reference of GetId and
GetCredentialsForIdentity; "Identity pools third-party identity providers".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.doorway import Call
from kumoi.http_api import jwt
from kumoi.services.cognito_identity.errors import invalid, not_authorized
from kumoi.services.cognito_identity.records import IdentityPool, TagMap
from kumoi.services.cognito_identity.tokens import ISSUER

OWN = "cognito-identity.amazonaws.com"
"""The provider under which a token of GetOpenIdTokenForDeveloperIdentity is brought."""
_USER_POOL = re.compile(r"cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[\w-]+_[0-9A-Za-z]+")


class Proof(NamedTuple):
    """A login that was taken: the provider, its name for the user, what its token claims.

    `mapped_by` is the key of a role mapping that is for it.
    """

    provider: str
    subject: str
    claims: Mapping[str, Any]
    mapped_by: str


async def taken(call: Call, pool: IdentityPool, logins: Mapping[str, str] | None) -> list[Proof]:
    """What the tokens prove, by provider; NotAuthorizedException for one that the pool does not take."""
    return [await _taken(call, pool, provider, token) for provider, token in (logins or {}).items()]


async def _taken(call: Call, pool: IdentityPool, provider: str, text: str) -> Proof:
    if provider == pool.developer_provider:
        raise invalid(f"Logins of {provider} are taken by GetOpenIdTokenForDeveloperIdentity alone.")
    issuer, audience = _expected(pool, provider)
    try:
        token = jwt.read(text)
        expires = token.claims.get("exp")
        if isinstance(expires, int | float) and expires <= call.now:
            raise jwt.InvalidToken(f"Token expired: {int(expires)} >= {int(call.now)}")
        if _local(provider) or call.doorway.identity.verifies:
            key = await call.part(jwt.IssuerKeys).find(call, issuer, str(token.header.get("kid", "")))
            jwt.verify(token, key)
            jwt.check(token.claims, issuer, audience, call.now)
    except jwt.InvalidToken as problem:
        raise not_authorized(f"Invalid login token. {problem}") from None
    claims, stated = token.claims, token.claims.get("aud")
    if not set(stated if isinstance(stated, list) else [stated]) & set(audience):
        raise not_authorized("Invalid login token. Incorrect token audience.")
    if _USER_POOL.fullmatch(provider):
        if claims.get("token_use") != "id":
            raise not_authorized("Invalid login token. Not an ID token.")
        return Proof(provider, str(claims.get("sub")), claims, f"{provider}:{stated}")
    return Proof(provider, str(claims.get("sub")), claims, provider)


def _local(provider: str) -> bool:
    return provider == OWN or _USER_POOL.fullmatch(provider) is not None


def _expected(pool: IdentityPool, provider: str) -> tuple[str, Sequence[str]]:
    """The issuer and the audiences of a provider's tokens; NotAuthorizedException for one that is not the pool's."""
    given = pool.definition
    if provider == OWN:
        return ISSUER, [pool.id]
    if _USER_POOL.fullmatch(provider):
        listed = given.get("CognitoIdentityProviders") or ()
        clients = [str(one.get("ClientId")) for one in listed if one.get("ProviderName") == provider]
        if clients:
            return f"https://{provider}", clients
    apps = (given.get("SupportedLoginProviders") or {}).get(provider)
    if apps:
        return f"https://{provider}", re.split(r"[,;]\s*", apps)
    for arn in given.get("OpenIdConnectProviderARNs") or ():
        if arn.partition(":oidc-provider/")[2] == provider:
            return f"https://{provider}", _Anybody()
    if provider in (given.get("SamlProviderARNs") or ()):
        raise invalid("Kumoi takes no SAML assertions.")
    raise not_authorized("Token is not from a supported provider of this identity pool.")


class _Anybody(list[str]):
    """Every audience: IAM's OpenID Connect provider lists them, and STS looks there."""

    def __contains__(self, _audience: object) -> bool:
        return True


def tags_of(pool: IdentityPool, proofs: Sequence[Proof]) -> dict[str, str]:
    """The session tags that the claims of logins become: pure."""
    found: dict[str, str] = {}
    for proof in proofs:
        mapped = pool.tag_maps.get(proof.provider) or TagMap(False)
        tags = {"username": "sub", "client": "aud"} if mapped.defaults else mapped.tags
        for tag, claim in tags.items():
            value = proof.claims.get(claim)
            if isinstance(value, str | int | float):
                found[tag] = str(value)[:256]
    return found
