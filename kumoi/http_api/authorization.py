"""Which permissions calls to API Gateway need: its actions are HTTP methods, its resources the paths below the API.

Both API Gateways have the prefix `apigateway`. Source: "Actions, resources, and condition keys for Amazon API Gateway
Management" (and V2) of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import pass_role
from kumoi.names import partition_of

_METHODS = (
    (("Create", "Import", "Flush", "Generate"), "POST"),
    (("Get", "Export"), "GET"),
    (("Update", "TestInvoke"), "PATCH"),
    (("Put", "Reimport"), "PUT"),
    (("Delete", "Reset"), "DELETE"),
)
_CREDENTIALS = ("CredentialsArn", "AuthorizerCredentialsArn", "credentials", "authorizerCredentials")


def api_asks(call: Call) -> Iterator[Ask]:
    """The method on the path, as the request has them, and the roles that an integration or authorizer is handed."""
    if call.http is None:
        method, path = _method(call.operation), "*"
    else:
        method, path = call.http.method, _path(call.http.path)
    partition = partition_of(call.region)
    yield Ask(f"apigateway:{method}", f"arn:{partition}:apigateway:{call.region}::{path}")
    for member in _CREDENTIALS:
        yield from pass_role(call, call.params.get(member), "apigateway.amazonaws.com")
    for patch in call.params.get("patchOperations") or ():
        if isinstance(patch, Mapping) and str(patch.get("path", "")).strip("/") in _CREDENTIALS:
            yield from pass_role(call, patch.get("value"), "apigateway.amazonaws.com")


def _path(sent: str) -> str:
    """A request's path as policies have it: however it was encoded, only the ARN behind `/tags/` is."""
    path = sent.removeprefix("/v2").rstrip("/")
    if path.startswith("/tags/"):
        return "/tags/" + quote(unquote(path.removeprefix("/tags/")), safe="")
    return unquote(path)


def _method(operation: str) -> str:
    return next((method for starts, method in _METHODS if operation.startswith(starts)), "POST")


class ApiGatewayAuthorization(Authorization):
    """The facts of either API Gateway: all its operations alike."""

    def __init__(self) -> None:
        super().__init__("apigateway")

    def asks(self, call: Call) -> tuple[Ask, ...]:
        """The permissions a call needs."""
        return tuple(api_asks(call))
