"""TestInvokeMethod and TestInvokeAuthorizer: a method or an authorizer as it stands, without a deployment.

Guards (authorizer, key, throttle) are not asked, as at AWS. The log tells what happened on the way.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from kumoi.doorway import Call
from kumoi.http_api.authorizers import VerdictCache
from kumoi.http_api.incoming import Incoming
from kumoi.http_api.results import HttpResult
from kumoi.http_api.routing import RouteTable
from kumoi.services.apigateway import apigateway
from kumoi.services.apigateway.authorizers import authorize
from kumoi.services.apigateway.compiled import CompiledDeployment
from kumoi.services.apigateway.errors import bad, not_found
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused
from kumoi.services.apigateway.lookup import find_api, find_resource, method_of
from kumoi.services.apigateway.operations.deployments import SERVED
from kumoi.services.apigateway.plane import ask, ids, refusal
from kumoi.services.apigateway.records import Deployment, Resource, RestApi, parts
from kumoi.services.apigateway.validation import validate
from kumoi.state import Transaction, transactional

_STAGE = "test-invoke-stage"


@apigateway.operation
async def test_invoke_method(
    call: Call,
    restApiId: str,
    resourceId: str,
    httpMethod: str,
    pathWithQueryString: str = "",
    body: str = "",
    headers: dict[str, str] | None = None,
    multiValueHeaders: dict[str, list[str]] | None = None,
    stageVariables: dict[str, str] | None = None,
    clientCertificateId: str | None = None,
) -> dict[str, Any]:
    """Send a request to a method as it stands."""
    began = perf_counter()
    api, resource, compiled = await _now(call.state, restApiId, resourceId)
    method = method_of(resource, httpMethod)
    fields = list((headers or {}).items())
    fields += [(name, value) for name, values in (multiValueHeaders or {}).items() for value in values]
    sent = "GET" if httpMethod == "ANY" else httpMethod
    exchange = _exchange(call, api, compiled, sent, pathWithQueryString, fields, body, stageVariables or {})
    exchange.resource_id, exchange.resource_path = resource.id, resource.path
    exchange.path_parameters = _path_parameters(resource.path, exchange.incoming.path)
    exchange.log(f"Execution log for request {call.request_id}")
    exchange.log(f"HTTP Method: {sent}, Resource Path: {exchange.incoming.path}")
    try:
        if "methodIntegration" not in method:
            raise not_found("Invalid Integration identifier specified")
        await validate(exchange, method, compiled)
        result = await ask(exchange, method["methodIntegration"])
    except Refused as refused:
        result = await refusal(exchange, compiled, refused)
    exchange.log(f"Method completed with status: {result.status}")
    return _described(exchange, result, int((perf_counter() - began) * 1000))


@apigateway.operation
async def test_invoke_authorizer(
    call: Call,
    restApiId: str,
    authorizerId: str,
    headers: dict[str, str] | None = None,
    multiValueHeaders: dict[str, list[str]] | None = None,
    pathWithQueryString: str = "",
    body: str = "",
    stageVariables: dict[str, str] | None = None,
    additionalContext: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Ask an authorizer as it stands; nothing is remembered of what it says."""
    began = perf_counter()
    api, _, compiled = await _now(call.state, restApiId, None)
    authorizer = compiled.authorizers.get(authorizerId)
    if authorizer is None:
        raise not_found("Invalid Authorizer identifier specified")
    fields = list((headers or {}).items())
    fields += [(name, value) for name, values in (multiValueHeaders or {}).items() for value in values]
    exchange = _exchange(call, api, compiled, "GET", pathWithQueryString, fields, body, stageVariables or {})
    kind = "COGNITO_USER_POOLS" if authorizer["type"] == "COGNITO_USER_POOLS" else "CUSTOM"
    said: dict[str, Any] = {"clientStatus": 0}
    try:
        await authorize(exchange, {"authorizationType": kind, "authorizerId": authorizerId}, compiled.authorizers)
    except Refused as refused:
        exchange.log(str(refused))
        said["clientStatus"] = refused.status
    call.part(VerdictCache).forget(restApiId, _STAGE)
    known = exchange.authorizer or {}
    said |= {"principalId": known.get("principalId", ""), "latency": int((perf_counter() - began) * 1000)}
    if "claims" in known:
        said["claims"] = known["claims"]
    else:
        context = {name: [value] for name, value in known.items() if isinstance(value, str)}
        said["authorization"] = context
    return {**said, "log": "\n".join(exchange.lines)}


def _exchange(
    call: Call,
    api: RestApi,
    compiled: CompiledDeployment,
    method: str,
    target: str,
    fields: list[tuple[str, str]],
    body: str,
    variables: dict[str, str],
) -> Exchange:
    try:
        parts = urlsplit(target or "/")
    except ValueError as error:
        raise bad(f"Invalid pathWithQueryString: {error}") from None
    path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
    host = "testPrefix.testDomainName"
    incoming = Incoming(method, path, parts.query, fields, body.encode(), "test-invoke-source-ip", host)
    return Exchange(call, incoming, api.id, _STAGE, "", variables, compiled.binary_types)


def _path_parameters(resource_path: str, path: str) -> dict[str, str]:
    match = RouteTable([{"RouteKey": f"ANY {resource_path}"}]).match("ANY", path)
    return {} if match is None else match.path_parameters


def _described(exchange: Exchange, result: HttpResult, latency: int) -> dict[str, Any]:
    many: dict[str, list[str]] = {}
    for name, value in [*result.headers, *ids(exchange)[2:]]:
        many.setdefault(name, []).append(value)
    return {
        "status": result.status,
        "body": result.body.decode("utf-8", "replace"),
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "log": "\n".join(exchange.lines),
        "latency": latency,
    }


@transactional
async def _now(tx: Transaction, api_id: str, resource_id: str | None) -> tuple[RestApi, Resource, CompiledDeployment]:
    """The API as it stands, and one of its resources (the root where none is named)."""
    api = await find_api(tx, api_id)
    resource = await find_resource(tx, api_id, resource_id or api.root)
    held: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in SERVED:
        held[kind] = {part.id: part.properties for part in await parts.list(tx, api_id, kind)}
    deployment = Deployment(api=api_id, id="", created=tx.now, properties=api.properties, parts=held)
    return api, resource, CompiledDeployment(deployment)
