"""The parts of an API that are alike: authorizers, models, request validators, gateway responses, documentation.

One row a kind says what it is made of, which patch paths there are, and what cannot be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from kumoi.services.apigateway import patches
from kumoi.services.apigateway.errors import bad

MODEL_LIMIT = 400 * 1024
OWN_HOSTS = frozenset(["localhost", "127.0.0.1", "::1"])
"""Where an issuer may be that is no HTTPS endpoint, or a user pool that is not AWS's: on this machine."""

_POOL = re.compile(r"arn:[^:]+:cognito-idp:[^:]+:[0-9]*:userpool/.+")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of part. `missing` is what AWS says where there is none; `named` parts have their name as their id."""

    name: str
    missing: str
    fields: patches.Fields
    check: Callable[[dict[str, Any]], None]
    named: str = ""


def check_authorizer(given: dict[str, Any]) -> None:
    """Raise BadRequestException for an incomplete authorizer."""
    kind, source = given["type"], given.get("identitySource") or ""
    if not given.get("name"):
        raise bad("Authorizer name cannot be empty")
    if kind == "JWT":
        check_jwt(given.get("jwtConfiguration") or {})
    elif kind == "COGNITO_USER_POOLS":
        if not given.get("providerARNs"):
            raise bad("At least one provider ARN is required for a COGNITO_USER_POOLS authorizer")
        if any(not _POOL.fullmatch(one) for one in given["providerARNs"]):
            raise bad("Invalid Cognito User Pool ARN")
    else:
        if ":lambda:path/" not in (given.get("authorizerUri") or ""):
            raise bad("Invalid Authorizer URI: it must be the invocation path of a Lambda function")
        if kind == "REQUEST":
            for one in filter(None, (part.strip() for part in source.split(","))):
                if not one.startswith(
                    ("method.request.header.", "method.request.querystring.", "context.", "stageVariables.")
                ):
                    raise bad(f"Invalid identity source: {one}")
            if not source and given.get("authorizerResultTtlInSeconds", 300):
                raise bad("Identity source is required for REQUEST authorizers whose results are cached")
    if kind != "REQUEST" and not source.startswith("method.request.header."):
        raise bad(f"Invalid identity source: {source or '(none)'}. It must be a method.request.header expression")
    if not 0 <= given.get("authorizerResultTtlInSeconds", 300) <= 3600:
        raise bad("Authorizer result TTL must be between 0 and 3600 seconds")


def check_jwt(given: dict[str, Any]) -> None:
    """Raise BadRequestException for issuers that cannot be trusted; those on this machine need no HTTPS."""
    if not given.get("issuers") or not given.get("defaultAlgorithms"):
        raise bad("A JWT authorizer needs a jwtConfiguration with issuers and defaultAlgorithms")
    for one in given["issuers"]:
        try:
            parts = urlsplit(one["issuer"])
            own = parts.scheme == "http" and parts.hostname in OWN_HOSTS
        except ValueError:
            raise bad(f"Invalid issuer: {one['issuer']}") from None
        if (
            not parts.hostname
            or parts.username
            or parts.query
            or parts.fragment
            or (parts.scheme != "https" and not own)
        ):
            raise bad(f"Invalid issuer: {one['issuer']}. It is an https URL without user, query and fragment")
        if not one.get("audiences") or not all(one["audiences"]):
            raise bad("Each issuer of a JWT authorizer needs audiences, none of which is empty")
        names = [rule["claimName"] for rule in one.get("additionalClaims") or ()]
        if len(set(names)) != len(names):
            raise bad("Claim names must be unique within an issuer")


def completed_authorizer(given: dict[str, Any]) -> dict[str, Any]:
    """An authorizer with what AWS fills in."""
    auth_type = {"COGNITO_USER_POOLS": "cognito_user_pools"}.get(given["type"], "custom")
    filled = {"authType": auth_type, **given}
    if given["type"] in ("TOKEN", "REQUEST"):
        filled.setdefault("authorizerResultTtlInSeconds", 300)
    if given["type"] == "JWT":
        filled.pop("authType", None)
    if given["type"] != "REQUEST":
        filled.setdefault("identitySource", "method.request.header.Authorization")
    return filled


def check_model(given: dict[str, Any]) -> None:
    """Raise BadRequestException for what is no model."""
    name = given.get("name") or ""
    if not name.isascii() or not name.isalnum():
        raise bad(f"Model name must be alphanumeric: {name}")
    schema = given.get("schema") or ""
    if len(schema) > MODEL_LIMIT:
        raise bad("Model schema is too large: it may have 400 kB")
    if not schema:
        raise bad("Model schema must have at least 1 property or array items defined")
    try:
        orjson.loads(schema)
    except orjson.JSONDecodeError as error:
        if "json" in given["contentType"]:
            raise bad(f"Invalid model specified: Validation Result: warnings : [], errors : [{error}]") from None


def check_validator(given: dict[str, Any]) -> None:
    """Every validator can be."""


def check_gateway_response(given: dict[str, Any]) -> None:
    """Raise BadRequestException for a gateway response that cannot be."""
    status = given.get("statusCode")
    if status is not None and not (len(status) == 3 and status.isdigit() and "400" <= status <= "599"):
        raise bad(f"Invalid status code specified: {status}")
    for name in given.get("responseParameters") or ():
        if not name.startswith("gatewayresponse.header."):
            raise bad(f"Invalid response parameter specified: {name}")


def check_documentation(given: dict[str, Any]) -> None:
    """Raise BadRequestException for properties that are no JSON."""
    try:
        orjson.loads(given.get("properties") or "")
    except orjson.JSONDecodeError:
        raise bad("Documentation properties must be a JSON object") from None


def check_version(given: dict[str, Any]) -> None:
    """Raise BadRequestException for a version without a name."""
    if not given["version"]:
        raise bad("Documentation version cannot be empty")


AUTHORIZER = Kind(
    "Authorizer",
    "Invalid Authorizer identifier specified",
    {
        "name": patches.text,
        "type": patches.text,
        "authType": patches.text,
        "authorizerUri": patches.text,
        "authorizerCredentials": patches.text,
        "authorizerResultTtlInSeconds": patches.whole,
        "identitySource": patches.text,
        "identityValidationExpression": patches.text,
        "providerARNs": patches.members,
    },
    check_authorizer,
)
MODEL = Kind(
    "Model",
    "Invalid model name specified",
    {"description": patches.text, "schema": patches.text},
    check_model,
    named="name",
)
VALIDATOR = Kind(
    "RequestValidator",
    "Invalid Request Validator identifier specified",
    {"name": patches.text, "validateRequestBody": patches.flag, "validateRequestParameters": patches.flag},
    check_validator,
)
GATEWAY_RESPONSE = Kind(
    "GatewayResponse",
    "Invalid Gateway Response type specified",
    {
        "statusCode": patches.text,
        "responseParameters": patches.mapping(),
        "responseTemplates": patches.mapping(),
    },
    check_gateway_response,
    named="responseType",
)
DOCUMENTATION_VERSION = Kind(
    "DocumentationVersion",
    "Invalid Documentation version specified",
    {"description": patches.text},
    check_version,
    named="version",
)
DOCUMENTATION_PART = Kind(
    "DocumentationPart",
    "Invalid Documentation part identifier specified",
    {"properties": patches.text},
    check_documentation,
)
