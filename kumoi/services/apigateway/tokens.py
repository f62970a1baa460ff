"""Tokens at the door: those of Cognito user pools, and those of the issuers that a JWT authorizer trusts.

Source: "Control access to REST APIs using Amazon Cognito user pools", and "jwtConfiguration" of CreateAuthorizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kumoi.http_api import jwt
from kumoi.names import Arn
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused
from kumoi.services.apigateway.kinds import OWN_HOSTS


async def check_token(exchange: Exchange, method: Mapping[str, Any], authorizer: Mapping[str, Any]) -> None:
    """Let a request pass whose token is right, its claims passed on; raises Refused."""
    source = authorizer.get("identitySource") or "method.request.header.Authorization"
    text = exchange.incoming.headers.get(source.rpartition(".")[2].lower())
    if not text:
        raise Refused("UNAUTHORIZED", "the request has no token")
    if text[:7].lower() == "bearer ":
        text = text[7:]
    check = _of_pool if authorizer["type"] == "COGNITO_USER_POOLS" else _of_issuer
    try:
        token = jwt.read(text.strip())
        await check(exchange, token, method.get("authorizationScopes") or [], authorizer)
    except jwt.InvalidToken as problem:
        if "expired" in str(problem):
            raise Refused("UNAUTHORIZED", str(problem), message="The incoming token has expired") from None
        raise Refused("UNAUTHORIZED", str(problem)) from None
    except jwt.InsufficientScope as problem:
        raise Refused("UNAUTHORIZED", f"the token lacks the scope {problem}") from None
    exchange.authorizer = {"claims": {name: _claim(value) for name, value in token.claims.items()}}


async def _of_pool(exchange: Exchange, token: jwt.Token, wanted: list[str], authorizer: Mapping[str, Any]) -> None:
    """A token of one of the authorizer's user pools: an id token, or an access token where the method wants scopes."""
    stated = token.claims.get("aud") if "aud" in token.claims else token.claims.get("client_id")
    issuer = _pool_of(token.claims.get("iss"), authorizer)
    await _verify(exchange, token, issuer, [stated] if isinstance(stated, str) else [])
    if wanted:
        if token.claims.get("token_use", "access") != "access":
            raise jwt.InvalidToken("the method wants an access token, for its scopes")
        jwt.check_scopes(token.claims, wanted)
    elif token.claims.get("token_use", "id") != "id":
        raise jwt.InvalidToken("the method has no scopes and wants an id token")


async def _of_issuer(exchange: Exchange, token: jwt.Token, wanted: list[str], authorizer: Mapping[str, Any]) -> None:
    """A token of one of the issuers of a JWT authorizer, signed and claimed as it wants."""
    configuration = authorizer["jwtConfiguration"]
    stated = token.claims.get("iss")
    issuer = next((one for one in configuration["issuers"] if one["issuer"] == stated), None)
    if issuer is None:
        raise jwt.InvalidToken(f"{stated} is none of the authorizer's issuers")
    if token.header.get("alg") not in configuration["defaultAlgorithms"]:
        raise jwt.InvalidToken(f"the authorizer does not accept the algorithm {token.header.get('alg')}")
    if "aud" not in token.claims:
        raise jwt.InvalidToken("the token has no audience")
    await _verify(exchange, token, issuer["issuer"], issuer["audiences"])
    for rule in issuer.get("additionalClaims") or ():
        claim, expected = token.claims.get(rule["claimName"]), rule.get("expectedValues") or []
        if claim is None and not rule.get("required", True):
            continue
        if not isinstance(claim, str) or (expected and claim not in expected):
            raise jwt.InvalidToken(f"the claim {rule['claimName']} is not what the authorizer expects")
    jwt.check_scopes(token.claims, wanted)


async def _verify(exchange: Exchange, token: jwt.Token, issuer: str, audiences: list[str]) -> None:
    call = exchange.call
    key = await call.part(jwt.IssuerKeys).find(call, issuer, str(token.header.get("kid", "")))
    jwt.verify(token, key)
    jwt.check(token.claims, issuer, audiences, call.now)


def _pool_of(stated: Any, authorizer: Mapping[str, Any]) -> str:
    """The issuer of a token, where it is one of the authorizer's user pools: AWS's address of it, or one of our own."""
    try:
        host = urlsplit(stated).hostname if isinstance(stated, str) else None
    except ValueError:
        host = None
    for text in authorizer.get("providerARNs") or ():
        arn = Arn.parse(text)
        if not isinstance(stated, str) or not stated.rstrip("/").endswith(f"/{arn.resource.partition('/')[2]}"):
            continue
        if host == f"cognito-idp.{arn.region}.amazonaws.com" or host in OWN_HOSTS:
            return stated
    raise jwt.InvalidToken(f"{stated} issues for none of the authorizer's user pools")


def _claim(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return str(value)
