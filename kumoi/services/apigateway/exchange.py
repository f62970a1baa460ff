"""One request on its way through a REST API: what is known of it, as events, templates and access logs tell it.

Source: "Input format of a Lambda function for proxy integration" and "$context variables for data models, authorizers,
mapping templates, and access logging".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from kumoi.doorway import Call
from kumoi.http_api.incoming import Incoming, request_time
from kumoi.http_api.places import execute_arn
from kumoi.services.apigateway.binary import as_event_body
from kumoi.services.apigateway.gateway_responses import Refused


@dataclass(slots=True)
class Exchange:
    """A request, its stage, its method.

    `authorizer` is what the authorizer passes on, `identity` what is known of who asks beside the usual. `lines` tells
    what happened, as execution logs do, bodies too where it is `traced`. `arrived` is platform
    time in epoch seconds.
    """

    call: Call
    incoming: Incoming
    api: str
    stage: str
    deployment: str
    variables: Mapping[str, str]
    binary_types: tuple[str, ...] = ()
    base_path: str = ""
    custom: bool = False
    resource_id: str = ""
    resource_path: str = ""
    operation_name: str | None = None
    path_parameters: dict[str, str] = field(default_factory=dict)
    authorizer: dict[str, Any] | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    refused: Refused | None = None
    integration: dict[str, Any] = field(default_factory=dict)
    integration_error: str = ""
    lines: list[str] = field(default_factory=list)
    traced: bool = True
    canary: bool = False
    arrived: float = 0.0

    def __post_init__(self) -> None:
        self.arrived = self.arrived or self.call.now

    @property
    def path(self) -> str:
        """The path of events: without the stage at an API's own address, with the base path at a custom domain."""
        path = unquote(self.incoming.path)
        return f"/{self.base_path}{path}" if self.base_path else path

    @property
    def context_path(self) -> str:
        """The path with the stage, as the client sent it."""
        return self.path if self.custom else f"/{self.stage}{self.path}"

    @property
    def method_arn(self) -> str:
        """What policies name this request by."""
        rest = f"{self.stage}/{self.incoming.method}{unquote(self.incoming.path)}"
        return execute_arn(self.call.region, self.call.account, self.api, rest)

    @property
    def source_arn(self) -> str:
        """What functions' permissions name this method by."""
        rest = f"*/{self.incoming.method}{self.resource_path}"
        return execute_arn(self.call.region, self.call.account, self.api, rest)

    @property
    def extended_id(self) -> str:
        """The id in the field `x-amz-apigw-id`."""
        return base64.b64encode(hashlib.sha256(self.call.request_id.encode()).digest()[:11]).decode()

    def log(self, text: str) -> None:
        """Tell what happened."""
        self.lines.append(text)

    def log_body(self, whose: str, body: bytes) -> None:
        """Tell the beginning of a body, where bodies are to be told."""
        if self.traced:
            self.lines.append(f"{whose} body: {body[:1024].decode('utf-8', 'replace')}")

    def context(self) -> dict[str, Any]:
        """`requestContext` of events."""
        call, incoming = self.call, self.incoming
        said: dict[str, Any] = {
            "resourceId": self.resource_id,
            "resourcePath": self.resource_path,
            "httpMethod": incoming.method,
            "extendedRequestId": self.extended_id,
            "requestTime": request_time(self.arrived),
            "path": self.context_path,
            "accountId": call.account,
            "protocol": "HTTP/1.1",
            "stage": self.stage,
            "domainPrefix": incoming.host.partition(".")[0],
            "requestTimeEpoch": int(self.arrived * 1000),
            "requestId": call.request_id,
            "identity": {**_NOBODY, "sourceIp": incoming.source, "userAgent": incoming.user_agent, **self.identity},
            "domainName": incoming.host,
            "deploymentId": self.deployment,
            "apiId": self.api,
        }
        if self.operation_name:
            said["operationName"] = self.operation_name
        if self.authorizer is not None:
            said["authorizer"] = self.authorizer
        return said

    def event(self) -> dict[str, Any]:
        """The event of a Lambda proxy integration."""
        incoming = self.incoming
        many: dict[str, list[str]] = {}
        for name, value in incoming.fields:
            if name.lower() not in ("content-length", "connection"):
                many.setdefault(name, []).append(value)
        body, encoded = as_event_body(incoming.body, incoming.headers.get("content-type", ""), self.binary_types)
        return {
            "resource": self.resource_path,
            "path": self.path,
            "httpMethod": incoming.method,
            "headers": {name: values[-1] for name, values in many.items()},
            "multiValueHeaders": many,
            "queryStringParameters": {name: values[-1] for name, values in incoming.parameters.items()} or None,
            "multiValueQueryStringParameters": incoming.parameters or None,
            "pathParameters": self.path_parameters or None,
            "stageVariables": dict(self.variables) or None,
            "requestContext": self.context(),
            "body": body,
            "isBase64Encoded": encoded,
        }

    def template_context(self) -> dict[str, Any]:
        """`$context` of templates; what a template overrides is written into it."""
        said = self.context()
        said["authorizer"] = dict(self.authorizer or {})
        refused = self.refused
        if refused is not None:
            said["error"] = {
                "message": "null" if refused.message is None else refused.message,
                "messageString": orjson.dumps(refused.message).decode(),
                "responseType": refused.case,
                "validationErrorString": refused.validation,
            }
            said["responseType"] = refused.case
        said["requestOverride"] = {"header": {}, "querystring": {}, "path": {}}
        said["responseOverride"] = {"header": {}}
        said["isCanaryRequest"] = self.canary
        said["awsEndpointRequestId"] = self.call.request_id
        return said

    def log_context(self, status: int, length: int, seconds: float) -> dict[str, Any]:
        """What access logs may tell of it: `$context` and its members."""
        said = self.template_context()
        refused = self.refused
        latency = self.integration.get("latency")
        return {
            **said,
            "status": status,
            "responseLength": length,
            "responseLatency": int(seconds * 1000),
            "integrationLatency": latency,
            "integrationStatus": self.integration.get("status"),
            "integrationErrorMessage": self.integration_error,
            "integration": {**self.integration, "error": self.integration_error},
            "error": said.get("error", {"message": "", "messageString": "", "responseType": ""}),
            "authorize": {"status": refused.status if refused and refused.case == "ACCESS_DENIED" else None},
        }


_NOBODY: dict[str, Any] = dict.fromkeys(
    (
        "cognitoIdentityPoolId",
        "accountId",
        "cognitoIdentityId",
        "caller",
        "principalOrgId",
        "accessKey",
        "cognitoAuthenticationType",
        "cognitoAuthenticationProvider",
        "userArn",
        "user",
    )
)
