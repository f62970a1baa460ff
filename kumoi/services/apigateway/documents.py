"""REST APIs read from Swagger 2 and OpenAPI 3 documents with the `x-amazon-apigateway-…` extensions; pure.

What a document says becomes a `Document`: the members of the API, its parts, and a method for every path and verb.
Source: "Develop REST APIs using OpenAPI in API Gateway" and "OpenAPI extensions for API Gateway".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kumoi.http_api.openapi import BadDocument, followed, loaded
from kumoi.services.apigateway.errors import bad, present
from kumoi.services.apigateway.kinds import completed_authorizer
from kumoi.services.apigateway.operations.integrations import completed, completed_response
from kumoi.services.apigateway.operations.methods import METHODS

_X = "x-amazon-apigateway-"
_PLACES = {"path": "path", "query": "querystring", "header": "header"}
_INTEGRATION = (
    *("uri", "httpMethod", "credentials", "requestParameters", "requestTemplates", "passthroughBehavior"),
    *("contentHandling", "timeoutInMillis", "cacheNamespace", "cacheKeyParameters", "connectionType", "connectionId"),
    *("tlsConfig", "responseTransferMode", "integrationTarget"),
)


@dataclass(slots=True)
class Method:
    """A method of a path; `authorizer` and `validator` are the names that the document gives them."""

    path: str
    members: dict[str, Any]
    integration: dict[str, Any] | None = None
    authorizer: str | None = None
    validator: str | None = None


@dataclass(slots=True)
class Document:
    """What a document says of an API."""

    properties: dict[str, Any]
    methods: list[Method] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    authorizers: dict[str, dict[str, Any]] = field(default_factory=dict)
    validators: dict[str, dict[str, Any]] = field(default_factory=dict)
    gateway_responses: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read(body: bytes, base_path: str = "ignore") -> Document:
    """Read a document; `base_path` is what becomes of its base path: ignore, prepend, split. BadRequestException."""
    try:
        return _Reader(loaded(body), base_path).read()
    except BadDocument as problem:
        raise bad(f"Invalid OpenAPI input: {problem}") from None
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as problem:
        raise bad(f"Invalid OpenAPI input: {type(problem).__name__}: {problem}") from None


class _Reader:
    def __init__(self, source: dict[str, Any], base_path: str) -> None:
        self.source = source
        self.swagger = "swagger" in source
        version = str(source.get("swagger") or source.get("openapi") or "")
        if not version.startswith(("2.0", "3.")):
            raise BadDocument("the document says neither swagger: 2.0 nor openapi: 3")
        if base_path not in ("ignore", "prepend", "split"):
            raise BadDocument("basepath is one of ignore, prepend, split")
        self.base = self._base(base_path)
        info = source.get("info") or {}
        title = info.get("title")
        if not title:
            raise BadDocument("Title is required: info.title")
        self.said = Document(present({"name": str(title), "description": info.get("description")}))
        if info.get("version") is not None:
            self.said.properties["version"] = str(info["version"])

    def read(self) -> Document:
        self._own()
        self._models()
        schemes = self._schemes()
        paths = self.source.get("paths") or {}
        for path, item in paths.items():
            if str(path).startswith("x-"):
                continue
            item = followed(self.source, item) or {}
            full = self.base + (path if path.startswith("/") else f"/{path}")
            full = full.rstrip("/") or "/"
            self.said.paths.append(full)
            for verb, operation in item.items():
                name = "ANY" if verb == f"{_X}any-method" else str(verb).upper()
                if name in METHODS and isinstance(operation, dict):
                    self.said.methods.append(self._method(full, name, item, operation, schemes))
        return self.said

    def _base(self, wanted: str) -> str:
        if wanted == "ignore":
            return ""
        if self.swagger:
            base = str(self.source.get("basePath") or "/")
        else:
            server = (self.source.get("servers") or [{}])[0]
            variables = server.get("variables") or {}
            found = (variables.get("basePath") or {}).get("default")
            base = str(found) if found else re.sub(r"^\w+://[^/]*", "", str(server.get("url") or ""))
        base = f"/{base.strip('/')}" if base.strip("/") else ""
        if wanted == "prepend":
            return base
        below = base.strip("/").partition("/")[2]
        return f"/{below}" if below else ""

    def _own(self) -> None:
        source, properties = self.source, self.said.properties
        for extension, member in (
            ("binary-media-types", "binaryMediaTypes"),
            ("minimum-compression-size", "minimumCompressionSize"),
            ("api-key-source", "apiKeySource"),
        ):
            if source.get(_X + extension) is not None:
                properties[member] = source[_X + extension]
        configuration = source.get(f"{_X}endpoint-configuration")
        if configuration is None and not self.swagger:
            servers = source.get("servers") or [{}]
            configuration = servers[0].get(f"{_X}endpoint-configuration")
        if isinstance(configuration, dict) and "disableExecuteApiEndpoint" in configuration:
            properties["disableExecuteApiEndpoint"] = bool(configuration["disableExecuteApiEndpoint"])
        policy = source.get(f"{_X}policy")
        if policy is not None:
            properties["policy"] = policy if isinstance(policy, str) else orjson.dumps(policy).decode()
        for name, given in (source.get(f"{_X}request-validators") or {}).items():
            self.said.validators[str(name)] = {
                "name": str(name),
                "validateRequestBody": bool(given.get("validateRequestBody")),
                "validateRequestParameters": bool(given.get("validateRequestParameters")),
            }
        for name, given in (source.get(f"{_X}gateway-responses") or {}).items():
            status = given.get("statusCode")
            self.said.gateway_responses[str(name)] = present(
                {
                    "responseType": str(name),
                    "statusCode": None if status is None else str(status),
                    "responseParameters": _texts(given.get("responseParameters")),
                    "responseTemplates": _texts(given.get("responseTemplates")),
                }
            )

    def _models(self) -> None:
        held = self.source.get("definitions") if self.swagger else (self.source.get("components") or {}).get("schemas")
        for name, schema in (held or {}).items():
            if not str(name).isalnum():
                self.said.warnings.append(f"the model {name} is left out: names of models are alphanumeric")
                continue
            self._add_model(str(name), schema)

    def _add_model(self, name: str, schema: Any) -> None:
        made = {"name": name, "contentType": "application/json", "schema": orjson.dumps(_local(schema)).decode()}
        if isinstance(schema, dict) and isinstance(schema.get("description"), str):
            made["description"] = schema["description"]
        self.said.models[name] = made

    def _schemes(self) -> dict[str, tuple[str, str | None]]:
        """What each security scheme means: an authorization type and, perhaps, an authorizer; or `key`."""
        held = (
            self.source.get("securityDefinitions")
            if self.swagger
            else (self.source.get("components") or {}).get("securitySchemes")
        )
        found: dict[str, tuple[str, str | None]] = {}
        for name, scheme in (held or {}).items():
            scheme = followed(self.source, scheme)
            given = scheme.get(f"{_X}authorizer")
            kind = str(scheme.get(f"{_X}authtype") or "").lower()
            if given is not None:
                self.said.authorizers[name] = _authorizer(name, scheme, given)
                told = self.said.authorizers[name]["type"]
                found[name] = (told if told in ("COGNITO_USER_POOLS", "JWT") else "CUSTOM", name)
            elif kind == "awssigv4":
                found[name] = ("AWS_IAM", None)
            elif scheme.get("type") == "apiKey" and str(scheme.get("name")).lower() == "x-api-key":
                found[name] = ("key", None)
            else:
                self.said.warnings.append(f"the security scheme {name} means nothing to API Gateway")
        return found

    def _method(
        self,
        path: str,
        name: str,
        item: dict[str, Any],
        operation: dict[str, Any],
        schemes: Mapping[str, tuple[str, str | None]],
    ) -> Method:
        members: dict[str, Any] = {"httpMethod": name, "authorizationType": "NONE", "apiKeyRequired": False}
        method = Method(path, members)
        self._secure(method, operation, schemes)
        if operation.get("operationId"):
            members["operationName"] = str(operation["operationId"])
        parameters, models = self._inputs(item, operation, name + path)
        if parameters:
            members["requestParameters"] = parameters
        if models:
            members["requestModels"] = models
        responses = self._outputs(operation)
        if responses:
            members["methodResponses"] = responses
        validator = operation.get(f"{_X}request-validator", self.source.get(f"{_X}request-validator"))
        if validator is not None:
            if validator in self.said.validators:
                method.validator = validator
            else:
                self.said.warnings.append(f"{name} {path} names the request validator {validator}, which there is not")
        integration = followed(self.source, operation.get(f"{_X}integration"))
        if integration is not None:
            method.integration = _integration(integration)
            declared = members.setdefault("methodResponses", {})
            for status in method.integration.get("integrationResponses") or ():
                declared.setdefault(status, {"statusCode": status})
        return method

    def _secure(self, method: Method, operation: dict[str, Any], schemes: Mapping[str, tuple[str, str | None]]) -> None:
        members = method.members
        stated = operation.get("security", self.source.get("security"))
        for requirement in stated or ():
            for name, scopes in requirement.items():
                if name not in schemes:
                    self.said.warnings.append(f"the security scheme {name} is not defined")
                    continue
                kind, authorizer = schemes[name]
                if kind == "key":
                    members["apiKeyRequired"] = True
                    continue
                members["authorizationType"], method.authorizer = kind, authorizer
                if scopes:
                    members["authorizationScopes"] = [str(scope) for scope in scopes]
        auth = operation.get(f"{_X}auth") or self.source.get(f"{_X}auth")
        if isinstance(auth, dict) and str(auth.get("type")).upper() in ("AWS_IAM", "NONE"):
            members["authorizationType"], method.authorizer = str(auth["type"]).upper(), None

    def _inputs(
        self, item: dict[str, Any], operation: dict[str, Any], where: str
    ) -> tuple[dict[str, bool], dict[str, str]]:
        parameters: dict[str, bool] = {}
        models: dict[str, str] = {}
        for given in [*(item.get("parameters") or ()), *(operation.get("parameters") or ())]:
            given = followed(self.source, given)
            place = _PLACES.get(given.get("in"))
            if place is not None:
                required = bool(given.get("required")) or place == "path"
                parameters[f"method.request.{place}.{given['name']}"] = required
            elif given.get("in") == "body" and given.get("schema") is not None:
                for media in operation.get("consumes") or self.source.get("consumes") or ["application/json"]:
                    models[media] = self._model_of(given["schema"], f"{where}Request")
        body = followed(self.source, operation.get("requestBody")) or {}
        for media, given in (body.get("content") or {}).items():
            if given.get("schema") is not None:
                models[media] = self._model_of(given["schema"], f"{where}Request")
        return parameters, models

    def _outputs(self, operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
        responses: dict[str, dict[str, Any]] = {}
        for status, given in (operation.get("responses") or {}).items():
            status = str(status)
            if not (len(status) == 3 and status.isdigit()):
                continue
            given = followed(self.source, given) or {}
            made: dict[str, Any] = {"statusCode": status}
            headers = {f"method.response.header.{name}": False for name in given.get("headers") or ()}
            models = {
                media: self._model_of(one["schema"], f"Response{status}")
                for media, one in (given.get("content") or {}).items()
                if isinstance(one, dict) and one.get("schema") is not None
            }
            if given.get("schema") is not None:
                for media in operation.get("produces") or self.source.get("produces") or ["application/json"]:
                    models[media] = self._model_of(given["schema"], f"Response{status}")
            responses[status] = {
                **made,
                **({"responseParameters": headers} if headers else {}),
                **({"responseModels": models} if models else {}),
            }
        return responses

    def _model_of(self, schema: Any, where: str) -> str:
        """The name of the model for a schema: the one it refers to, or a new one for a schema in place."""
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if isinstance(reference, str) and (name := reference.rpartition("/")[2]) in self.said.models:
            return name
        if isinstance(reference, str):
            followed(self.source, schema)
        name = "Inline" + "".join(part for part in re.split(r"[^A-Za-z0-9]", where) if part)
        number = 0
        content = orjson.dumps(_local(schema)).decode()
        while (held := self.said.models.get(f"{name}{number or ''}")) is not None and held["schema"] != content:
            number += 1
        self._add_model(f"{name}{number or ''}", schema)
        return f"{name}{number or ''}"


def _authorizer(name: str, scheme: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(given.get("type") or "token").upper()
    if kind not in ("TOKEN", "REQUEST", "COGNITO_USER_POOLS", "JWT"):
        raise bad(f"the authorizer {name} has the type {given.get('type')}, which REST APIs do not have")
    source = given.get("identitySource")
    if source is None and kind != "REQUEST" and scheme.get("name"):
        source = f"method.request.header.{scheme['name']}"
    lifetime = given.get("authorizerResultTtlInSeconds")
    return completed_authorizer(
        present(
            {
                "name": name,
                "type": kind,
                "authType": scheme.get(f"{_X}authtype"),
                "authorizerUri": given.get("authorizerUri"),
                "authorizerCredentials": given.get("authorizerCredentials"),
                "identitySource": source,
                "identityValidationExpression": given.get("identityValidationExpression"),
                "authorizerResultTtlInSeconds": None if lifetime is None else int(lifetime),
                "providerARNs": given.get("providerARNs"),
                "jwtConfiguration": given.get("jwtConfiguration"),
            }
        )
    )


def _integration(given: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(given.get("type") or "").upper()
    if kind not in ("AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"):
        raise bad(f"Invalid integration type: {given.get('type')}")
    members: dict[str, Any] = {"type": kind, **{name: given[name] for name in _INTEGRATION if name in given}}
    for name in ("passthroughBehavior", "contentHandling", "connectionType", "httpMethod", "responseTransferMode"):
        if isinstance(members.get(name), str):
            members[name] = members[name].upper()
    if "timeoutInMillis" in members:
        members["timeoutInMillis"] = int(members["timeoutInMillis"])
    for name in ("requestParameters", "requestTemplates"):
        if name in members:
            members[name] = _texts(members[name])
    if kind == "MOCK":
        members.pop("httpMethod", None)
    made = completed("", members)
    del made["cacheNamespace"]
    responses: dict[str, dict[str, Any]] = {}
    for pattern, one in (given.get("responses") or {}).items():
        status = str(one.get("statusCode") or "200")
        responses[status] = completed_response(
            {
                "statusCode": status,
                "selectionPattern": None if pattern == "default" else str(pattern),
                "responseParameters": _texts(one.get("responseParameters")) or None,
                "responseTemplates": _texts(one.get("responseTemplates")) or None,
                "contentHandling": str(one["contentHandling"]).upper() if one.get("contentHandling") else None,
            }
        )
    if responses:
        made["integrationResponses"] = responses
    return made


def _texts(given: Any) -> dict[str, str]:
    return {str(name): "" if value is None else str(value) for name, value in (given or {}).items()}


def _local(schema: Any, depth: int = 0) -> Any:
    """A schema whose references to the document's schemas are references to the API's models."""
    if depth > 100:
        raise BadDocument("a schema nests too deep")
    if isinstance(schema, list):
        return [_local(one, depth + 1) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {str(key): _local(one, depth + 1) for key, one in schema.items()}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(("#/definitions/", "#/components/schemas/")):
        made["$ref"] = f"https://apigateway.amazonaws.com/restapis/api/models/{reference.rpartition('/')[2]}"
    return made


def parents(path: str) -> Iterator[str]:
    """The paths above a path, from the root's child down to the path itself."""
    at = ""
    for part in path.strip("/").split("/"):
        if part:
            at = f"{at}/{part}"
            yield at
