"""How each part of an API is checked and described: one row a kind. Source: the API Gateway V2 API reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kumoi import java_patterns
from kumoi.http_api.aws_services import read_uri
from kumoi.http_api.functions import IntegrationFailed, is_function
from kumoi.http_api.load_balancers import LISTENER
from kumoi.java_patterns import BadPattern
from kumoi.services.apigatewayv2.errors import bad
from kumoi.services.apigatewayv2.records import Api
from kumoi.services.apigatewayv2.websocket.templates import problem

_ROUTE_KEY = re.compile(r"(?P<method>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY) (?P<path>/\S*)")
_OWN_KEYS = ("$connect", "$disconnect", "$default")
_SUBTYPES = frozenset(
    {
        "EventBridge-PutEvents",
        "SQS-SendMessage",
        "SQS-DeleteMessage",
        "SQS-PurgeQueue",
        "Kinesis-PutRecord",
        "StepFunctions-StartExecution",
        "StepFunctions-StartSyncExecution",
        "StepFunctions-StopExecution",
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of part: `members` are what clients give, `unique` the member that no two of an API share."""

    name: str
    id_member: str
    label: str
    members: frozenset[str]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Api, dict[str, Any]], None] = lambda _api, _given: None
    unique: str = ""
    parent: str = ""


def check_route(api: Api, given: dict[str, Any]) -> None:
    """Raise BadRequestException for a route that no API of the kind can have."""
    key = given["RouteKey"]
    if api.protocol == "HTTP":
        if key != "$default":
            match = _ROUTE_KEY.fullmatch(key)
            if match is None:
                raise bad(
                    "The provided route key is not formatted properly for HTTP protocol. "
                    'Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
                )
            _check_path(match["path"])
        for member in (
            "ApiKeyRequired",
            "RequestModels",
            "ModelSelectionExpression",
            "RouteResponseSelectionExpression",
        ):
            if given.get(member):
                raise bad(f"{member} is not currently supported for HTTP APIs")
    elif api.protocol == "WEBSOCKET":
        _check_message_route(given)
    kind = given.get("AuthorizationType", "NONE")
    if kind in ("JWT", "CUSTOM") and not given.get("AuthorizerId"):
        raise bad(f"AuthorizerId is required when AuthorizationType is {kind}")
    if given.get("AuthorizationScopes") and kind != "JWT":
        raise bad("AuthorizationScopes can only be specified for JWT authorization type")
    target = given.get("Target")
    if target is not None and not target.startswith("integrations/"):
        raise bad(f"Invalid target {target}: it has the form integrations/<IntegrationId>")


def _check_message_route(given: dict[str, Any]) -> None:
    key, kind = given["RouteKey"], given.get("AuthorizationType", "NONE")
    if not 1 <= len(key) <= 128 or (key.startswith("$") and key not in _OWN_KEYS):
        raise bad(f"Invalid route key {key}: it has 1 to 128 characters, and only {', '.join(_OWN_KEYS)} begin with $")
    if kind == "JWT":
        raise bad("JWT authorization is not supported for WEBSOCKET APIs")
    if key != "$connect" and (kind != "NONE" or given.get("ApiKeyRequired")):
        raise bad("Currently, authorization and API keys can only be configured on the $connect route")
    selection = given.get("RouteResponseSelectionExpression")
    if selection not in (None, "$default"):
        raise bad("Only $default is supported as RouteResponseSelectionExpression")


def _check_path(path: str) -> None:
    names: set[str] = set()
    segments = path.strip("/").split("/")
    for position, segment in enumerate(segments):
        if "{" not in segment and "}" not in segment:
            continue
        match = re.fullmatch(r"\{([\w.\-:]+)(\+?)\}", segment)
        if match is None:
            raise bad(f"Invalid path {path}: a path variable is a whole segment, {{name}} or {{name+}}")
        if match[2] and position != len(segments) - 1:
            raise bad(f"Invalid path {path}: a greedy path variable must be the last segment")
        if match[1] in names:
            raise bad(f"Invalid path {path}: the path variable {match[1]} is used twice")
        names.add(match[1])


def check_integration(api: Api, given: dict[str, Any]) -> None:
    """Raise BadRequestException for an integration that no API of the kind can have."""
    kind = given["IntegrationType"]
    subtype = given.get("IntegrationSubtype")
    if api.protocol == "HTTP":
        if kind not in ("AWS_PROXY", "HTTP_PROXY"):
            raise bad(f"HTTP APIs support the integration types AWS_PROXY and HTTP_PROXY, not {kind}")
        if kind == "AWS_PROXY" and subtype is None and "PayloadFormatVersion" not in given:
            raise bad("PayloadFormatVersion is a required parameter for integration type AWS_PROXY")
        if given.get("PayloadFormatVersion", "1.0") not in ("1.0", "2.0"):
            raise bad("PayloadFormatVersion must be 1.0 or 2.0")
        if kind == "HTTP_PROXY" and not given.get("IntegrationMethod"):
            raise bad("HttpMethod must be specified for HTTP_PROXY integrations")
    elif api.protocol == "WEBSOCKET":
        _check_message_integration(given)
    if subtype is not None and subtype not in _SUBTYPES:
        raise bad(f"IntegrationSubtype {subtype} is not one that Kumoi serves: {', '.join(sorted(_SUBTYPES))}")
    private = given.get("ConnectionType") == "VPC_LINK"
    if private:
        _check_private(api, given)
    if kind in ("AWS_PROXY", "HTTP_PROXY", "HTTP", "AWS") and subtype is None and not given.get("IntegrationUri"):
        raise bad(f"IntegrationUri is required for integration type {kind}")
    uri = given.get("IntegrationUri")
    if kind.startswith("HTTP") and not private and uri and not uri.startswith(("http://", "https://")):
        raise bad(f"Invalid HTTP endpoint specified for URI: {uri}")
    longest = 30_000 if api.protocol == "HTTP" else 29_000
    if not 50 <= given.get("TimeoutInMillis", longest) <= longest:
        raise bad(f"Timeout should be between 50 ms and {longest} ms")


def _check_private(api: Api, given: dict[str, Any]) -> None:
    if api.protocol != "HTTP":
        raise bad("Kumoi serves VPC links of HTTP APIs only")
    if given["IntegrationType"] != "HTTP_PROXY" or not given.get("ConnectionId"):
        raise bad("An integration with ConnectionType VPC_LINK is an HTTP_PROXY, with the ConnectionId of a VPC link")
    if not LISTENER.fullmatch(given.get("IntegrationUri") or ""):
        raise bad("The IntegrationUri of a private integration is the ARN of an application load balancer's listener")


def _check_message_integration(given: dict[str, Any]) -> None:
    kind = given["IntegrationType"]
    if given.get("IntegrationSubtype") is not None:
        raise bad("IntegrationSubtype is only supported for HTTP APIs")
    if given.get("PayloadFormatVersion", "1.0") != "1.0":
        raise bad("PayloadFormatVersion must be 1.0 for WEBSOCKET APIs")
    uri = given.get("IntegrationUri") or ""
    if kind == "AWS" and uri and "${" not in uri and not is_function(uri):
        try:
            read_uri(uri, "")
        except IntegrationFailed as error:
            raise bad(f"Invalid integration URI: {error}") from None
    _check_templates(given.get("RequestTemplates"))


def _check_templates(templates: Mapping[str, str] | None) -> None:
    for name, template in (templates or {}).items():
        if (wrong := problem(template)) is not None:
            raise bad(f"Invalid mapping template {name}: {wrong}")


def _check_integration_response(_api: Api, given: dict[str, Any]) -> None:
    key = given["IntegrationResponseKey"]
    if key != "$default" and not re.fullmatch(r"/.+/|\d{3}", key):
        raise bad(f"Invalid IntegrationResponseKey {key}: it is $default, or a pattern between slashes such as /2../")
    try:
        java_patterns.compiled(key.strip("/") if key != "$default" else "")
    except BadPattern as error:
        raise bad(f"Invalid IntegrationResponseKey {key}: {error}") from None
    _check_templates(given.get("ResponseTemplates"))


def _check_route_response(_api: Api, given: dict[str, Any]) -> None:
    if given["RouteResponseKey"] != "$default":
        raise bad("Only $default is supported as RouteResponseKey")


def check_authorizer(api: Api, given: dict[str, Any]) -> None:
    """Raise BadRequestException for an incomplete authorizer."""
    if given["AuthorizerType"] == "JWT":
        if api.protocol == "WEBSOCKET":
            raise bad("JWT authorizers are only supported for HTTP APIs")
        jwt = given.get("JwtConfiguration") or {}
        if not jwt.get("Issuer") or not jwt.get("Audience"):
            raise bad("JwtConfiguration with Issuer and Audience is required for JWT authorizers")
        if len(given.get("IdentitySource") or ()) != 1:
            raise bad("A JWT authorizer has exactly one identity source")
        if not jwt["Issuer"].startswith(("https://", "http://")):
            raise bad(f"Invalid issuer: {jwt['Issuer']}. Issuer must have a valid scheme")
        return
    if not given.get("AuthorizerUri"):
        raise bad("AuthorizerUri is required for REQUEST authorizers")
    if api.protocol == "HTTP" and given.get("AuthorizerPayloadFormatVersion") not in ("1.0", "2.0"):
        raise bad("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer: 1.0 or 2.0")
    if given.get("EnableSimpleResponses") and given.get("AuthorizerPayloadFormatVersion") != "2.0":
        raise bad("EnableSimpleResponses is only supported with AuthorizerPayloadFormatVersion 2.0")
    if given.get("AuthorizerResultTtlInSeconds") and not given.get("IdentitySource"):
        raise bad("Caching the authorizer's results needs an identity source")


def _check_model(_api: Api, given: dict[str, Any]) -> None:
    try:
        orjson.loads(given["Schema"])
    except orjson.JSONDecodeError:
        raise bad("Model schema is invalid: it is no JSON") from None


ROUTE = Kind(
    "Route",
    "RouteId",
    "Route",
    frozenset(
        [
            "ApiKeyRequired",
            "AuthorizationScopes",
            "AuthorizationType",
            "AuthorizerId",
            "ModelSelectionExpression",
            "OperationName",
            "RequestModels",
            "RequestParameters",
            "RouteKey",
            "RouteResponseSelectionExpression",
            "Target",
        ]
    ),
    {"ApiKeyRequired": False, "AuthorizationType": "NONE"},
    check_route,
    unique="RouteKey",
)
INTEGRATION = Kind(
    "Integration",
    "IntegrationId",
    "Integration",
    frozenset(
        [
            "ConnectionId",
            "ConnectionType",
            "ContentHandlingStrategy",
            "CredentialsArn",
            "Description",
            "IntegrationMethod",
            "IntegrationSubtype",
            "IntegrationType",
            "IntegrationUri",
            "PassthroughBehavior",
            "PayloadFormatVersion",
            "RequestParameters",
            "RequestTemplates",
            "ResponseParameters",
            "TemplateSelectionExpression",
            "TimeoutInMillis",
            "TlsConfig",
        ]
    ),
    {"ConnectionType": "INTERNET"},
    check_integration,
)
AUTHORIZER = Kind(
    "Authorizer",
    "AuthorizerId",
    "Authorizer",
    frozenset(
        [
            "AuthorizerCredentialsArn",
            "AuthorizerPayloadFormatVersion",
            "AuthorizerResultTtlInSeconds",
            "AuthorizerType",
            "AuthorizerUri",
            "EnableSimpleResponses",
            "IdentitySource",
            "IdentityValidationExpression",
            "JwtConfiguration",
            "Name",
        ]
    ),
    {},
    check_authorizer,
    unique="Name",
)
MODEL = Kind(
    "Model", "ModelId", "Model", frozenset({"ContentType", "Description", "Name", "Schema"}), {}, _check_model, "Name"
)
INTEGRATION_RESPONSE = Kind(
    "IntegrationResponse",
    "IntegrationResponseId",
    "IntegrationResponse",
    frozenset(
        [
            "ContentHandlingStrategy",
            "IntegrationResponseKey",
            "ResponseParameters",
            "ResponseTemplates",
            "TemplateSelectionExpression",
        ]
    ),
    check=_check_integration_response,
    unique="IntegrationResponseKey",
    parent="Integration",
)
ROUTE_RESPONSE = Kind(
    "RouteResponse",
    "RouteResponseId",
    "RouteResponse",
    frozenset({"ModelSelectionExpression", "ResponseModels", "ResponseParameters", "RouteResponseKey"}),
    check=_check_route_response,
    unique="RouteResponseKey",
    parent="Route",
)
ALL = (ROUTE, INTEGRATION, AUTHORIZER, MODEL, INTEGRATION_RESPONSE, ROUTE_RESPONSE)
BY_NAME = {kind.name: kind for kind in ALL}


def completed(kind: Kind, api: Api, given: Mapping[str, Any]) -> dict[str, Any]:
    """A part's members with their defaults, checked."""
    full = {**kind.defaults, **given}
    if kind is INTEGRATION:
        full.setdefault("TimeoutInMillis", 30_000 if api.protocol == "HTTP" else 29_000)
        if full.get("IntegrationType") == "AWS_PROXY" and "IntegrationSubtype" not in full:
            full.setdefault("IntegrationMethod", "POST")
        if api.protocol == "WEBSOCKET":
            full.setdefault("PassthroughBehavior", "WHEN_NO_MATCH")
            full.setdefault("PayloadFormatVersion", "1.0")
            full.setdefault("IntegrationResponseSelectionExpression", "${integration.response.statuscode}")
        if api.protocol == "HTTP" and full.get("IntegrationType") == "HTTP_PROXY":
            full.setdefault("PayloadFormatVersion", "1.0")
    kind.check(api, full)
    return full
