"""One event of a connection (it opens, a message comes, it has ended): as functions and access logs see it.

Source: "Set up a WebSocket API integration request" and "API Gateway WebSocket API mapping template reference".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kumoi.doorway import Call
from kumoi.http_api.connections import Connection
from kumoi.http_api.incoming import Incoming, request_time
from kumoi.http_api.places import execute_arn

_NO_STATUS = "Client-side close frame status not set"
_REASONS = {
    1000: "Connection Closed Normally",
    1001: "Going away",
    1003: "Unsupported data",
    1005: _NO_STATUS,
    1006: "Connection closed abnormally",
    1009: "Message too big",
}


@dataclass(slots=True)
class Occasion:
    """What happens on a connection. `incoming` is the handshake's request, `body` a message, `closed` code and reason.

    `call.request_id` is the event's request id.
    """

    call: Call
    connection: Connection
    kind: Literal["CONNECT", "MESSAGE", "DISCONNECT"]
    variables: Mapping[str, str]
    route_key: str = ""
    incoming: Incoming | None = None
    body: str | None = None
    message_id: str | None = None
    closed: tuple[int, str] | None = None
    error: str = ""
    integration_error: str = ""
    logged: dict[str, Any] = field(default_factory=dict)

    @property
    def route_arn(self) -> str:
        """What policies name this event by."""
        connection = self.connection
        rest = f"{connection.stage}/{self.route_key}"
        return execute_arn(connection.region, connection.account, connection.api, rest)

    def context(self) -> dict[str, Any]:
        """`requestContext` of the event."""
        call, connection = self.call, self.connection
        said: dict[str, Any] = {"routeKey": self.route_key}
        if connection.authorizer is not None:
            said["authorizer"] = dict(connection.authorizer)
        if self.message_id is not None:
            said["messageId"] = self.message_id
        if self.closed is not None:
            code, reason = self.closed
            said["disconnectStatusCode"] = code
            said["disconnectReason"] = reason or _REASONS.get(code, "")
        return {
            **said,
            "eventType": self.kind,
            "extendedRequestId": call.request_id,
            "requestTime": request_time(call.now),
            "messageDirection": "IN",
            "stage": connection.stage,
            "connectedAt": int(connection.connected_at * 1000),
            "requestTimeEpoch": int(call.now * 1000),
            "identity": dict(connection.identity),
            "requestId": call.request_id,
            "domainName": connection.host,
            "connectionId": connection.id,
            "apiId": connection.api,
        }

    def event(self) -> dict[str, Any]:
        """The event that an integration of type AWS_PROXY gets."""
        said: dict[str, Any] = self.request_members()
        said["requestContext"] = self.context()
        if self.variables:
            said["stageVariables"] = dict(self.variables)
        if self.body is not None:
            said["body"] = self.body
        said["isBase64Encoded"] = False
        return said

    def request_members(self) -> dict[str, Any]:
        """Header fields and query parameters: the handshake's; a connection that has ended has placeholders."""
        if self.kind == "DISCONNECT":
            host = self.connection.host
            empty = {"x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
            headers = {"Host": host, **empty}
            return {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
        if self.incoming is None:
            return {}
        many: dict[str, list[str]] = {}
        for name, value in self.incoming.fields:
            many.setdefault(name, []).append(value)
        said: dict[str, Any] = {
            "headers": {name: values[-1] for name, values in many.items()},
            "multiValueHeaders": many,
        }
        if parameters := self.incoming.parameters:
            said["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()}
            said["multiValueQueryStringParameters"] = parameters
        return said

    def refusal(self, text: str) -> str:
        """What a client gets in place of an answer, as a message or as the handshake's body."""
        return f'{{"message": "{text}", "connectionId":"{self.connection.id}", "requestId":"{self.call.request_id}"}}'

    def log_context(self, status: int, seconds: float) -> dict[str, Any]:
        """What access logs may tell of it: `$context` and its members."""
        said = self.context()
        error = self.error
        return {
            **said,
            "accountId": self.connection.account,
            "error": {"message": error, "messageString": f'"{error}"' if error else ""},
            "integration": {"error": self.integration_error, "latency": int(seconds * 1000), "status": status},
            "integrationErrorMessage": self.integration_error,
            "integrationLatency": int(seconds * 1000),
            "status": status,
            **self.logged,
        }
