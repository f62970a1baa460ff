"""AssumeRoleWithWebIdentity: credentials of a role, for whoever an OpenID Connect provider vouches for.

Where signatures count, the provider must be registered in the role's account, name the token's audience among its
clients, and have signed the token; elsewhere the token's claims are taken at their word. Source: the API reference,
and "Available keys for AWS web identity federation" of the IAM user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call, Principal, Session
from kumoi.http_api import jwt
from kumoi.names import arn
from kumoi.services.sts import sts
from kumoi.services.sts.assumed import MOST_SECONDS, Role, assume, check_trust, find_role
from kumoi.services.sts.session_rules import session_policies, session_tags, transitive
from kumoi.wire.errors import AwsError, aws_error

_TAGS = "https://aws.amazon.com/tags"
_SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
_BUILT_IN = frozenset(("cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com"))
"""Providers that roles trust by their host name; no account registers them."""


@sts.operation
async def assume_role_with_web_identity(
    call: Call,
    RoleArn: str,
    RoleSessionName: str,
    WebIdentityToken: str,
    ProviderId: str | None = None,
    PolicyArns: list[dict[str, str]] | None = None,
    Policy: str | None = None,
    DurationSeconds: int = 3600,
) -> dict[str, Any]:
    """Session credentials of a role, for the subject of a token."""
    role = await find_role(call, RoleArn)
    try:
        token = jwt.read(WebIdentityToken)
    except jwt.InvalidToken as problem:
        raise aws_error("InvalidIdentityToken", f"The ID Token provided is not a valid JWT: {problem}") from None
    claims = token.claims
    issuer = str(claims.get("iss", ""))
    url = issuer.partition("://")[2] or issuer
    provider = url if url in _BUILT_IN else arn("iam", "", role.account, f"oidc-provider/{url}")
    if isinstance(claims.get("exp"), int | float) and claims["exp"] < call.now:
        raise aws_error("ExpiredTokenException", "Token expired: the exp claim lies in the past")
    if call.doorway.identity.verifies:
        await _verify(call, role, token, issuer, provider)
    audience = _audience(claims)
    keys: dict[str, tuple[str, ...]] = {f"{url}:aud": (audience,), f"{url}:sub": (str(claims.get("sub", "")),)}
    if isinstance(claims.get("amr"), list):
        keys[f"{url}:amr"] = tuple(str(one) for one in claims["amr"])
    keys = {key.lower(): values for key, values in keys.items()}
    await check_trust(call, role, provider, {**keys, "sts:rolesessionname": (RoleSessionName,)})
    tags, passed_on = _tags(claims)
    session = Session(
        issued=call.now,
        policies=session_policies(Policy, PolicyArns),
        tags=tuple(tags.items()),
        transitive=transitive(passed_on, tags, ()),
        source_identity=str(claims.get(_SOURCE_IDENTITY, "")),
        provider=provider,
        context=tuple(keys.items()),
    )
    return {
        **assume(call, role, RoleSessionName, DurationSeconds, MOST_SECONDS, session),
        "SubjectFromWebIdentityToken": str(claims.get("sub", "")),
        "Audience": audience,
        "Provider": provider,
    }


async def _verify(call: Call, role: Role, token: jwt.Token, issuer: str, provider: str) -> None:
    """Raise InvalidIdentityToken unless a registered provider made the token for one of its clients."""
    if provider in _BUILT_IN:
        clients = [_audience(token.claims)]  # the role's trust policy says which are meant
    else:
        clients = await _registered(call, role, issuer, provider)
    try:
        key = await call.part(jwt.IssuerKeys).find(call, issuer, str(token.header.get("kid", "")))
        jwt.verify(token, key)
        jwt.check(token.claims, issuer, clients, call.now)
    except jwt.InvalidToken as problem:
        raise aws_error("InvalidIdentityToken", f"The token cannot be taken: {problem}") from None


async def _registered(call: Call, role: Role, issuer: str, provider: str) -> list[str]:
    """The clients that a provider of the role's account has; InvalidIdentityToken where nobody registered it."""
    looking = Principal.looking(role.account, "iam", "sts")
    asked = {"OpenIDConnectProviderArn": provider}
    try:
        known = await call.doorway.ask("iam", "GetOpenIDConnectProvider", asked, looking, call.region, call.trace)
    except AwsError:
        raise aws_error(
            "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}"
        ) from None
    clients: list[str] = known["ClientIDList"]
    return clients


def _audience(claims: Mapping[str, Any]) -> str:
    """Whom a token is for: who presents it (`azp`), else its audience."""
    stated = claims.get("azp", claims.get("aud", claims.get("client_id", "")))
    return str(stated[0]) if isinstance(stated, list) and stated else str(stated)


def _tags(claims: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The session tags that a token sets, and those of them that are passed on."""
    given = claims.get(_TAGS)
    if not isinstance(given, Mapping) or not isinstance(given.get("principal_tags"), Mapping):
        return {}, []
    tags = [
        {"Key": str(name), "Value": str(values[0] if isinstance(values, list) and values else values)}
        for name, values in given["principal_tags"].items()
    ]
    listed = given.get("transitive_tag_keys")
    return session_tags(tags, {}), [str(name) for name in listed] if isinstance(listed, list) else []
