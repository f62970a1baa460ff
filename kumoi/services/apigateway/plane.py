"""The data plane of REST APIs: from a request to a stage, a method, its guards, its integration, and back.

What the gateway answers itself are gateway responses; why stands in the header `x-kumoi-reason` and in the log.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import quote, unquote

from kumoi.doorway import Call
from kumoi.http_api.access_log import AccessLogs, line
from kumoi.http_api.functions import IntegrationFailed
from kumoi.http_api.incoming import Incoming, passed_on
from kumoi.http_api.results import HttpResult
from kumoi.services.apigateway import apigateway, tracing
from kumoi.services.apigateway.answering import compressed, gateway_result, uncompressed
from kumoi.services.apigateway.authorizers import authorize
from kumoi.services.apigateway.compiled import CompiledDeployment, CompiledDeployments
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.execution_log import settings_of, write_execution
from kumoi.services.apigateway.gateway_responses import Refused
from kumoi.services.apigateway.integrations import integrate
from kumoi.services.apigateway.records import RestApi, Stage, deployments, rest_apis, stages
from kumoi.services.apigateway.resource_policy import check_invocation
from kumoi.services.apigateway.usage import check_key, check_throttle
from kumoi.services.apigateway.validation import validate
from kumoi.state import Transaction, transactional
from kumoi.wire.http import BodyTooLarge, Response

logger = logging.getLogger(__name__)

MAX_REQUEST = 10_485_760


@dataclass(frozen=True, slots=True)
class Served:
    """What a request is served from."""

    api: RestApi
    stage: Stage
    deployment: CompiledDeployment
    canary: bool = False


@apigateway.operation(name="ServeRestApi")
async def serve(
    call: Call, ApiId: str, Path: str, Host: str, Stage: str | None = None, BasePath: str = "", Custom: bool = False
) -> Response:
    """Answer one request to a REST API; `Stage` is known where a mapping or the address says it."""
    began = perf_counter()
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    served, path = await _find(call, ApiId, Path or "/", Stage or None)
    if served is None:
        return _forbidden(call, "the API has no such stage")
    if served.api.properties.get("disableExecuteApiEndpoint") and not Custom:
        return _forbidden(call, "the API's default endpoint is disabled")
    if served.stage.properties.get("tracingEnabled"):
        await tracing.begin(call, served.api, served.stage, path, Host)
    fields = passed_on(
        request.headers.items,
        host=Host,
        scheme=request.scheme,
        source=request.client[0],
        trace=tracing.header(call),
    )
    incoming = Incoming(request.method, path, request.query, fields, b"", request.client[0], Host)
    exchange = new_exchange(call, served, incoming, BasePath, custom=Custom)
    try:
        body = incoming.body = await request.body.read(MAX_REQUEST)
        exchange.incoming = await uncompressed(incoming, served.deployment.properties, MAX_REQUEST)
        call.request_bytes = len(body)
        result = await answer(exchange, served)
    except BodyTooLarge:
        logger.warning(
            "API %s answered 413: API Gateway takes at most 10 MB of a request (Lambda 6 MB);"
            " let clients upload larger ones to S3 with a presigned URL",
            ApiId,
        )
        result = await refusal(exchange, served.deployment, Refused("REQUEST_TOO_LARGE", "a request has at most 10 MB"))
    except Refused as refused:
        result = await refusal(exchange, served.deployment, refused)
    return await _finished(exchange, served, result, perf_counter() - began)


def new_exchange(call: Call, served: Served, incoming: Incoming, base_path: str = "", *, custom: bool) -> Exchange:
    """An exchange that begins."""
    return Exchange(
        call,
        incoming,
        served.api.id,
        served.stage.name,
        served.deployment.id,
        _variables(served),
        served.deployment.binary_types,
        base_path,
        custom,
        canary=served.canary,
    )


def _variables(served: Served) -> Mapping[str, str]:
    own: Mapping[str, str] = served.stage.properties.get("variables") or {}
    if not served.canary:
        return own
    return {**own, **((served.stage.properties.get("canarySettings") or {}).get("stageVariableOverrides") or {})}


async def answer(exchange: Exchange, served: Served) -> HttpResult:
    """What a client gets for a request."""
    deployment = served.deployment
    try:
        incoming = exchange.incoming
        match = deployment.routes.match(incoming.method, incoming.path)
        if match is None and incoming.path != "/" and incoming.path.endswith("/"):
            match = deployment.routes.match(incoming.method, incoming.path.rstrip("/") or "/")
        if match is None:
            raise Refused("MISSING_AUTHENTICATION_TOKEN", "no resource and method match; is the API deployed?")
        resource, method = match.route["resource"], match.route["method"]
        exchange.resource_id, exchange.resource_path = resource.id, resource.path
        exchange.path_parameters, exchange.operation_name = match.path_parameters, method.get("operationName")
        policy = deployment.policy(exchange.call.region, exchange.call.account)
        if policy is not None:
            check_invocation(exchange, policy, method.get("authorizationType", "NONE"))
        exchange.traced = bool(settings_of(exchange, served.stage)[1].get("dataTraceEnabled"))
        usage_key = await authorize(exchange, method, deployment.authorizers, policy)
        await check_key(exchange, method, deployment.properties.get("apiKeySource", "HEADER"), usage_key)
        check_throttle(exchange, served.stage)
        await validate(exchange, method, deployment)
        return await ask(exchange, method["methodIntegration"])
    except Refused as refused:
        return await refusal(exchange, deployment, refused)


async def ask(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    """What stands behind a method answers; raises Refused."""
    try:
        return await integrate(exchange, integration)
    except IntegrationFailed as failure:
        exchange.integration_error = str(failure)
        raise _failed(failure, integration["type"]) from None


def _failed(failure: IntegrationFailed, kind: str) -> Refused:
    """What clients get for an integration that failed."""
    if failure.reason == "timeout":
        logger.warning("%s (REST APIs wait 29 s at most)", failure)
        return Refused("INTEGRATION_TIMEOUT", str(failure))
    if failure.reason == "too-large":
        logger.warning("%s: Lambda takes 6 MB at most, base64 included, though API Gateway takes 10 MB", failure)
        return Refused("REQUEST_TOO_LARGE", str(failure))
    logger.warning("a REST API answered with an error: %s", failure)
    if kind == "AWS_PROXY":
        status = 500 if failure.reason in ("throttled", "refused") else 502
        return Refused("DEFAULT_5XX", str(failure), status=status)
    return Refused("INTEGRATION_FAILURE", str(failure))


async def refusal(exchange: Exchange, deployment: CompiledDeployment, refused: Refused) -> HttpResult:
    """The gateway response for a refusal; also where its own template fails."""
    exchange.refused = refused
    logger.debug("API %s answered %s: %s", exchange.api, refused.case, refused)
    exchange.log(f"Gateway response type: {refused.case}: {refused}")
    return await gateway_result(exchange, deployment.gateway_responses, refused)


async def _finished(exchange: Exchange, served: Served, result: HttpResult, seconds: float) -> Response:
    """The response with the request's ids; its line in the access log."""
    call = exchange.call
    result = await compressed(result, exchange.incoming, served.deployment.properties)
    fields = [field for field in result.headers if field[0].lower() not in ("content-length", "transfer-encoding")]
    fields += ids(exchange)
    call.response_bytes = len(result.body)
    named = quote(str(served.api.properties.get("name", "")), safe="")
    call.meter(f"execute-api:status/{served.stage.name}/{named}", result.status)
    tracing.ended(call, result.status)
    write_execution(exchange, served.stage, result)
    log = served.stage.properties.get("accessLogSettings") or {}
    if log.get("destinationArn") and log.get("format"):
        context = exchange.log_context(result.status, len(result.body), seconds)
        call.part(AccessLogs).write(log["destinationArn"], line(log["format"], context))
    return Response(result.status, fields, result.body)


def ids(exchange: Exchange) -> list[tuple[str, str]]:
    """The fields that every answer has."""
    fields = [("x-amzn-RequestId", exchange.call.request_id), ("x-amz-apigw-id", exchange.extended_id)]
    if exchange.integration:
        fields.append(("X-Amzn-Trace-Id", f"Root={exchange.call.trace.root}"))
    return fields


def _forbidden(call: Call, reason: str) -> Response:
    fields = [
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", call.request_id),
        ("x-amzn-ErrorType", "ForbiddenException"),
        ("x-kumoi-reason", reason),
    ]
    return Response(403, fields, b'{"message":"Forbidden"}')


async def _find(call: Call, api_id: str, path: str, stage_name: str | None) -> tuple[Served | None, str]:
    """The stage that a path leads to, and the path below it."""
    if stage_name is None:
        stage_name, _, rest = path[1:].partition("/")
        path = f"/{rest}"
    found = await _stage(call.state, api_id, unquote(stage_name), call.part(CompiledDeployments))
    return found, path


@transactional
async def _stage(tx: Transaction, api_id: str, name: str, compiled: CompiledDeployments) -> Served | None:
    api = await rest_apis.get(tx, api_id)
    stage = await stages.get(tx, api_id, name)
    if api is None or stage is None:
        return None
    settings = stage.properties.get("canarySettings") or {}
    canary = random.random() * 100 < settings.get("percentTraffic", 0.0)
    wanted = settings.get("deploymentId") or stage.deployment if canary else stage.deployment
    deployment = await deployments.get(tx, api_id, wanted)
    return None if deployment is None else Served(api, stage, compiled.of(deployment), canary)
