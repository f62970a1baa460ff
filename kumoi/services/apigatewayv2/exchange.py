"""One request on its way through an HTTP API: what is known of it, as events and access logs tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from kumoi.doorway import Call
from kumoi.http_api.incoming import Incoming, as_text, body_members, request_time
from kumoi.http_api.places import execute_arn


@dataclass(slots=True)
class Exchange:
    """A request, its stage, its route. `authorizer` is what the authorizer passes on, in the form of format 2.0."""

    call: Call
    incoming: Incoming
    api: str
    stage: str
    variables: Mapping[str, str]
    route_key: str = ""
    path_parameters: dict[str, str] = field(default_factory=dict)
    authorizer: dict[str, Any] | None = None
    base_path: str = ""
    error: str = ""
    integration_error: str = ""

    @property
    def raw_path(self) -> str:
        """The path as HTTP APIs tell it: decoded, behind a named stage."""
        path = unquote(self.incoming.path)
        return path if self.stage == "$default" else f"/{self.stage}{path}"

    @property
    def resource_path(self) -> str:
        """The path of the route."""
        return self.route_key.partition(" ")[2] or self.route_key

    @property
    def route_arn(self) -> str:
        """What policies name this request by."""
        rest = f"{self.stage}/{self.incoming.method}{unquote(self.incoming.path)}"
        return execute_arn(self.call.region, self.call.account, self.api, rest)

    @property
    def source_arn(self) -> str:
        """What functions' permissions name this request by: as policies do, but for the route that takes the rest."""
        if self.route_key != "$default":
            return self.route_arn
        return execute_arn(self.call.region, self.call.account, self.api, f"{self.stage}/$default")

    def context(self) -> dict[str, Any]:
        """`requestContext` of format 2.0."""
        call, incoming = self.call, self.incoming
        said: dict[str, Any] = {
            "accountId": call.account,
            "apiId": self.api,
            "domainName": incoming.host,
            "domainPrefix": incoming.host.partition(".")[0],
            "http": {
                "method": incoming.method,
                "path": self.raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": incoming.source,
                "userAgent": incoming.user_agent,
            },
            "requestId": call.request_id,
            "routeKey": self.route_key,
            "stage": self.stage,
            "time": request_time(call.now),
            "timeEpoch": int(call.now * 1000),
        }
        if self.authorizer is not None:
            said["authorizer"] = self.authorizer
        return said

    def event_2(self) -> dict[str, Any]:
        """The event of payload format 2.0."""
        incoming = self.incoming
        headers = incoming.headers
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": self.route_key,
            "rawPath": self.raw_path,
            "rawQueryString": incoming.query,
        }
        if "cookie" in headers:
            event["cookies"] = incoming.cookies
            headers = {name: value for name, value in headers.items() if name != "cookie"}
        event["headers"] = headers
        if incoming.query:
            event["queryStringParameters"] = {name: ",".join(values) for name, values in incoming.parameters.items()}
        event["requestContext"] = self.context()
        if self.path_parameters:
            event["pathParameters"] = self.path_parameters
        if self.variables:
            event["stageVariables"] = dict(self.variables)
        event["isBase64Encoded"] = False
        if incoming.body:
            text = as_text(incoming.body, incoming.headers.get("content-type", ""))
            event["body"], event["isBase64Encoded"] = body_members(incoming.body, text)
        return event

    def event_1(self) -> dict[str, Any]:
        """The event of payload format 1.0."""
        incoming = self.incoming
        body: str | None = None
        encoded = False
        if incoming.body:
            text = as_text(incoming.body, incoming.headers.get("content-type", ""))
            body, encoded = body_members(incoming.body, text)
        prefix = f"/{self.base_path}" if self.base_path else ""
        many: dict[str, list[str]] = {}
        for name, value in incoming.fields:
            many.setdefault(name.lower(), []).append(value)
        return {
            "version": "1.0",
            "resource": self.resource_path,
            "path": prefix + self.raw_path,
            "httpMethod": incoming.method,
            "headers": {name: values[-1] for name, values in many.items()},
            "multiValueHeaders": many,
            "queryStringParameters": {name: values[-1] for name, values in incoming.parameters.items()} or None,
            "multiValueQueryStringParameters": incoming.parameters or None,
            "requestContext": self._context_1(prefix),
            "pathParameters": self.path_parameters or None,
            "stageVariables": dict(self.variables) or None,
            "body": body,
            "isBase64Encoded": encoded,
        }

    def _context_1(self, prefix: str) -> dict[str, Any]:
        call, incoming = self.call, self.incoming
        said = self.authorizer or {}
        iam = said.get("iam", {})
        context: dict[str, Any] = {
            "accountId": call.account,
            "apiId": self.api,
            "domainName": incoming.host,
            "domainPrefix": incoming.host.partition(".")[0],
            "extendedRequestId": call.request_id,
            "httpMethod": incoming.method,
            "identity": {
                "accessKey": iam.get("accessKey"),
                "accountId": iam.get("accountId"),
                "caller": iam.get("callerId"),
                "cognitoAmr": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": incoming.source,
                "user": iam.get("userId"),
                "userAgent": incoming.user_agent,
                "userArn": iam.get("userArn"),
            },
            "path": prefix + self.raw_path,
            "protocol": "HTTP/1.1",
            "requestId": call.request_id,
            "requestTime": request_time(call.now),
            "requestTimeEpoch": int(call.now * 1000),
            "resourceId": None,
            "resourcePath": self.resource_path,
            "stage": self.stage,
        }
        if "jwt" in said:
            context["authorizer"] = said["jwt"]
        elif "lambda" in said:
            context["authorizer"] = said["lambda"]
        return context

    def log_context(self, status: int, length: int, seconds: float) -> dict[str, Any]:
        """What access logs may tell of it: `$context` and its members."""
        incoming = self.incoming
        passed = (self.authorizer or {}).get("lambda") or {}
        jwt = (self.authorizer or {}).get("jwt") or {}
        milliseconds = int(seconds * 1000)
        return {
            "accountId": self.call.account,
            "apiId": self.api,
            "authorizer": {**passed, **({"claims": jwt["claims"]} if "claims" in jwt else {})},
            "awsEndpointRequestId": self.call.request_id,
            "dataProcessed": len(incoming.body) + length,
            "domainName": incoming.host,
            "domainPrefix": incoming.host.partition(".")[0],
            "error": {"message": self.error, "messageString": f'"{self.error}"' if self.error else ""},
            "extendedRequestId": self.call.request_id,
            "httpMethod": incoming.method,
            "identity": {"sourceIp": incoming.source, "userAgent": incoming.user_agent},
            "integration": {"error": self.integration_error, "latency": milliseconds, "status": status},
            "integrationErrorMessage": self.integration_error,
            "integrationLatency": milliseconds,
            "integrationStatus": status,
            "path": self.raw_path,
            "protocol": "HTTP/1.1",
            "requestId": self.call.request_id,
            "requestTime": request_time(self.call.now),
            "requestTimeEpoch": int(self.call.now * 1000),
            "responseLatency": milliseconds,
            "responseLength": length,
            "routeKey": self.route_key,
            "stage": self.stage,
            "status": status,
        }
