"""An HTTP API as an OpenAPI 3 document, with the `x-amazon-apigateway-…` extensions: read and written; pure.

Source: "Working with OpenAPI definitions for HTTP APIs" and "OpenAPI extensions for API Gateway".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kumoi.http_api.openapi import BadDocument, followed, loaded
from kumoi.services.apigatewayv2.errors import bad
from kumoi.services.apigatewayv2.records import Api

_METHODS = {name: name.upper() for name in ("get", "post", "put", "patch", "delete", "head", "options")}
_ANY = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_CORS = "x-amazon-apigateway-cors"
_MEMBERS = {
    "connectionId": "ConnectionId",
    "connectionType": "ConnectionType",
    "credentials": "CredentialsArn",
    "description": "Description",
    "httpMethod": "IntegrationMethod",
    "payloadFormatVersion": "PayloadFormatVersion",
    "requestParameters": "RequestParameters",
    "timeoutInMillis": "TimeoutInMillis",
    "tlsConfig": "TlsConfig",
    "uri": "IntegrationUri",
}
_CORS_MEMBERS = ("AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge")


@dataclass(frozen=True, slots=True)
class Route:
    """A route to be: its members, its integration's, and the name of its authorizer."""

    members: dict[str, Any]
    integration: dict[str, Any] | None
    authorizer: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says."""

    properties: dict[str, Any]
    tags: dict[str, str]
    authorizers: dict[str, dict[str, Any]]
    routes: list[Route]
    warnings: list[str] = field(default_factory=list)


def read(text: str, basepath: str = "ignore") -> Document:
    """Read a document; raises BadRequestException."""
    try:
        return _read(loaded(text), basepath)
    except (BadDocument, TypeError, AttributeError, KeyError) as error:
        raise bad(f"Unable to parse API definition because of a malformed document: {error}") from None


def _read(document: dict[str, Any], basepath: str) -> Document:
    if not str(document.get("openapi", "")).startswith("3."):
        raise bad("Unsupported API definition: HTTP APIs are imported from OpenAPI 3 documents")
    warnings: list[str] = []
    info = document.get("info") or {}
    properties: dict[str, Any] = {"Name": str(info.get("title") or "")}
    if not properties["Name"]:
        raise bad("Invalid API definition: info.title is required")
    if info.get("version") is not None:
        properties["Version"] = str(info["version"])
    if info.get("description"):
        properties["Description"] = str(info["description"])
    if isinstance(document.get(_CORS), dict):
        properties["CorsConfiguration"] = _cors(document[_CORS])
    if document.get("x-amazon-apigateway-disable-execute-api-endpoint"):
        properties["DisableExecuteApiEndpoint"] = True
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    authorizers = {}
    for name, scheme in schemes.items():
        made = _authorizer(name, followed(document, scheme))
        if made is not None:
            authorizers[name] = made
    prefix = _prefix(document, basepath)
    routes: list[Route] = []
    for path, item in (document.get("paths") or {}).items():
        for method, operation in followed(document, item).items():
            verb = "ANY" if method == _ANY else _METHODS.get(method)
            if verb is None:
                continue
            key = "$default" if path.lstrip("/") == "$default" else f"{verb} {prefix}{path}"
            routes.append(_route(document, key, operation or {}, authorizers, warnings))
    return Document(properties, _tags(document), authorizers, routes, warnings)


def _route(
    document: dict[str, Any],
    key: str,
    operation: Mapping[str, Any],
    authorizers: Mapping[str, Any],
    warnings: list[str],
) -> Route:
    members: dict[str, Any] = {"RouteKey": key}
    if operation.get("operationId"):
        members["OperationName"] = str(operation["operationId"])
    authorizer: str | None = None
    for requirement in operation.get("security", document.get("security")) or []:
        for name, scopes in requirement.items():
            if name in authorizers:
                authorizer = name
                if authorizers[name]["AuthorizerType"] == "JWT":
                    members["AuthorizationType"] = "JWT"
                    if scopes:
                        members["AuthorizationScopes"] = list(scopes)
                else:
                    members["AuthorizationType"] = "CUSTOM"
            elif _is_iam(followed(document, _scheme(document, name))):
                members["AuthorizationType"] = "AWS_IAM"
    if "AuthorizationType" not in members and (operation.get("x-amazon-apigateway-auth") or {}).get("type") in (
        "AWS_IAM",
        "sigv4",
    ):
        members["AuthorizationType"] = "AWS_IAM"
    given = followed(document, operation.get(_INTEGRATION))
    if given is None:
        warnings.append(f"{key} has no integration")
        return Route(members, None, authorizer)
    return Route(members, _integration(given), authorizer)


def _integration(given: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise bad("Invalid API definition: an integration is an object")
    members: dict[str, Any] = {"IntegrationType": str(given.get("type", "")).upper()}
    members.update({ours: given[theirs] for theirs, ours in _MEMBERS.items() if theirs in given})
    if given.get("subtype"):
        members["IntegrationSubtype"] = given["subtype"]
    if isinstance(members.get("TimeoutInMillis"), str):
        members["TimeoutInMillis"] = int(members["TimeoutInMillis"])
    if "PayloadFormatVersion" in members:
        members["PayloadFormatVersion"] = str(members["PayloadFormatVersion"])
    elif members["IntegrationType"] == "AWS_PROXY" and "IntegrationSubtype" not in members:
        members["PayloadFormatVersion"] = "1.0"
    if members["IntegrationType"] == "HTTP_PROXY":
        method = str(members.get("IntegrationMethod", "ANY")).upper()
        members["IntegrationMethod"] = "ANY" if method == _ANY.upper() else method
    responses = given.get("responseParameters")
    if responses:
        members["ResponseParameters"] = responses
    return members


def _authorizer(name: str, scheme: Mapping[str, Any]) -> dict[str, Any] | None:
    given = scheme.get(_AUTHORIZER)
    if not isinstance(given, dict):
        return None
    source = given.get("identitySource")
    sources = [one.strip() for one in source.split(",")] if isinstance(source, str) else list(source or [])
    kind = str(given.get("type", "")).lower()
    if kind == "jwt" or "jwtConfiguration" in given:
        jwt = given.get("jwtConfiguration") or {}
        audience = jwt.get("audience") or []
        return {
            "Name": name,
            "AuthorizerType": "JWT",
            "IdentitySource": sources or ["$request.header.Authorization"],
            "JwtConfiguration": {
                "Issuer": str(jwt.get("issuer") or ""),
                "Audience": [audience] if isinstance(audience, str) else list(audience),
            },
        }
    members: dict[str, Any] = {
        "Name": name,
        "AuthorizerType": "REQUEST",
        "IdentitySource": sources,
        "AuthorizerUri": given.get("authorizerUri"),
        "AuthorizerPayloadFormatVersion": str(given.get("authorizerPayloadFormatVersion", "2.0")),
    }
    if "enableSimpleResponses" in given:
        members["EnableSimpleResponses"] = bool(given["enableSimpleResponses"])
    if given.get("authorizerResultTtlInSeconds") is not None:
        members["AuthorizerResultTtlInSeconds"] = int(given["authorizerResultTtlInSeconds"])
    if given.get("authorizerCredentials"):
        members["AuthorizerCredentialsArn"] = given["authorizerCredentials"]
    return members


def _scheme(document: Mapping[str, Any], name: str) -> Any:
    return ((document.get("components") or {}).get("securitySchemes") or {}).get(name) or {}


def _is_iam(scheme: Any) -> bool:
    return isinstance(scheme, dict) and scheme.get("x-amazon-apigateway-authtype") in ("awsSigv4", "AWS_IAM")


def _cors(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in _CORS_MEMBERS:
        name = member[0].lower() + member[1:]
        if name in given:
            value = given[name]
            found[member] = value.split(",") if isinstance(value, str) and member not in ("MaxAge",) else value
    return found


def _tags(document: Mapping[str, Any]) -> dict[str, str]:
    key = "x-amazon-apigateway-tag-value"
    return {
        str(tag["name"]): str(tag[key]) for tag in document.get("tags") or [] if isinstance(tag, dict) and key in tag
    }


def _prefix(document: Mapping[str, Any], basepath: str) -> str:
    """What goes before each path: the base path of the server's URL, where the client wants it (`prepend`)."""
    if basepath not in ("ignore", "prepend", "split"):
        raise bad("basepath is ignore, prepend or split")
    servers = document.get("servers") or []
    if basepath == "ignore" or not servers:
        return ""
    url = str(servers[0].get("url", ""))
    variables = servers[0].get("variables") or {}
    stated = (variables.get("basePath") or {}).get("default")
    path = str(stated) if stated is not None else "/" + url.partition("://")[2].partition("/")[2]
    segments = [segment for segment in path.split("/") if segment and "{" not in segment]
    if basepath == "split":
        segments = segments[1:]
    return "/" + "/".join(segments) if segments else ""


def exported(api: Api, parts: Mapping[str, Mapping[str, Mapping[str, Any]]], extensions: bool) -> dict[str, Any]:
    """The document of an API's parts, by kind and id."""
    document: dict[str, Any] = {
        "openapi": "3.0.1",
        "info": {"title": api.properties["Name"], "version": api.properties.get("Version", "1.0")},
        "paths": {},
    }
    if api.properties.get("Description"):
        document["info"]["description"] = api.properties["Description"]
    names = {identity: str(members["Name"]) for identity, members in parts.get("Authorizer", {}).items()}
    for route in parts.get("Route", {}).values():
        verb, _, path = route["RouteKey"].partition(" ")
        method = _ANY if verb in ("ANY", "$default") else verb.lower()
        operation: dict[str, Any] = {
            "responses": {"default": {"description": f"Default response for {route['RouteKey']}"}}
        }
        if route.get("OperationName"):
            operation["operationId"] = route["OperationName"]
        variables = [segment.strip("{}+") for segment in path.split("/") if segment.startswith("{")]
        if variables:
            operation["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in variables
            ]
        if route.get("AuthorizerId") in names:
            operation["security"] = [{names[route["AuthorizerId"]]: route.get("AuthorizationScopes") or []}]
        integration = parts.get("Integration", {}).get(str(route.get("Target", "")).removeprefix("integrations/"))
        if extensions and integration is not None:
            operation[_INTEGRATION] = _integration_out(integration)
        if extensions and verb == "$default":
            operation["isDefaultRoute"] = True
        document["paths"].setdefault(path or "/$default", {})[method] = operation
    if names:
        document["components"] = {
            "securitySchemes": {
                names[identity]: _scheme_out(members) if extensions else {"type": "oauth2"}
                for identity, members in parts["Authorizer"].items()
            }
        }
    if extensions and api.properties.get("CorsConfiguration"):
        document[_CORS] = {
            member[0].lower() + member[1:]: value for member, value in api.properties["CorsConfiguration"].items()
        }
    if extensions:
        document["x-amazon-apigateway-importexport-version"] = "1.0"
    return document


def _integration_out(members: Mapping[str, Any]) -> dict[str, Any]:
    given = {theirs: members[ours] for theirs, ours in _MEMBERS.items() if ours in members}
    if members.get("IntegrationSubtype"):
        given["subtype"] = members["IntegrationSubtype"]
    if members.get("ResponseParameters"):
        given["responseParameters"] = members["ResponseParameters"]
    return {"type": members["IntegrationType"].lower(), **given}


def _scheme_out(members: Mapping[str, Any]) -> dict[str, Any]:
    if members["AuthorizerType"] == "JWT":
        jwt = members["JwtConfiguration"]
        authorizer = {
            "type": "jwt",
            "identitySource": ",".join(members["IdentitySource"]),
            "jwtConfiguration": {"issuer": jwt["Issuer"], "audience": jwt["Audience"]},
        }
        return {"type": "oauth2", _AUTHORIZER: authorizer}
    authorizer = {
        "type": "request",
        "identitySource": ",".join(members.get("IdentitySource") or []),
        "authorizerUri": members["AuthorizerUri"],
        "authorizerPayloadFormatVersion": members.get("AuthorizerPayloadFormatVersion", "2.0"),
        "enableSimpleResponses": members.get("EnableSimpleResponses", False),
        "authorizerResultTtlInSeconds": members.get("AuthorizerResultTtlInSeconds", 0),
    }
    return {"type": "apiKey", "name": "Authorization", "in": "header", _AUTHORIZER: authorizer}
