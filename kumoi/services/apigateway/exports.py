"""REST APIs written as Swagger 2 and OpenAPI 3 documents; pure.

Source: "Export a REST API from API Gateway" (which extensions are written is the client's choice).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from kumoi.services.apigateway.records import Deployment

_X = "x-amazon-apigateway-"
_PLACES = {"path": "path", "querystring": "query", "header": "header"}
_NOT_WRITTEN = ("integrationResponses", "cacheNamespace", "cacheKeyParameters")


class Exporter:
    """Writes a deployment; `extensions` are `integrations`, `authorizers`, `apigateway` (all of them)."""

    def __init__(self, deployment: Deployment, *, swagger: bool, extensions: Collection[str], host: str, base: str):
        self.deployment = deployment
        self.swagger = swagger
        self.all = "apigateway" in extensions
        self.integrations = self.all or "integrations" in extensions
        self.authorizers = self.all or "authorizers" in extensions
        self.host, self.base = host, base
        self.schemas = "#/definitions/" if swagger else "#/components/schemas/"
        held = deployment.parts.get("Authorizer", {})
        self.names = {part_id: part["name"] for part_id, part in held.items()}

    def document(self) -> dict[str, Any]:
        """The whole document."""
        properties = self.deployment.properties
        info: dict[str, Any] = {"title": properties["name"], "version": properties.get("version") or self._date()}
        if properties.get("description"):
            info["description"] = properties["description"]
        said: dict[str, Any] = {"swagger": "2.0"} if self.swagger else {"openapi": "3.0.1"}
        said["info"] = info
        if self.swagger:
            said |= {"host": self.host, "basePath": f"/{self.base}", "schemes": ["https"]}
        else:
            variable = {"basePath": {"default": f"/{self.base}"}}
            said["servers"] = [{"url": f"https://{self.host}/{{basePath}}", "variables": variable}]
        said["paths"] = {
            resource.path: {
                f"{_X}any-method" if name == "ANY" else name.lower(): self._operation(method)
                for name, method in sorted(resource.methods.items())
            }
            for resource in sorted(self.deployment.resources, key=lambda one: one.path)
            if resource.methods
        }
        self._definitions(said)
        if self.all:
            self._extensions(said)
        return said

    def _date(self) -> str:
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self.deployment.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _operation(self, method: Mapping[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if method.get("operationName"):
            said["operationId"] = method["operationName"]
        responses = method.get("methodResponses") or {}
        models = method.get("requestModels") or {}
        if self.swagger:
            if models:
                said["consumes"] = list(models)
            media = sorted({one for response in responses.values() for one in response.get("responseModels") or {}})
            said["produces"] = media or ["application/json"]
        parameters = [
            self._parameter(name, required) for name, required in (method.get("requestParameters") or {}).items()
        ]
        if models and self.swagger:
            schema = {"$ref": self.schemas + next(iter(models.values()))}
            parameters.append({"in": "body", "name": next(iter(models.values())), "required": True, "schema": schema})
        if parameters:
            said["parameters"] = parameters
        if models and not self.swagger:
            content = {one: {"schema": {"$ref": self.schemas + model}} for one, model in models.items()}
            said["requestBody"] = {"content": content, "required": True}
        said["responses"] = {status: self._response(status, one) for status, one in responses.items()}
        security = self._security(method)
        if security:
            said["security"] = security
        validator = self.deployment.parts.get("RequestValidator", {}).get(method.get("requestValidatorId") or "")
        if validator and self.all:
            said[f"{_X}request-validator"] = validator.get("name") or validator["id"]
        if self.integrations and "methodIntegration" in method:
            said[f"{_X}integration"] = self._integration(method["methodIntegration"])
        return said

    def _parameter(self, name: str, required: bool) -> dict[str, Any]:
        _, _, place, key = name.split(".", 3)
        typed: dict[str, Any] = {"type": "string"} if self.swagger else {"schema": {"type": "string"}}
        return {"name": key, "in": _PLACES[place], "required": required or place == "path", **typed}

    def _response(self, status: str, response: Mapping[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {"description": f"{status} response"}
        typed: dict[str, Any] = {"type": "string"} if self.swagger else {"schema": {"type": "string"}}
        headers = {name.rpartition(".header.")[2]: typed for name in response.get("responseParameters") or {}}
        if headers:
            said["headers"] = headers
        models = response.get("responseModels") or {}
        if models and self.swagger:
            said["schema"] = {"$ref": self.schemas + next(iter(models.values()))}
        elif not self.swagger:
            said["content"] = {one: {"schema": {"$ref": self.schemas + model}} for one, model in models.items()}
        return said

    def _security(self, method: Mapping[str, Any]) -> list[dict[str, Any]]:
        security: list[dict[str, Any]] = []
        if method.get("authorizationType") == "AWS_IAM":
            security.append({"sigv4": []})
        elif method.get("authorizerId") in self.names:
            security.append({self.names[method["authorizerId"]]: list(method.get("authorizationScopes") or [])})
        if method.get("apiKeyRequired"):
            security.append({"api_key": []})
        return security

    def _integration(self, integration: Mapping[str, Any]) -> dict[str, Any]:
        said = {name: value for name, value in integration.items() if name not in _NOT_WRITTEN}
        said["type"] = integration["type"].lower()
        said["passthroughBehavior"] = integration["passthroughBehavior"].lower()
        if integration["timeoutInMillis"] == 29000:
            del said["timeoutInMillis"]
        responses = {
            one.get("selectionPattern") or "default": {
                name: value for name, value in one.items() if name != "selectionPattern"
            }
            for one in (integration.get("integrationResponses") or {}).values()
        }
        if responses:
            said["responses"] = responses
        return said

    def _definitions(self, said: dict[str, Any]) -> None:
        schemas: dict[str, Any] = {}
        for name, model in sorted(self.deployment.parts.get("Model", {}).items()):
            try:
                schemas[name] = self._referring(orjson.loads(model["schema"]))
            except orjson.JSONDecodeError:
                continue
        schemes = self._schemes()
        if self.swagger:
            said |= {"securityDefinitions": schemes} if schemes else {}
            said |= {"definitions": schemas} if schemas else {}
        else:
            said["components"] = {
                **({"schemas": schemas} if schemas else {}),
                **({"securitySchemes": schemes} if schemes else {}),
            }

    def _schemes(self) -> dict[str, Any]:
        methods = [method for resource in self.deployment.resources for method in resource.methods.values()]
        schemes: dict[str, Any] = {}
        for authorizer in self.deployment.parts.get("Authorizer", {}).values():
            source = str(authorizer.get("identitySource") or "method.request.header.Unused")
            scheme: dict[str, Any] = {"type": "apiKey", "name": source.rpartition(".")[2], "in": "header"}
            if self.authorizers:
                scheme[f"{_X}authtype"] = authorizer.get("authType", "custom")
                given = {key: value for key, value in authorizer.items() if key not in ("id", "name", "authType")}
                scheme[f"{_X}authorizer"] = {**given, "type": authorizer["type"].lower()}
            schemes[authorizer["name"]] = scheme
        if any(method.get("apiKeyRequired") for method in methods):
            schemes["api_key"] = {"type": "apiKey", "name": "x-api-key", "in": "header"}
        if any(method.get("authorizationType") == "AWS_IAM" for method in methods):
            scheme = {"type": "apiKey", "name": "Authorization", "in": "header"}
            schemes["sigv4"] = {**scheme, **({f"{_X}authtype": "awsSigv4"} if self.authorizers else {})}
        return schemes

    def _extensions(self, said: dict[str, Any]) -> None:
        properties, parts = self.deployment.properties, self.deployment.parts
        if properties.get("policy"):
            try:
                said[f"{_X}policy"] = orjson.loads(properties["policy"])
            except orjson.JSONDecodeError:
                said[f"{_X}policy"] = properties["policy"]
        for extension, member in (
            ("binary-media-types", "binaryMediaTypes"),
            ("minimum-compression-size", "minimumCompressionSize"),
            ("api-key-source", "apiKeySource"),
        ):
            if properties.get(member) is not None:
                said[_X + extension] = properties[member]
        responses = {
            name: {key: value for key, value in one.items() if key not in ("responseType", "defaultResponse")}
            for name, one in parts.get("GatewayResponse", {}).items()
        }
        if responses:
            said[f"{_X}gateway-responses"] = responses
        validators = {
            one.get("name") or one["id"]: {
                "validateRequestParameters": one["validateRequestParameters"],
                "validateRequestBody": one["validateRequestBody"],
            }
            for one in parts.get("RequestValidator", {}).values()
        }
        if validators:
            said[f"{_X}request-validators"] = validators

    def _referring(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._referring(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        made = {key: self._referring(one) for key, one in schema.items() if key != "$schema"}
        reference = schema.get("$ref")
        if isinstance(reference, str) and "/models/" in reference:
            made["$ref"] = self.schemas + reference.rpartition("/models/")[2]
        return made
