"""Who sent a request, by the shape of its headers; and which fields are open to them.

Signed requests are IAM's, `x-api-key` is a key, a token of a pool's or provider's is theirs, and any other
`Authorization` is for the function that authorizes. Source: "Configuring authorization and authentication".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from kumoi import java_patterns
from kumoi.doorway import Ask, Authorization, Call, Principal
from kumoi.http_api import jwt
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.naming import api_arn
from kumoi.services.appsync.providers import providers
from kumoi.services.appsync.records import Api, ApiKey, keys
from kumoi.services.appsync.resolving.field import Asked, Caller
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError

if TYPE_CHECKING:
    from kumoi.services.appsync.schema.compiled import Compiled

POOL = "AMAZON_COGNITO_USER_POOLS"
_SIGNED = "AWS4-HMAC-SHA256"


class Refused(Exception):
    """The request proves nobody; the text is what the client is told."""

    def __init__(self, text: str = "You are not authorized to make this call.") -> None:
        super().__init__(text)


class Admission(NamedTuple):
    """Whom an API lets in: its providers by their way of authorization, and its keys, where somebody has read them."""

    api: Api
    by_mode: Mapping[str, Sequence[Mapping[str, Any]]]
    keys: Mapping[str, ApiKey] | None

    @classmethod
    def of(cls, api: Api, keys: Mapping[str, ApiKey] | None = None) -> Admission:
        """The admission to an API."""
        by_mode: dict[str, list[Mapping[str, Any]]] = {}
        for provider in providers(api.properties):
            by_mode.setdefault(str(provider["authenticationType"]), []).append(provider)
        return cls(api, by_mode, keys)


_KEY_HOLDER = Caller("API_KEY")


async def authenticate(
    call: Call, admission: Admission, request: Mapping[str, Any], headers: Mapping[str, str]
) -> Caller:
    """Who sent a request; raises Refused."""
    api, by_mode, known = admission
    given = headers.get("authorization", "")
    if given.startswith(_SIGNED):
        return _signed(call, by_mode)
    if "x-api-key" in headers and "API_KEY" in by_mode:
        given = headers["x-api-key"]
        key = await _key(call.state, api.id, given) if known is None else known.get(given)
        if key is None or key.expires <= call.now:
            raise Refused
        return _KEY_HOLDER
    if not given:
        missing = "x-api-key" in headers or "API_KEY" in by_mode
        raise Refused("You are not authorized to make this call." if missing else "Missing authorization header")
    found = await _by_token(call, by_mode, given)
    if found is not None:
        return found
    for provider in by_mode.get("AWS_LAMBDA", ()):
        return await _by_function(call, api, provider["lambdaAuthorizerConfig"], given, request, headers)
    raise Refused("Valid authorization header not provided.")


def allowed(found: Compiled, properties: Mapping[str, Any], caller: Caller, type_name: str, field: str) -> bool:
    """Whether a field of an API with these properties is open to a caller."""
    if f"{type_name}.{field}" in caller.denied:
        return False
    openings = found.openings.get((type_name, field)) or found.openings.get((type_name, None))
    if openings is not None:
        return any(
            one.mode == caller.mode and (one.groups is None or not set(one.groups).isdisjoint(caller.groups))
            for one in openings
        )
    if caller.mode != properties["authenticationType"]:
        return False
    if caller.mode != POOL or properties.get("additionalAuthenticationProviders"):
        return True
    groups = found.group_limits.get((type_name, field))
    if groups is None:
        top = type_name in ("Query", "Mutation", "Subscription")
        return not top or (properties.get("userPoolConfig") or {}).get("defaultAction") != "DENY"
    return not set(groups).isdisjoint(caller.groups)


async def permitted(asked: Asked, type_name: str, field: str) -> None:
    """Raise FieldError where policies deny a signed request a field, and are enforced."""
    call = asked.call
    identity = call.doorway.identity
    if identity.mode == "off":
        return
    arn = api_arn(call, asked.api.id, f"types/{type_name}/fields/{field}")
    try:
        await identity.authoriser.require(
            call, (Ask("appsync:GraphQL", arn),), Authorization("appsync"), enforce=identity.enforces
        )
    except AwsError:
        raise FieldError(f"Not Authorized to access {field} on type {type_name}", "Unauthorized") from None


def _signed(call: Call, by_mode: Mapping[str, Any]) -> Caller:
    principal = call.caller
    if "AWS_IAM" not in by_mode or principal.access_key is None:
        raise Refused
    return Caller(
        "AWS_IAM",
        {
            "accountId": principal.account,
            "cognitoIdentityPoolId": None,
            "cognitoIdentityId": None,
            "sourceIp": _addresses(call),
            "username": principal.id,
            "userArn": principal.arn,
            "cognitoIdentityAuthType": None,
            "cognitoIdentityAuthProvider": None,
        },
    )


async def _by_token(call: Call, by_mode: Mapping[str, Sequence[Mapping[str, Any]]], given: str) -> Caller | None:
    """Whose a token of a pool or a provider is; None for what is none of theirs."""
    issuers: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for provider in by_mode.get(POOL, ()):
        config = provider["userPoolConfig"]
        issuers[f"https://cognito-idp.{config['awsRegion']}.amazonaws.com/{config['userPoolId']}"] = (POOL, config)
    for provider in by_mode.get("OPENID_CONNECT", ()):
        config = provider["openIDConnectConfig"]
        issuers[str(config["issuer"]).rstrip("/")] = ("OPENID_CONNECT", config)
    if not issuers:
        return None
    try:
        token = jwt.read(given.removeprefix("Bearer ").strip())
    except jwt.InvalidToken:
        if "AWS_LAMBDA" in by_mode:
            return None
        raise Refused("Unable to parse JWT token.") from None
    claims = token.claims
    mode, config = issuers.get(str(claims.get("iss", "")).rstrip("/"), ("", {}))
    if not mode:
        return None
    try:
        key = await call.part(Kept).issuer_keys.find(call, str(claims["iss"]), str(token.header.get("kid", "")))
        jwt.verify(token, key)
    except jwt.InvalidToken:
        raise Refused from None
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or expires <= call.now:
        raise Refused("Token has expired.")
    await _check_client(claims, config.get("appIdClientRegex" if mode == POOL else "clientId"))
    identity: dict[str, Any] = {"sub": claims.get("sub"), "issuer": claims["iss"], "claims": dict(claims)}
    if mode == "OPENID_CONNECT":
        for name, moment in (("iatTTL", "iat"), ("authTTL", "auth_time")):
            if config.get(name) and float(claims.get(moment, 0)) + config[name] / 1000 <= call.now:
                raise Refused("Token has expired.")
        return Caller(mode, identity, expires=float(expires))
    groups = claims.get("cognito:groups")
    identity |= {
        "username": claims.get("cognito:username", claims.get("username")),
        "sourceIp": _addresses(call),
        "defaultAuthStrategy": config.get("defaultAction", "ALLOW"),
        "groups": groups,
    }
    return Caller(mode, identity, tuple(groups or ()), expires=float(expires))


async def _check_client(claims: Mapping[str, Any], pattern: str | None) -> None:
    if not pattern:
        return
    stated = [claims.get(name) for name in ("aud", "client_id", "azp")]
    for one in stated:
        if isinstance(one, str) and await _matches(pattern, one):
            return
    raise Refused


async def _matches(pattern: str, text: str) -> bool:
    try:
        return await java_patterns.first_mismatch([(pattern, text)]) is None
    except java_patterns.BadPattern:
        return False


async def _by_function(
    call: Call,
    api: Api,
    config: Mapping[str, Any],
    token: str,
    request: Mapping[str, Any],
    headers: Mapping[str, str],
) -> Caller:
    pattern = config.get("identityValidationExpression")
    if pattern and not await _matches(pattern, token):
        raise Refused
    verdicts, function = call.part(Kept).verdicts, str(config["authorizerUri"])
    key = verdicts.key(api.id, function, token)
    answer = verdicts.get(key, call.now)
    if answer is None:
        answer, size = await _ask(call, api, function, token, request, headers)
        seconds = answer.get("ttlOverride", config.get("authorizerResultTtlInSeconds", 300))
        verdicts.put(key, answer, call.now + float(seconds), size)
    if answer.get("isAuthorized") is not True:
        raise Refused
    denied = frozenset(_denied(str(one)) for one in answer.get("deniedFields") or ())
    return Caller("AWS_LAMBDA", {"resolverContext": answer.get("resolverContext") or {}}, denied=denied)


async def _ask(
    call: Call, api: Api, function: str, token: str, request: Mapping[str, Any], headers: Mapping[str, str]
) -> tuple[dict[str, Any], int]:
    """What the function says, and how many bytes that is."""
    event = {
        "authorizationToken": token,
        "requestContext": {
            "apiId": api.id,
            "accountId": call.account,
            "requestId": call.request_id,
            "queryString": request.get("query"),
            "operationName": request.get("operationName"),
            "variables": request.get("variables") or {},
        },
        "requestHeaders": dict(headers),
    }
    caller = Principal.of_service(call.account, "appsync.amazonaws.com", call.node, api_arn(call, api.id))
    try:
        found = await call.to_as(caller, "lambda", "Invoke", FunctionName=function, Payload=orjson.dumps(event))
        answer = orjson.loads(found["Payload"])
    except (AwsError, orjson.JSONDecodeError):
        raise Refused from None
    if "FunctionError" in found or not isinstance(answer, dict):
        raise Refused
    return answer, len(found["Payload"])


def _denied(named: str) -> str:
    """`Type.field`, out of itself or of an ARN `…/types/Type/fields/field`."""
    match = re.fullmatch(r"arn:.*/types/([^/]+)/fields/([^/]+)", named)
    return f"{match[1]}.{match[2]}" if match else named


def _addresses(call: Call) -> list[str]:
    return [call.http.client[0]] if call.http is not None else []


@transactional
async def _key(tx: Transaction, api_id: str, id: str) -> ApiKey | None:
    return await keys.get(tx, api_id, id)
