"""Handshakes and messages of WebSocket APIs: to a stage, a route, an authorizer, an integration, and back.

The operations are reached from the addresses' service and from sessions only. Refusals have the gateway's own texts;
why stands in the header `x-kumoi-reason` (of a handshake) and in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from math import ceil
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from kumoi.doorway import Call
from kumoi.http_api.access_log import AccessLogs, line
from kumoi.http_api.connections import MAX_FRAME, MAX_MESSAGE, Connection, new_token
from kumoi.http_api.functions import IntegrationFailed
from kumoi.http_api.incoming import Incoming, passed_on
from kumoi.http_api.places import api_endpoint
from kumoi.http_api.results import HttpResult
from kumoi.http_api.throttle import Throttles
from kumoi.services.apigatewayv2 import apigatewayv2
from kumoi.services.apigatewayv2.records import Api, Deployment, Stage, apis, deployments, stages
from kumoi.services.apigatewayv2.websocket.api_keys import check_api_key
from kumoi.services.apigatewayv2.websocket.authorizers import Refused, authorize
from kumoi.services.apigatewayv2.websocket.integrations import integrate
from kumoi.services.apigatewayv2.websocket.occasion import Occasion
from kumoi.services.apigatewayv2.websocket.selection import route_of, selected
from kumoi.services.apigatewayv2.websocket.session import Sessions, remember
from kumoi.services.apigatewayv2.websocket.validation import Schemas, problem_of
from kumoi.state import Transaction, transactional
from kumoi.wire.http import HeaderList, Request, Response
from kumoi.wire.websocket import Upgrade

logger = logging.getLogger(__name__)

_DEFAULT_RATE, _DEFAULT_BURST = 10_000.0, 5_000.0
_FAILURES = {"timeout": (504, "Endpoint request timed out"), "refused": (500, "Internal server error")}
_FAILURE = (502, "Internal server error")


@apigatewayv2.operation(name="ServeWebSocketApi")
async def connect(
    call: Call, ApiId: str, Path: str, Host: str, Stage: str | None = None, BasePath: str = "", Custom: bool = False
) -> Response:
    """Answer a handshake; `Stage` is known where a mapping or the address says it."""
    request = call.http
    assert request is not None, "handshakes are requests"
    call.request_id = new_token()
    name = unquote(Path.strip("/")) if Stage is None else unquote(Stage)
    stray = Stage is not None and Path.strip("/") != ""
    api, stage, deployment = (None, None, None) if stray else await _find(call.state, ApiId, name)
    if api is None or stage is None or (api.properties.get("DisableExecuteApiEndpoint") and not Custom):
        return _refused(
            403, '{"message":"Forbidden"}', "the API has no such stage, or its default endpoint is disabled"
        )
    if not request.websocket:
        return _refused(426, '{"message":"Upgrade Required"}', "a WebSocket API takes WebSocket handshakes only")
    occasion = _handshake(call, request, stage, request.host if Custom else _authority(call, ApiId))
    if deployment is None:
        return _refused(403, occasion.refusal("Forbidden"), "the stage has no deployment")
    call.meter("websocket_connects", 1)
    began = perf_counter()
    response = await _connect(occasion, deployment, stage)
    _log(occasion, stage, response.status if response.upgrade is None else 200, perf_counter() - began)
    return response


@apigatewayv2.operation(name="ServeWebSocketMessage")
async def message(call: Call, ApiId: str, Connection: Connection, Body: str) -> str | None:
    """Let a message take its route; answers what the client gets, if anything."""
    call.request_bytes = len(Body)
    call.meter("websocket_messages", -(-max(len(Body), 1) // MAX_FRAME))
    api, stage, deployment = await _find(call.state, ApiId, Connection.stage)
    variables = {} if stage is None else stage.properties.get("StageVariables") or {}
    occasion = Occasion(call, Connection, "MESSAGE", variables, body=Body, message_id=new_token())
    if api is None or stage is None or deployment is None:
        return occasion.refusal("Forbidden")
    began = perf_counter()
    status, answer = await _message(occasion, api, stage, deployment)
    _log(occasion, stage, status, perf_counter() - began)
    if answer is not None:
        call.meter("websocket_messages", -(-max(len(answer), 1) // MAX_FRAME))
    return answer


@apigatewayv2.operation(name="EndWebSocketConnection")
async def disconnect(call: Call, ApiId: str, Connection: Connection, Code: int, Reason: str = "") -> None:
    """Tell `$disconnect` of a connection's end."""
    call.meter("websocket_minutes", max(1, ceil((call.now - Connection.connected_at) / 60)))
    _, stage, deployment = await _find(call.state, ApiId, Connection.stage)
    if stage is None or deployment is None:
        return
    variables = stage.properties.get("StageVariables") or {}
    occasion = Occasion(call, Connection, "DISCONNECT", variables, "$disconnect", closed=(Code, Reason))
    route = _route(deployment, "$disconnect")
    began, status = perf_counter(), 200
    if route is not None and "Target" in route:
        try:
            status = (await _integrated(occasion, deployment, route)).status
        except IntegrationFailed as failure:
            status, _ = _failed(occasion, failure)
    _log(occasion, stage, status, perf_counter() - began)


def _handshake(call: Call, request: Request, stage: Stage, host: str) -> Occasion:
    source = request.client[0]
    trace = f"Root={call.trace.root}"
    fields = passed_on(request.headers.items, host=host, scheme=request.scheme, source=source, trace=trace)
    incoming = Incoming(request.method, "/", request.query, fields, b"", source, host)
    agent = incoming.user_agent
    connection = Connection(
        new_token(),
        stage.api,
        stage.name,
        call.account,
        call.region,
        host,
        source,
        agent,
        connected_at=call.now,
        last_active=call.now,
        identity={**({"userAgent": agent} if agent else {}), "sourceIp": source},
    )
    variables = stage.properties.get("StageVariables") or {}
    return Occasion(call, connection, "CONNECT", variables, "$connect", incoming)


async def _connect(occasion: Occasion, deployment: Deployment, stage: Stage) -> Response:
    call, connection = occasion.call, occasion.connection
    route = _route(deployment, "$connect")
    headers: HeaderList = []
    subprotocol = None
    if not _admitted(occasion, stage):
        return _refused(429, occasion.refusal("Too Many Requests"), "the stage's throttle is reached")
    if route is not None:
        try:
            verdict = await authorize(occasion, route, deployment.parts.get("Authorizer", {}))
            if route.get("ApiKeyRequired"):
                await check_api_key(occasion, None if verdict is None else verdict.usage_key)
        except Refused as refusal:
            occasion.error = refusal.message
            return _refused(refusal.status, occasion.refusal(refusal.message), str(refusal))
        if "Target" in route:
            try:
                result = await _integrated(occasion, deployment, route)
            except IntegrationFailed as failure:
                status, text = _failed(occasion, failure)
                return _refused(status, occasion.refusal(text), str(failure))
            if not 200 <= result.status <= 299:
                occasion.error = "Forbidden" if result.status == 403 else "the integration refused"
                content_type = next((value for name, value in result.headers if name.lower() == "content-type"), "")
                fields = [("Content-Type", content_type or "application/json"), ("x-kumoi-reason", "$connect said so")]
                return Response(result.status, fields, result.body or occasion.refusal("Forbidden").encode())
            subprotocol = next(
                (value for name, value in result.headers if name.lower() == "sec-websocket-protocol"), None
            )
    if _route(deployment, "$disconnect") is not None:
        await remember(call.doorway.state, connection)
    offered = _offered(occasion)
    if subprotocol is not None and subprotocol not in offered:
        logger.warning("API %s: $connect answered the subprotocol %s, which was not offered", stage.api, subprotocol)
        subprotocol = None
    upgrade = Upgrade(
        partial(call.part(Sessions).run, connection),
        subprotocol,
        MAX_MESSAGE,
        MAX_FRAME,
        partial(_heard, occasion),
    )
    return Response(101, headers, upgrade=upgrade)


def _heard(occasion: Occasion) -> None:
    occasion.connection.last_active = occasion.call.now


def _offered(occasion: Occasion) -> list[str]:
    assert occasion.incoming is not None
    given = occasion.incoming.headers.get("sec-websocket-protocol", "")
    return [one.strip() for one in given.split(",") if one.strip()]


async def _message(occasion: Occasion, api: Api, stage: Stage, deployment: Deployment) -> tuple[int, str | None]:
    key = selected(api.properties["RouteSelectionExpression"], occasion.body or "")
    route = route_of(deployment.parts.get("Route", {}).values(), key)
    if route is None:
        occasion.error = "Forbidden"
        logger.debug("API %s has no route %s and no $default", api.id, key)
        return 403, occasion.refusal("Forbidden")
    occasion.route_key = route["RouteKey"]
    if not _admitted(occasion, stage):
        occasion.error = "Too Many Requests"
        return 429, occasion.refusal("Too Many Requests")
    wrong = await problem_of(occasion.body or "", route, deployment, occasion.call.part(Schemas))
    if wrong is not None:
        occasion.error = "Bad request body"
        logger.info("a message to %s of WebSocket API %s is refused: %s", route["RouteKey"], api.id, wrong)
        return 400, occasion.refusal("Bad request body")
    if "Target" not in route:
        return 500, _internal(occasion, "the route has no integration")
    try:
        result = await _integrated(occasion, deployment, route)
    except IntegrationFailed as failure:
        status, text = _failed(occasion, failure)
        return status, occasion.refusal(text)
    answered = route.get("RouteResponseSelectionExpression") and any(
        one["Parent"] == _id_of(deployment, route) for one in deployment.parts.get("RouteResponse", {}).values()
    )
    return result.status, result.body.decode("utf-8", "replace") if answered and result.body else None


async def _integrated(occasion: Occasion, deployment: Deployment, route: Mapping[str, Any]) -> HttpResult:
    integration_id = str(route["Target"]).removeprefix("integrations/")
    integration = deployment.parts.get("Integration", {}).get(integration_id)
    if integration is None:
        raise IntegrationFailed("refused", "the route's integration does not exist")
    responses = deployment.parts.get("IntegrationResponse", {}).values()
    return await integrate(occasion, integration, [one for one in responses if one["Parent"] == integration_id])


def _failed(occasion: Occasion, failure: IntegrationFailed) -> tuple[int, str]:
    occasion.integration_error = str(failure)
    status, text = _FAILURES.get(failure.reason, _FAILURE)
    occasion.error = text
    logger.warning("%s of WebSocket API %s: %s", occasion.route_key, occasion.connection.api, failure)
    return status, text


def _internal(occasion: Occasion, reason: str) -> str:
    occasion.error = "Internal server error"
    logger.warning("%s of WebSocket API %s: %s", occasion.route_key, occasion.connection.api, reason)
    return occasion.refusal("Internal server error")


def _admitted(occasion: Occasion, stage: Stage) -> bool:
    default = stage.properties.get("DefaultRouteSettings") or {}
    own = (stage.properties.get("RouteSettings") or {}).get(occasion.route_key) or {}
    limited = "ThrottlingRateLimit" in own or "ThrottlingBurstLimit" in own
    settings = own if limited else default
    key = (stage.api, stage.name, occasion.route_key if limited else "")
    rate = float(settings.get("ThrottlingRateLimit", _DEFAULT_RATE))
    burst = float(settings.get("ThrottlingBurstLimit", _DEFAULT_BURST))
    return occasion.call.part(Throttles).admits(key, rate, burst, occasion.call.now)


def _route(deployment: Deployment, key: str) -> Mapping[str, Any] | None:
    return next((one for one in deployment.parts.get("Route", {}).values() if one["RouteKey"] == key), None)


def _id_of(deployment: Deployment, route: Mapping[str, Any]) -> str:
    return next(name for name, one in deployment.parts["Route"].items() if one is route)


def _authority(call: Call, api_id: str) -> str:
    """What stands between scheme and stage in addresses of the API that lead to it on this machine.

    Functions make the address of `@connections` of it: `https://` + domainName + `/` + stage.
    """
    return api_endpoint(call.doorway.endpoint, api_id).partition("://")[2]


def _log(occasion: Occasion, stage: Stage, status: int, seconds: float) -> None:
    log = stage.properties.get("AccessLogSettings")
    if log:
        context = occasion.log_context(status, seconds)
        occasion.call.part(AccessLogs).write(log["DestinationArn"], line(log["Format"], context))


def _refused(status: int, body: str, reason: str) -> Response:
    text = " ".join(reason.split())[:500].encode("ascii", "replace").decode()
    return Response(status, [("Content-Type", "application/json"), ("x-kumoi-reason", text)], body.encode())


@transactional
async def _find(tx: Transaction, api_id: str, name: str) -> tuple[Api | None, Stage | None, Deployment | None]:
    api = await apis.get(tx, api_id)
    stage = await stages.get(tx, api_id, name) if api is not None else None
    served = stage.deployment if stage is not None else ""
    return api, stage, await deployments.get(tx, api_id, served) if served else None
