"""The tokens that clients bring: whose they are, and whether the pool takes them.

Tokens of user pools, and the pool's own, are always verified: their keys are on this platform. Those of other providers
are verified where signatures count (`--auth verify` or `enforce`), elsewhere their claims are taken at their word, so
that an application can be tried without the provider; assertions of SAML providers the same. Source: the API
reference of GetId and GetCredentialsForIdentity; "Identity pools third-party identity providers".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi import saml
from kumoi.doorway import Call, Principal
from kumoi.http_api import jwt
from kumoi.names import Arn
from kumoi.services.cognito_identity.errors import invalid, not_authorized
from kumoi.services.cognito_identity.records import IdentityPool, TagMap
from kumoi.services.cognito_identity.tokens import ISSUER
from kumoi.wire.errors import AwsError, aws_error

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


class Expected(NamedTuple):
    """What tokens of a provider have to say: who issued them, for whom.

    Without an `audience` IAM knows it, by the ARN under which the provider is `registered`.
    """

    issuer: str
    audience: Sequence[str] | None
    registered: str = ""


async def taken(call: Call, pool: IdentityPool, logins: Mapping[str, str] | None) -> list[Proof]:
    """What the tokens prove, by provider; NotAuthorizedException for one that the pool does not take."""
    return [await _taken(call, pool, provider, token) for provider, token in (logins or {}).items()]


async def _taken(call: Call, pool: IdentityPool, provider: str, text: str) -> Proof:
    if provider == pool.developer_provider:
        raise invalid(f"Logins of {provider} are taken by GetOpenIdTokenForDeveloperIdentity alone.")
    if provider in (pool.definition.get("SamlProviderARNs") or ()):
        return await _asserted(call, provider, text)
    expected = _expected(pool, provider)
    try:
        token = jwt.read(text)
        claims, expires = token.claims, token.claims.get("exp")
        if isinstance(expires, int | float) and expires <= call.now:
            raise jwt.InvalidToken(f"Token expired: {int(expires)} >= {int(call.now)}")
        if claims.get("iss") not in (expected.issuer, provider):
            raise jwt.InvalidToken(f"the issuer is {claims.get('iss')}")
        audience = expected.audience
        if audience is None and call.doorway.identity.verifies:
            audience = await _registered(call, expected.registered)
        if _local(provider) or call.doorway.identity.verifies:
            issuer = str(claims["iss"])
            key = await call.part(jwt.IssuerKeys).find(call, expected.issuer, str(token.header.get("kid", "")))
            jwt.verify(token, key)
            jwt.check(claims, issuer, audience or (), call.now)
    except jwt.InvalidToken as problem:
        raise not_authorized(f"Invalid login token. {problem}") from None
    stated = claims.get("aud")
    if audience is not None and not set(stated if isinstance(stated, list) else [stated]) & set(audience):
        raise not_authorized("Invalid login token. Incorrect token audience.")
    if not isinstance(claims.get("sub"), str):
        raise not_authorized("Invalid login token. It has no subject.")
    if _USER_POOL.fullmatch(provider):
        if claims.get("token_use") != "id":
            raise not_authorized("Invalid login token. Not an ID token.")
        return Proof(provider, claims["sub"], claims, f"{provider}:{stated}")
    return Proof(provider, claims["sub"], claims, provider)


async def _asserted(call: Call, provider: str, text: str) -> Proof:
    """What the assertion of a SAML provider proves, by the ARN that IAM knows the provider by."""
    try:
        response = saml.decoded(text)
        if call.doorway.identity.verifies:
            document = await _metadata(call, provider)
            said = await asyncio.to_thread(lambda: saml.read(saml.signed_part(response, document)))
            if said.issuer != saml.entity_of(document):
                raise saml.InvalidSaml("the issuer is not the provider's")
        else:
            said = saml.read(response)
        if not said.starts <= call.now < said.expires:
            raise saml.InvalidSaml("the assertion is of another time")
        if not saml.for_aws(said.audiences) or not said.subject:
            raise saml.InvalidSaml("the audience is not AWS, or the subject is nobody")
    except saml.InvalidSaml as problem:
        raise not_authorized(f"Invalid login token. {problem}") from None
    except saml.NotInstalled as problem:
        raise aws_error("NotImplemented", f"{problem} (or run with --auth audit).") from None
    claims = {name: values[0] for name, values in said.attributes.items()}
    return Proof(provider, said.subject, {**claims, "sub": said.subject, "iss": said.issuer}, provider)


async def _metadata(call: Call, provider: str) -> str:
    """The metadata of a provider that IAM knows; InvalidSaml."""
    looking = Principal.looking(Arn.parse(provider).account, "iam", "cognito-identity")
    asked = {"SAMLProviderArn": provider}
    try:
        found = await call.doorway.ask("iam", "GetSAMLProvider", asked, looking, call.region, call.trace)
    except AwsError:
        raise saml.InvalidSaml(f"{provider} is not registered") from None
    return str(found["SAMLMetadataDocument"])


async def _registered(call: Call, provider: str) -> Sequence[str]:
    """The clients that IAM lists for an OpenID Connect provider; InvalidToken where it is not registered."""
    looking = Principal.looking(Arn.parse(provider).account, "iam", "cognito-identity")
    asked = {"OpenIDConnectProviderArn": provider}
    try:
        found = await call.doorway.ask("iam", "GetOpenIDConnectProvider", asked, looking, call.region, call.trace)
    except AwsError:
        raise jwt.InvalidToken(f"{provider} is not registered") from None
    clients: Sequence[str] = found["ClientIDList"]
    return clients


def _local(provider: str) -> bool:
    return provider == OWN or _USER_POOL.fullmatch(provider) is not None


def _expected(pool: IdentityPool, provider: str) -> Expected:
    """What a provider's tokens have to say; NotAuthorizedException for one that is not the pool's."""
    given = pool.definition
    if provider == OWN:
        return Expected(ISSUER, [pool.id])
    issuer = f"https://{provider}"
    if _USER_POOL.fullmatch(provider):
        listed = given.get("CognitoIdentityProviders") or ()
        clients = [str(one.get("ClientId")) for one in listed if one.get("ProviderName") == provider]
        if clients:
            return Expected(issuer, clients)
    apps = (given.get("SupportedLoginProviders") or {}).get(provider)
    if apps:
        return Expected(issuer, re.split(r"[,;]\s*", apps))
    for arn in given.get("OpenIdConnectProviderARNs") or ():
        if arn.partition(":oidc-provider/")[2] == provider:
            return Expected(issuer, None, arn)
    raise not_authorized("Token is not from a supported provider of this identity pool.")


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
