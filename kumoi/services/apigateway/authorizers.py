"""Who may use a method: anybody (NONE), who signs (AWS_IAM), whom a function lets (CUSTOM), who has a token.

Source: "Control and manage access to REST APIs", "Input to an API Gateway Lambda authorizer", "Output from …".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.http_api.authorizers import BadAuthorizer, Verdict, VerdictCache, verdict
from kumoi.http_api.functions import FunctionCaller, IntegrationFailed, function_of, with_stage_variables
from kumoi.http_api.iam import check_invoke
from kumoi.http_api.places import execute_arn
from kumoi.java_patterns import BadPattern, matches
from kumoi.policy import Policy
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused
from kumoi.services.apigateway.tokens import check_token
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_AUTHORIZER_SECONDS = 29.0


async def authorize(
    exchange: Exchange,
    method: Mapping[str, Any],
    authorizers: Mapping[str, Mapping[str, Any]],
    policy: Policy | None = None,
) -> str | None:
    """Let a request pass, its `authorizer` filled in; the usage key that a function named. Raises Refused.

    `policy` is the API's own, which AWS_IAM weighs together with the identity's.
    """
    kind = method.get("authorizationType", "NONE")
    if kind == "NONE":
        return None
    if kind == "AWS_IAM":
        await _signed(exchange, policy)
        return None
    authorizer_id = method.get("authorizerId", "")
    authorizer = authorizers.get(authorizer_id)
    if authorizer is None:
        raise Refused("AUTHORIZER_CONFIGURATION_ERROR", "the method's authorizer does not exist")
    if kind in ("COGNITO_USER_POOLS", "JWT"):
        await check_token(exchange, method, authorizer)
        return None
    return await _function(exchange, authorizer_id, authorizer)


async def _signed(exchange: Exchange, policy: Policy | None) -> None:
    caller = exchange.call.caller
    if caller.access_key is None:
        raise Refused("MISSING_AUTHENTICATION_TOKEN", "the method wants signed requests (AWS_IAM)")
    exchange.identity |= {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "caller": caller.id,
        "user": caller.id,
        "userArn": caller.arn,
    }
    try:
        await check_invoke(exchange.call, exchange.method_arn, () if policy is None else (policy,))
    except AwsError as error:
        raise Refused("ACCESS_DENIED", error.message, message=error.message, member="Message") from None


async def _function(exchange: Exchange, authorizer_id: str, authorizer: Mapping[str, Any]) -> str | None:
    call = exchange.call
    lifetime = authorizer.get("authorizerResultTtlInSeconds", 300)
    source = authorizer.get("identitySource") or ""
    sources = [one.strip() for one in source.split(",") if one.strip()]
    identity = [_source(exchange, one) for one in sources]
    token = authorizer["type"] == "TOKEN"
    if sources and any(not value for value in identity) and (token or lifetime):
        raise Refused("UNAUTHORIZED", "an identity source is missing from the request")
    expression = authorizer.get("identityValidationExpression")
    if token and expression:
        try:
            valid = await asyncio.to_thread(matches, expression, identity[0] or "")
        except BadPattern as error:
            raise Refused("AUTHORIZER_CONFIGURATION_ERROR", str(error)) from None
        if not valid:
            raise Refused("UNAUTHORIZED", "the token does not match the authorizer's expression")
    key = (exchange.api, exchange.stage, authorizer_id, *identity)
    cache = call.part(VerdictCache)
    said = cache.get(key, call.now) if lifetime and sources else None
    latency = 0
    if said is None:
        began = call.now
        said = await _ask(exchange, authorizer, identity[0] or "" if token else "")
        latency = int((call.now - began) * 1000)
        if lifetime and sources:
            cache.put(key, said, call.now + lifetime)
    exchange.authorizer = {
        **{name: _passed(value) for name, value in said.context.items()},
        "principalId": said.principal,
        "integrationLatency": latency,
    }
    if not said.permits(exchange.method_arn, call.account, call.region, exchange.incoming.source):
        refused = Refused("ACCESS_DENIED", "the authorizer's policy does not allow it")
        source = exchange.incoming.source
        if said.policy and said.decided(exchange.method_arn, call.account, source).kind == "explicitDeny":
            refused.message = "User is not authorized to access this resource with an explicit deny"
        raise refused
    return said.usage_key


async def _ask(exchange: Exchange, authorizer: Mapping[str, Any], token: str) -> Verdict:
    function = function_of(with_stage_variables(authorizer["authorizerUri"], exchange.variables))
    if authorizer["type"] == "TOKEN":
        event: dict[str, Any] = {"type": "TOKEN", "methodArn": exchange.method_arn, "authorizationToken": token}
    else:
        event = {"type": "REQUEST", "methodArn": exchange.method_arn, **exchange.event()}
        del event["body"], event["isBase64Encoded"]
        for name in ("pathParameters", "queryStringParameters", "multiValueQueryStringParameters", "stageVariables"):
            event[name] = event[name] or {}
    try:
        call = exchange.call
        source = execute_arn(call.region, call.account, exchange.api, f"authorizers/{authorizer['id']}")
        payload = await call.part(FunctionCaller).invoke(
            call, function, event, _AUTHORIZER_SECONDS, source, authorizer.get("authorizerCredentials")
        )
    except IntegrationFailed as problem:
        if problem.reason == "function-error" and _raised(problem) == "Unauthorized":
            raise Refused("UNAUTHORIZED", "the authorizer failed with Unauthorized") from None
        logger.warning("authorizer of API %s: %s", exchange.api, problem)
        raise Refused("AUTHORIZER_FAILURE", str(problem)) from None
    try:
        said = verdict(payload, simple=False)
    except BadAuthorizer as problem:
        logger.warning("authorizer of API %s: %s", exchange.api, problem)
        raise Refused("AUTHORIZER_CONFIGURATION_ERROR", str(problem)) from None
    if not said.principal:
        raise Refused("AUTHORIZER_CONFIGURATION_ERROR", "the authorizer's answer has no principalId")
    if any(isinstance(value, dict | list) for value in said.context.values()):
        raise Refused("AUTHORIZER_CONFIGURATION_ERROR", "the authorizer's context holds more than plain values")
    return said


def _raised(problem: IntegrationFailed) -> str:
    """The message of the error that a function raised."""
    text = str(problem)
    try:
        said = orjson.loads(text[text.index("{") :])
    except (ValueError, orjson.JSONDecodeError):
        return ""
    return str(said.get("errorMessage") or "") if isinstance(said, dict) else ""


def _source(exchange: Exchange, expression: str) -> str | None:
    place, _, name = expression.removeprefix("method.request.").partition(".")
    if place == "header":
        return exchange.incoming.headers.get(name.lower())
    if place == "querystring":
        return (exchange.incoming.parameters.get(name) or [""])[-1]
    if place == "stageVariables":
        return exchange.variables.get(name)
    found: Any = exchange.context()
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None else str(found)


def _passed(value: Any) -> Any:
    """A value of an authorizer's context as events have it: text, but for nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else str(value)
