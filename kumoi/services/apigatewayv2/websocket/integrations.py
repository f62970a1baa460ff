"""What stands behind routes of WebSocket APIs: functions, AWS services, HTTP endpoints, or nothing at all (MOCK).

Proxies pass a message on and its answer back as they are. The others rewrite a message by a request template, and
answer with what the integration response that matches the status says. Source: "Integrations for WebSocket APIs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from kumoi import java_patterns
from kumoi.http_api.aws_services import ask, read_uri, request_of
from kumoi.http_api.endpoints import send
from kumoi.http_api.functions import (
    FunctionCaller,
    IntegrationFailed,
    acting,
    function_of,
    is_function,
    with_stage_variables,
)
from kumoi.http_api.places import execute_arn
from kumoi.http_api.results import HttpResult, Malformed, described
from kumoi.http_client import Unreachable
from kumoi.java_patterns import BadPattern
from kumoi.services.apigatewayv2.websocket.occasion import Occasion
from kumoi.services.apigatewayv2.websocket.selection import as_text, choice, member
from kumoi.services.apigatewayv2.websocket.templates import VtlError, rendered

_PROXIES = ("AWS_PROXY", "HTTP_PROXY")


async def integrate(
    occasion: Occasion, integration: Mapping[str, Any], responses: Sequence[Mapping[str, Any]]
) -> HttpResult:
    """The answer of what stands behind a route; raises IntegrationFailed.

    `responses` are the integration's, for those that are no proxies: without one the body is empty.
    """
    kind = integration["IntegrationType"]
    if kind == "AWS_PROXY":
        return await _proxy_function(occasion, integration)
    if kind == "HTTP_PROXY":
        return await _endpoint(occasion, integration, occasion.body or "")
    message = await _templated(occasion, integration)
    if kind == "AWS":
        of_function = is_function(integration["IntegrationUri"])
        result = await (_function if of_function else _service)(occasion, integration, message)
    elif kind == "HTTP":
        result = await _endpoint(occasion, integration, message)
    else:
        result = _mock(message)
    return await _responded(occasion, result, responses)


async def _invoked(occasion: Occasion, integration: Mapping[str, Any], payload: Any) -> bytes:
    call, caller = occasion.call, occasion.call.part(FunctionCaller)
    function = function_of(with_stage_variables(integration["IntegrationUri"], occasion.variables))
    seconds, role = integration["TimeoutInMillis"] / 1000, integration.get("CredentialsArn")
    content = await caller.invoke(call, function, payload, seconds, occasion.route_arn, role)
    connection = occasion.connection
    source = execute_arn(connection.region, connection.account, connection.api, "*")
    await caller.check_permission(call, connection.api, function, source)
    return content


async def _proxy_function(occasion: Occasion, integration: Mapping[str, Any]) -> HttpResult:
    content = await _invoked(occasion, integration, occasion.event())
    try:
        return described(content)
    except Malformed as problem:
        raise IntegrationFailed("malformed", f"{integration['IntegrationUri']}: {problem}") from None


async def _function(occasion: Occasion, integration: Mapping[str, Any], message: str) -> HttpResult:
    payload = message.encode() or b"{}"
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise IntegrationFailed("malformed", f"the request for the function is no JSON: {error}") from None
    content = await _invoked(occasion, integration, payload)
    return HttpResult(200, [("Content-Type", "application/json")], content)


async def _service(occasion: Occasion, integration: Mapping[str, Any], message: str) -> HttpResult:
    call = occasion.call
    operation = read_uri(with_stage_variables(integration["IntegrationUri"], occasion.variables), call.region)
    method = integration.get("IntegrationMethod") or "POST"
    headers = dict(_parameters(occasion, integration, "header"))
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    query = {name: [value] for name, value in _parameters(occasion, integration, "querystring")}
    request = request_of(operation, "POST" if method == "ANY" else method, headers, query, message.encode())
    caller = acting(call, occasion.route_arn, integration.get("CredentialsArn"))
    response, body = await ask(call, operation, request, caller, seconds=integration["TimeoutInMillis"] / 1000)
    return HttpResult(response.status, response.headers, body)


async def _endpoint(occasion: Occasion, integration: Mapping[str, Any], message: str) -> HttpResult:
    url = with_stage_variables(integration["IntegrationUri"], occasion.variables)
    method = integration.get("IntegrationMethod") or "POST"
    headers = [("Content-Type", "application/json"), ("User-Agent", f"AmazonAPIGateway_{occasion.connection.api}")]
    headers += _parameters(occasion, integration, "header")
    seconds = integration["TimeoutInMillis"] / 1000
    try:
        answer = await send(
            occasion.call, "POST" if method == "ANY" else method, url, headers, message.encode(), seconds=seconds
        )
    except Unreachable as problem:
        raise IntegrationFailed("timeout" if problem.timeout else "refused", str(problem)) from None
    return HttpResult(answer.status, answer.headers, answer.body)


def _parameters(occasion: Occasion, integration: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """What request parameters make: `integration.request.{kind}.name` of a context value, a text and so on.

    `kind` is `header` or `querystring`.
    """
    made_for = f"integration.request.{kind}."
    made: list[tuple[str, str]] = []
    for target, source in (integration.get("RequestParameters") or {}).items():
        if not target.startswith(made_for):
            continue
        if source.startswith("'"):
            value: Any = source.strip("'")
        elif source.startswith("context."):
            value = member(occasion.context(), source.removeprefix("context."))
        elif source.startswith("stageVariables."):
            value = occasion.variables.get(source.removeprefix("stageVariables."))
        elif source.startswith("route.request.header.") and occasion.incoming is not None:
            value = occasion.incoming.headers.get(source.removeprefix("route.request.header.").lower())
        elif source.startswith("route.request.querystring.") and occasion.incoming is not None:
            value = ",".join(occasion.incoming.parameters.get(source.removeprefix("route.request.querystring."), []))
        else:
            value = None
        if value is not None:
            made.append((target.removeprefix(made_for), " ".join(as_text(value).split())))
    return made


async def _templated(occasion: Occasion, integration: Mapping[str, Any]) -> str:
    """The message as the integration's template rewrites it."""
    body = occasion.body or ""
    templates = integration.get("RequestTemplates") or {}
    chosen = _chosen(templates, integration.get("TemplateSelectionExpression"), body)
    return body if chosen is None else await _rendered(chosen, body, occasion)


async def _rendered(template: str, body: str, occasion: Occasion) -> str:
    try:
        return await rendered(template, body, occasion)
    except VtlError as error:
        raise IntegrationFailed("malformed", f"a mapping template failed: {error}") from None


def _chosen(templates: Mapping[str, str], expression: str | None, body: str) -> str | None:
    """The template that a selection expression (`\\$default`, a plain key, `$request.body.x`) leads to."""
    return templates.get(choice(expression, body), templates.get("$default"))


def _mock(message: str) -> HttpResult:
    """MOCK answers the status that its template states."""
    try:
        status = int(orjson.loads(message)["statusCode"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise IntegrationFailed("malformed", "a MOCK's request template states no statusCode") from None
    return HttpResult(status, [], message.encode())


async def _responded(occasion: Occasion, result: HttpResult, responses: Sequence[Mapping[str, Any]]) -> HttpResult:
    response = _matching(responses, str(result.status))
    if response is None:
        return HttpResult(result.status, result.headers, b"")
    body = result.body.decode("utf-8", "replace")
    template = _chosen(response.get("ResponseTemplates") or {}, response.get("TemplateSelectionExpression"), body)
    if template is not None:
        body = await _rendered(template, body, occasion)
    return HttpResult(result.status, result.headers, body.encode())


def _matching(responses: Sequence[Mapping[str, Any]], status: str) -> Mapping[str, Any] | None:
    """The integration response whose key, a status or a pattern between slashes, matches; else `$default`."""
    default = None
    for response in responses:
        key = response["IntegrationResponseKey"]
        if key == "$default":
            default = response
        elif key.strip("/") == status or _matches(key.strip("/"), status):
            return response
    return default


def _matches(pattern: str, status: str) -> bool:
    try:
        return java_patterns.matches(pattern, status)
    except BadPattern:
        return False
