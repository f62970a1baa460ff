"""The data plane of HTTP APIs: from a request to a stage, a route, an authorizer, an integration, and back.

Errors are the gateway's own, as AWS words them; why stands in the header `x-kumoi-reason` and in the log.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import unquote

from kumoi.doorway import Call
from kumoi.http_api.access_log import AccessLogs, line
from kumoi.http_api.functions import IntegrationFailed
from kumoi.http_api.incoming import Incoming, passed_on
from kumoi.http_api.results import HttpResult, message
from kumoi.http_api.routing import RouteTable
from kumoi.http_api.throttle import Throttles
from kumoi.services.apigatewayv2 import apigatewayv2, cors
from kumoi.services.apigatewayv2.authorizers import Refused, authorize
from kumoi.services.apigatewayv2.exchange import Exchange
from kumoi.services.apigatewayv2.integrations import integrate
from kumoi.services.apigatewayv2.records import Api, Deployment, Stage, apis, deployments, stages
from kumoi.state import State, Transaction, recalled
from kumoi.wire.http import BodyTooLarge, Response

logger = logging.getLogger(__name__)

MAX_REQUEST = 10_485_760
METERED = 512 * 1024
"""Bytes of a request or a response that count as one call."""
_DEFAULT_RATE, _DEFAULT_BURST = 10_000.0, 5_000.0
_TABLES_KEPT = 512
_DEFAULT = "$default"
_LONGEST_STAGE = 128 * 3
"""Characters of the longest name of a stage, percent-encoded."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a request is served from."""

    api: Api
    stage: Stage
    deployment: Deployment | None


class RouteTables:
    """Routes compiled, by deployment; a deployment never changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], RouteTable] = OrderedDict()

    def of(self, deployment: Deployment) -> RouteTable:
        """The table of a deployment."""
        key = (deployment.api, deployment.id)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = RouteTable(deployment.parts.get("Route", {}).values())
            if len(self._kept) > _TABLES_KEPT:
                self._kept.popitem(last=False)
        return found


@apigatewayv2.operation(name="ServeHttpApi")
async def serve(
    call: Call, ApiId: str, Path: str, Host: str, Stage: str | None = None, BasePath: str = "", Custom: bool = False
) -> Response:
    """Answer one request to an HTTP API; `Stage` is known where a mapping or the address says it."""
    began = perf_counter()
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    served, path = await _find(call.state, ApiId, Path or "/", Stage)
    if served is None:
        return _plain(call, message(404, "Not Found"), "the API has no such stage")
    if served.api.properties.get("DisableExecuteApiEndpoint") and not Custom:
        return _plain(call, message(404, "Not Found"), "the API's default endpoint is disabled")
    fields = passed_on(
        request.headers.items,
        host=Host,
        scheme=request.scheme,
        source=request.client[0],
        trace=f"Root={call.trace.root}",
    )
    variables = served.stage.properties.get("StageVariables") or {}
    incoming = Incoming(request.method, path, request.query, fields, b"", request.client[0], Host)
    exchange = Exchange(call, incoming, ApiId, served.stage.name, variables, base_path=BasePath)
    try:
        body = await request.body.read(MAX_REQUEST)
    except BodyTooLarge:
        result = message(413, "Request Entity Too Large")
        exchange.error = "Request Entity Too Large"
        logger.warning(
            "API %s answered 413: API Gateway takes at most 10 MB of a request (Lambda 6 MB);"
            " let clients upload larger ones to S3 with a presigned URL",
            ApiId,
        )
    else:
        incoming.body = body
        call.request_bytes = len(body)
        result = await _answer(exchange, served)
    return _finished(exchange, served, result, perf_counter() - began)


async def _answer(exchange: Exchange, served: Served) -> HttpResult:
    call, incoming, deployment = exchange.call, exchange.incoming, served.deployment
    if deployment is None:
        return _refused(exchange, message(404, "Not Found"), "the stage has no deployment")
    if deployment.cors and cors.is_preflight(incoming.method, incoming.headers):
        return HttpResult(204, cors.preflight(deployment.cors, incoming.headers["origin"]), b"")
    match = call.part(RouteTables).of(deployment).match(incoming.method, incoming.path)
    if match is None:
        return _refused(exchange, message(404, "Not Found"), "no route matches")
    exchange.route_key, exchange.path_parameters = match.route["RouteKey"], match.path_parameters
    if not _admitted(exchange, served.stage):
        return _refused(exchange, message(429, "Too Many Requests"), "the stage's or route's throttle is reached")
    integrations = deployment.parts.get("Integration", {})
    integration = integrations.get(str(match.route.get("Target", "")).removeprefix("integrations/"))
    try:
        await authorize(exchange, match.route, deployment.parts.get("Authorizer", {}))
        if integration is None:
            return _refused(exchange, message(500, "Internal Server Error"), "the route has no integration")
        return await integrate(exchange, integration)
    except Refused as refusal:
        return _refused(exchange, refusal.result, str(refusal))
    except IntegrationFailed as failure:
        exchange.integration_error = str(failure)
        function = integration is not None and integration["IntegrationType"] == "AWS_PROXY"
        return _refused(exchange, _failure(failure, function), str(failure))


def _failure(failure: IntegrationFailed, function: bool) -> HttpResult:
    """What a client gets for an integration that failed."""
    if failure.reason == "timeout":
        logger.warning("%s (HTTP APIs wait 30 s at most)", failure)
        return message(503, "Service Unavailable") if function else message(504, "Gateway Timeout")
    if failure.reason == "too-large":
        logger.warning("%s: Lambda takes 6 MB at most, base64 included, though API Gateway takes 10 MB", failure)
        return message(413, "Request Entity Too Large")
    if failure.reason == "throttled":
        return message(503, "Service Unavailable")
    logger.warning("an HTTP API answered 500: %s", failure)
    return message(500, "Internal Server Error") if function else message(503, "Service Unavailable")


def _admitted(exchange: Exchange, stage: Stage) -> bool:
    default = stage.properties.get("DefaultRouteSettings") or {}
    own = (stage.properties.get("RouteSettings") or {}).get(exchange.route_key) or {}
    limited = "ThrottlingRateLimit" in own or "ThrottlingBurstLimit" in own
    settings = own if limited else default
    key = (exchange.api, stage.name, exchange.route_key if limited else "")
    rate = float(settings.get("ThrottlingRateLimit", _DEFAULT_RATE))
    burst = float(settings.get("ThrottlingBurstLimit", _DEFAULT_BURST))
    return exchange.call.part(Throttles).admits(key, rate, burst, exchange.call.now)


def _refused(exchange: Exchange, result: HttpResult, reason: str) -> HttpResult:
    exchange.error = {404: "Not Found", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}.get(
        result.status, "Internal Server Error"
    )
    logger.debug("API %s answered %s: %s", exchange.api, result.status, reason)
    return HttpResult(result.status, [*result.headers, ("x-kumoi-reason", _one_line(reason))], result.body)


def _finished(exchange: Exchange, served: Served, result: HttpResult, seconds: float) -> Response:
    """The response with CORS and the request's id; its line in the access log."""
    call = exchange.call
    fields = [field for field in result.headers if field[0].lower() not in ("content-length", "transfer-encoding")]
    configured = served.deployment.cors if served.deployment is not None else None
    if configured and result.status != 204:
        fields = cors.overridden(fields, cors.response_fields(configured, exchange.incoming.headers.get("origin")))
    fields.append(("apigw-requestid", call.request_id))
    call.response_bytes = len(result.body)
    call.meter(f"execute-api:status/{served.stage.name}/", result.status)
    if (more := -(-max(call.request_bytes, call.response_bytes) // METERED) - 1) > 0:
        call.meter("more_requests", more)
    log = served.stage.properties.get("AccessLogSettings")
    if log:
        context = exchange.log_context(result.status, len(result.body), seconds)
        call.part(AccessLogs).write(log["DestinationArn"], line(log["Format"], context))
    return Response(result.status, fields, result.body)


def _plain(call: Call, result: HttpResult, reason: str) -> Response:
    fields = [*result.headers, ("apigw-requestid", call.request_id), ("x-kumoi-reason", reason)]
    return Response(result.status, fields, result.body)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500].encode("ascii", "replace").decode()


async def _find(state: State, api_id: str, path: str, stage_name: str | None) -> tuple[Served | None, str]:
    """The stage that a path leads to, and the path below it."""
    if stage_name is not None:
        return await _served(state, api_id, "", unquote(stage_name)), path
    first, _, rest = path[1:].partition("/")
    named = len(first) <= _LONGEST_STAGE and not first.startswith(_DEFAULT)
    served = await _served(state, api_id, unquote(first) if named else "", _DEFAULT)
    return served, path if served is None or served.stage.name == _DEFAULT else f"/{rest}"


@recalled
async def _served(tx: Transaction, api_id: str, first: str, otherwise: str) -> Served | None:
    """What the stage `first` serves, or the one called `otherwise` where there is none of that name."""
    api = await apis.get(tx, api_id)
    stage = (await stages.get(tx, api_id, first) if first else None) or await stages.get(tx, api_id, otherwise)
    if api is None or stage is None:
        return None
    return Served(api, stage, await deployments.get(tx, api_id, stage.deployment) if stage.deployment else None)
