"""What stands behind routes of HTTP APIs: functions, HTTP endpoints, operations of services.

Source: "Configure integrations for HTTP APIs" and its reference of AWS service integrations.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import orjson

from kumoi.doorway import Call
from kumoi.http_api.endpoints import send
from kumoi.http_api.functions import FunctionCaller, IntegrationFailed, acting, function_of, with_stage_variables
from kumoi.http_api.iam import ask_service
from kumoi.http_api.load_balancers import listener_address
from kumoi.http_api.places import execute_arn
from kumoi.http_api.results import HttpResult, Malformed, described, described_or_body
from kumoi.http_client import Unreachable
from kumoi.services.apigatewayv2.exchange import Exchange
from kumoi.services.apigatewayv2.expressions import Answer, evaluate
from kumoi.wire.errors import AwsError

_OPERATIONS: dict[str, tuple[str, str]] = {
    "EventBridge-PutEvents": ("events", "PutEvents"),
    "SQS-SendMessage": ("sqs", "SendMessage"),
    "SQS-DeleteMessage": ("sqs", "DeleteMessage"),
    "SQS-PurgeQueue": ("sqs", "PurgeQueue"),
    "Kinesis-PutRecord": ("kinesis", "PutRecord"),
    "StepFunctions-StartExecution": ("stepfunctions", "StartExecution"),
    "StepFunctions-StartSyncExecution": ("stepfunctions", "StartSyncExecution"),
    "StepFunctions-StopExecution": ("stepfunctions", "StopExecution"),
}


async def integrate(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    """The answer of what stands behind a route, mapped as the integration says; raises IntegrationFailed."""
    if integration.get("IntegrationSubtype"):
        result = await _operation(exchange, integration)
    elif integration["IntegrationType"] == "AWS_PROXY":
        result = await _function(exchange, integration)
    else:
        result = await _endpoint(exchange, integration)
    mapping = (integration.get("ResponseParameters") or {}).get(str(result.status))
    return _mapped_answer(exchange, result, mapping) if mapping else result


async def _function(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    call, caller = exchange.call, exchange.call.part(FunctionCaller)
    function = function_of(with_stage_variables(integration["IntegrationUri"], exchange.variables))
    first = integration.get("PayloadFormatVersion", "1.0") == "1.0"
    event = exchange.event_1() if first else exchange.event_2()
    seconds, role = integration["TimeoutInMillis"] / 1000, integration.get("CredentialsArn")
    content = await caller.invoke(call, function, event, seconds, exchange.source_arn, role)
    source = execute_arn(call.region, call.account, exchange.api, "*/*")
    await caller.check_permission(call, exchange.api, function, source)
    try:
        return described(content) if first else described_or_body(content)
    except Malformed as problem:
        raise IntegrationFailed("malformed", f"{function}: {problem}") from None


async def _endpoint(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    incoming = exchange.incoming
    method = integration.get("IntegrationMethod") or "ANY"
    url = with_stage_variables(integration["IntegrationUri"], exchange.variables)
    if integration.get("ConnectionType") == "VPC_LINK":
        url = await listener_address(exchange.call, url) + quote(exchange.raw_path, safe="/-._~!$&'()*+,;=:@")
    for name, value in exchange.path_parameters.items():
        url = url.replace(f"{{{name}}}", quote(value, safe="/")).replace(f"{{{name}+}}", quote(value, safe="/"))
    fields = [field for field in incoming.fields if field[0].lower() not in ("host", "content-length")]
    headers, query = list(fields), {name: list(values) for name, values in incoming.parameters.items()}
    url = _mapped_request(exchange, integration.get("RequestParameters") or {}, url, headers, query)
    headers.append(("Forwarded", f"by=127.0.0.1;for={incoming.source};host={incoming.host};proto=http"))
    parts = urlsplit(url)
    sent = urlencode([(name, value) for name, values in query.items() for value in values])
    url = urlunsplit(parts._replace(query="&".join(text for text in (parts.query, sent) if text)))
    try:
        answer = await send(
            exchange.call,
            incoming.method if method == "ANY" else method,
            url,
            headers,
            incoming.body,
            seconds=integration["TimeoutInMillis"] / 1000,
        )
    except Unreachable as problem:
        raise IntegrationFailed("timeout" if problem.timeout else "refused", str(problem)) from None
    return HttpResult(answer.status, answer.headers, answer.body)


async def _operation(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    service, operation = _OPERATIONS[integration["IntegrationSubtype"]]
    given: dict[str, Any] = {}
    for name, expression in (integration.get("RequestParameters") or {}).items():
        value = evaluate(expression, exchange)
        if value is not None and name != "Region":
            given[name] = value
    try:
        params = _operation_params(integration["IntegrationSubtype"], given)
    except ValueError as error:
        body = orjson.dumps({"__type": "SerializationException", "message": str(error)})
        return HttpResult(400, [("Content-Type", "application/json")], body)
    origin = exchange.call
    caller = acting(origin, exchange.source_arn, integration.get("CredentialsArn"))
    call = Call(
        origin.doorway, service, operation, params, caller, origin.account, origin.region, origin.onward, origin.node
    )
    try:
        answer = await ask_service(call)
    except AwsError as error:
        body = orjson.dumps({"__type": error.code, "message": error.message})
        return HttpResult(error.default_status, [("Content-Type", "application/json")], body)
    return HttpResult(200, [("Content-Type", "application/json")], orjson.dumps(answer or {}, default=str))


def _operation_params(subtype: str, given: dict[str, Any]) -> dict[str, Any]:
    """The members of the operation, of the parameters that the integration's reference names."""
    if subtype == "EventBridge-PutEvents":
        entry: dict[str, Any] = {
            name: given[name] for name in ("Source", "DetailType", "Detail", "EventBusName") if name in given
        }
        if "Resources" in given:
            entry["Resources"] = orjson.loads(given["Resources"])
        return {"Entries": [entry]}
    if subtype == "Kinesis-PutRecord":
        try:
            given["Data"] = base64.b64decode(given.get("Data", ""), validate=True)
        except ValueError:
            given["Data"] = given["Data"].encode()
        return given
    if subtype.startswith("StepFunctions"):
        return {name[0].lower() + name[1:]: value for name, value in given.items()}
    if "DelaySeconds" in given:
        given["DelaySeconds"] = int(given["DelaySeconds"])
    if "MessageAttributes" in given:
        given["MessageAttributes"] = orjson.loads(given["MessageAttributes"])
    return given


def _mapped_request(
    exchange: Exchange,
    mapping: Mapping[str, str],
    url: str,
    headers: list[tuple[str, str]],
    query: dict[str, list[str]],
) -> str:
    """Apply `append:`, `overwrite:` and `remove:` of headers, query and path; answers the URL."""
    for target, expression in mapping.items():
        action, _, where = target.partition(":")
        place, _, name = where.partition(".")
        value = "" if action == "remove" else evaluate(expression, exchange)
        if value is None:
            continue
        if place == "path":
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(path=value if value.startswith("/") else f"/{value}"))
        elif place == "header":
            if action in ("overwrite", "remove"):
                headers[:] = [field for field in headers if field[0].lower() != name.lower()]
            if action in ("overwrite", "append"):
                headers.append((name, _one_line(value)))
        elif place == "querystring":
            if action in ("overwrite", "remove"):
                query.pop(name, None)
            if action in ("overwrite", "append"):
                query.setdefault(name, []).append(value)
    return url


def _mapped_answer(exchange: Exchange, result: HttpResult, mapping: Mapping[str, str]) -> HttpResult:
    answer = Answer(result.status, result.headers, result.body)
    status, headers = result.status, list(result.headers)
    for target, expression in mapping.items():
        action, _, where = target.partition(":")
        place, _, name = where.partition(".")
        value = "" if action == "remove" else evaluate(expression, exchange, answer)
        if value is None:
            continue
        if place == "statuscode":
            status = int(value) if value.isdigit() and 200 <= int(value) <= 599 else status
        elif place == "header":
            if action in ("overwrite", "remove"):
                headers = [field for field in headers if field[0].lower() != name.lower()]
            if action in ("overwrite", "append"):
                headers.append((name, _one_line(value)))
    return HttpResult(status, headers, result.body)


def _one_line(text: str) -> str:
    return " ".join(text.split())
