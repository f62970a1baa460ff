"""Who may use a route: nobody asked (NONE), signed requests (AWS_IAM), tokens (JWT), or whom a function lets (CUSTOM).

Source: "Controlling and managing access to HTTP APIs".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Ask
from kumoi.http_api import jwt
from kumoi.http_api.authorizers import BadAuthorizer, Verdict, VerdictCache, verdict
from kumoi.http_api.functions import FunctionCaller, IntegrationFailed, function_of, with_stage_variables
from kumoi.http_api.places import execute_arn
from kumoi.http_api.results import HttpResult, message
from kumoi.services.apigatewayv2.exchange import Exchange
from kumoi.services.apigatewayv2.expressions import evaluate
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_AUTHORIZER_SECONDS = 10.0


class Refused(Exception):
    """The request goes no further; the client gets `result`."""

    def __init__(self, result: HttpResult, reason: str) -> None:
        super().__init__(reason)
        self.result = result


def unauthorized(reason: str, *headers: tuple[str, str]) -> Refused:
    """401: nobody knows who asks."""
    return Refused(message(401, "Unauthorized", *headers), reason)


def forbidden(reason: str, *headers: tuple[str, str]) -> Refused:
    """403: known, and not allowed."""
    return Refused(message(403, "Forbidden", *headers), reason)


async def authorize(exchange: Exchange, route: Mapping[str, Any], authorizers: Mapping[str, Mapping[str, Any]]) -> None:
    """Let a request pass, its `authorizer` filled in; raises Refused."""
    kind = route.get("AuthorizationType", "NONE")
    if kind == "NONE":
        return
    if kind == "AWS_IAM":
        exchange.authorizer = {"iam": await _signed(exchange)}
        return
    authorizer = authorizers.get(route.get("AuthorizerId", ""))
    if authorizer is None:
        raise Refused(message(500, "Internal Server Error"), "the route's authorizer does not exist")
    if kind == "JWT":
        exchange.authorizer = {"jwt": await _token(exchange, route, authorizer)}
        return
    exchange.authorizer = {"lambda": await _function(exchange, route["AuthorizerId"], authorizer)}


async def _signed(exchange: Exchange) -> dict[str, Any]:
    call, caller = exchange.call, exchange.call.caller
    if caller.access_key is None:
        raise forbidden("the route wants signed requests (AWS_IAM)")
    service = call.doorway.registry["execute-api"]
    try:
        await call.doorway.identity.require(call, service, Ask("execute-api:Invoke", exchange.route_arn))
    except AwsError as error:
        raise forbidden(error.message) from None
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "callerId": caller.id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.id,
    }


async def _token(exchange: Exchange, route: Mapping[str, Any], authorizer: Mapping[str, Any]) -> dict[str, Any]:
    call, configuration = exchange.call, authorizer["JwtConfiguration"]
    text = evaluate(authorizer["IdentitySource"][0], exchange)
    if not text:
        raise unauthorized("the request has no token", ("www-authenticate", "Bearer"))
    if text[:7].lower() == "bearer ":
        text = text[7:]
    issuer = configuration["Issuer"]
    wanted = route.get("AuthorizationScopes") or []
    try:
        token = jwt.read(text.strip())
        key = await call.part(jwt.IssuerKeys).find(call, issuer, str(token.header.get("kid", "")))
        jwt.verify(token, key)
        jwt.check(token.claims, issuer, configuration["Audience"], call.now)
        scopes = jwt.check_scopes(token.claims, wanted)
    except jwt.InvalidToken as problem:
        challenge = f'Bearer scope="{" ".join(wanted)}" error="invalid_token" error_description="{problem}"'
        raise unauthorized(str(problem), ("www-authenticate", _one_line(challenge))) from None
    except jwt.InsufficientScope as problem:
        challenge = f'Bearer scope="{problem}" error="insufficient_scope"'
        raise forbidden(f"the token lacks the scope {problem}", ("www-authenticate", _one_line(challenge))) from None
    return {"claims": {name: _claim(value) for name, value in token.claims.items()}, "scopes": scopes}


async def _function(exchange: Exchange, authorizer_id: str, authorizer: Mapping[str, Any]) -> dict[str, Any]:
    call = exchange.call
    sources = authorizer.get("IdentitySource") or []
    identity = [evaluate(source, exchange) for source in sources]
    lifetime = authorizer.get("AuthorizerResultTtlInSeconds", 0)
    if sources and any(not value for value in identity):
        raise unauthorized("an identity source is missing from the request")
    key = (exchange.api, exchange.stage, authorizer_id, *identity)
    cache = call.part(VerdictCache)
    said = cache.get(key, call.now) if lifetime and sources else None
    if said is None:
        said = await _ask(exchange, authorizer_id, authorizer, [value or "" for value in identity])
        if lifetime and sources:
            cache.put(key, said, call.now + lifetime)
    if not said.permits(exchange.route_arn, call.account, call.region, exchange.incoming.source):
        raise forbidden("the authorizer denies it")
    return dict(said.context)


async def _ask(exchange: Exchange, authorizer_id: str, authorizer: Mapping[str, Any], identity: list[str]) -> Verdict:
    function = function_of(with_stage_variables(authorizer["AuthorizerUri"], exchange.variables))
    event = _event(exchange, authorizer.get("AuthorizerPayloadFormatVersion", "2.0"), identity)
    try:
        call = exchange.call
        source = execute_arn(call.region, call.account, exchange.api, f"authorizers/{authorizer_id}")
        payload = await call.part(FunctionCaller).invoke(
            call, function, event, _AUTHORIZER_SECONDS, source, authorizer.get("AuthorizerCredentialsArn")
        )
        return verdict(payload, simple=bool(authorizer.get("EnableSimpleResponses")))
    except (IntegrationFailed, BadAuthorizer) as problem:
        logger.warning("authorizer of API %s: %s", exchange.api, problem)
        raise Refused(message(500, "Internal Server Error"), str(problem)) from None


def _event(exchange: Exchange, version: str, identity: list[str]) -> dict[str, Any]:
    if version == "1.0":
        event = exchange.event_1()
        for name in ("body", "isBase64Encoded"):
            del event[name]
        joined = ",".join(identity)
        return {
            **event,
            "type": "REQUEST",
            "methodArn": exchange.route_arn,
            "identitySource": joined,
            "authorizationToken": joined,
        }
    event = exchange.event_2()
    event.pop("body", None)
    del event["isBase64Encoded"]
    return {**event, "type": "REQUEST", "routeArn": exchange.route_arn, "identitySource": identity or None}


def _claim(value: Any) -> str:
    """A claim as events have it: text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(str(one) for one in value)}]"
    return str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "replace").decode()[:500]
