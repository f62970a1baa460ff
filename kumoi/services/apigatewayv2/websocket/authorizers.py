"""Who may connect to a WebSocket API: anybody (NONE), signed requests (AWS_IAM), or whom a function lets (CUSTOM).

Asked once, at the handshake; what a function passes on goes into every event of the connection. Results are not kept.
Source: "Controlling and managing access to a WebSocket API".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from kumoi.doorway import Ask
from kumoi.http_api.authorizers import BadAuthorizer, Verdict, verdict
from kumoi.http_api.functions import FunctionCaller, IntegrationFailed, function_of, with_stage_variables
from kumoi.http_api.places import execute_arn
from kumoi.services.apigatewayv2.websocket.occasion import Occasion
from kumoi.services.apigatewayv2.websocket.selection import as_text, member
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_AUTHORIZER_SECONDS = 29.0


class Refused(Exception):
    """The handshake is refused with `status` and `message`; the text says why."""

    def __init__(self, status: int, message: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.message = message


async def authorize(
    occasion: Occasion, route: Mapping[str, Any], authorizers: Mapping[str, Mapping[str, Any]]
) -> Verdict | None:
    """Let a handshake pass, its connection's identity and `authorizer` filled in; raises Refused."""
    kind = route.get("AuthorizationType", "NONE")
    if kind == "AWS_IAM":
        await _signed(occasion)
    if kind != "CUSTOM":
        return None
    authorizer = authorizers.get(route.get("AuthorizerId", ""))
    if authorizer is None:
        raise Refused(500, "Internal server error", "the route's authorizer does not exist")
    for source in authorizer.get("IdentitySource") or []:
        if not _identity(source, occasion):
            raise Refused(401, "Unauthorized", f"{source} is missing from the request")
    began = perf_counter()
    said = await _ask(occasion, route["AuthorizerId"], authorizer)
    if not said.permits(occasion.route_arn, occasion.call.account, occasion.call.region, occasion.connection.source):
        raise Refused(403, "Forbidden", "the authorizer denies it")
    occasion.connection.authorizer = {
        "principalId": said.principal,
        **{name: as_text(value) for name, value in said.context.items()},
        "integrationLatency": int((perf_counter() - began) * 1000),
    }
    return said


async def _signed(occasion: Occasion) -> None:
    caller = occasion.call.caller
    if caller.access_key is None:
        raise Refused(403, "Missing Authentication Token", "the route wants signed requests (AWS_IAM)")
    doorway = occasion.call.doorway
    try:
        await doorway.identity.require(
            occasion.call, doorway.registry["execute-api"], Ask("execute-api:Invoke", occasion.route_arn)
        )
    except AwsError as error:
        raise Refused(403, "Forbidden", error.message) from None
    occasion.connection.identity = {
        "accountId": caller.account,
        "caller": caller.id,
        "accessKey": caller.access_key,
        "user": caller.id,
        "userArn": caller.arn,
        **occasion.connection.identity,
    }


def _identity(source: str, occasion: Occasion) -> str | None:
    """The value of an identity source such as `route.request.header.Auth`."""
    incoming = occasion.incoming
    assert incoming is not None, "only handshakes are authorised"
    match source.removeprefix("$").removeprefix("route.").split(".", 2):
        case ["request", "header", name]:
            return incoming.headers.get(name.lower())
        case ["request", "querystring", name]:
            return ",".join(incoming.parameters.get(name, []))
        case ["stageVariables", *name]:
            return occasion.variables.get(".".join(name))
        case ["context", *name]:
            found = member(occasion.context(), ".".join(name))
            return None if found is None else as_text(found)
    return None


async def _ask(occasion: Occasion, authorizer_id: str, authorizer: Mapping[str, Any]) -> Verdict:
    function = function_of(with_stage_variables(authorizer["AuthorizerUri"], occasion.variables))
    event = {
        "type": "REQUEST",
        "methodArn": occasion.route_arn,
        **occasion.request_members(),
        "stageVariables": dict(occasion.variables),
        "requestContext": occasion.context(),
    }
    call, connection = occasion.call, occasion.connection
    caller, role = call.part(FunctionCaller), authorizer.get("AuthorizerCredentialsArn")
    source = execute_arn(connection.region, connection.account, connection.api, f"authorizers/{authorizer_id}")
    try:
        return verdict(await caller.invoke(call, function, event, _AUTHORIZER_SECONDS, source, role), simple=False)
    except (IntegrationFailed, BadAuthorizer) as problem:
        if '"errorMessage": "Unauthorized"' in str(problem) or '"errorMessage":"Unauthorized"' in str(problem):
            raise Refused(401, "Unauthorized", str(problem)) from None
        logger.warning("authorizer of API %s: %s", occasion.connection.api, problem)
        raise Refused(500, "Internal server error", str(problem)) from None
