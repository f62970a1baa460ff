"""What stands behind methods: functions, AWS services, HTTP endpoints, or nothing (MOCK).

A proxy passes the request on and its answer back; the others go through parameter mappings (`mapping.py`) and templates
(`templates.py`) on both ways. Source: "Integrations for REST APIs in API Gateway".
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import orjson

from kumoi.http_api.functions import IntegrationFailed
from kumoi.http_api.results import HttpResult
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused
from kumoi.services.apigateway.integrations.endpoints import ask_endpoint, passed_on
from kumoi.services.apigateway.integrations.functions import ask_function
from kumoi.services.apigateway.integrations.mapping import Answer, Outgoing, apply_request
from kumoi.services.apigateway.integrations.services import ask_service
from kumoi.services.apigateway.integrations.templates import apply_request_template, respond

_REMAPPED = frozenset(["connection", "content-length", "date", "server", "www-authenticate", "user-agent", "host"])


async def integrate(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    """The response that stands behind a method; raises IntegrationFailed, and Refused for a mapping that fails."""
    began = perf_counter()
    try:
        result = await _ask(exchange, integration)
    finally:
        exchange.integration["latency"] = int((perf_counter() - began) * 1000)
    return result


async def _ask(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    kind = integration["type"]
    if kind == "AWS_PROXY":
        result = await ask_function(exchange, integration)
        exchange.integration |= {"status": 200, "integrationStatus": result.status}
        return result._replace(headers=remapped(result.headers))
    outgoing = Outgoing(path=dict(exchange.path_parameters) if kind == "HTTP_PROXY" else {})
    if kind == "HTTP_PROXY":
        passed_on(exchange, outgoing)
        apply_request(exchange, integration.get("requestParameters") or {}, outgoing)
        answer = await ask_endpoint(exchange, integration, outgoing)
        exchange.integration |= {"status": answer.status, "integrationStatus": answer.status}
        return HttpResult(answer.status, remapped(answer.headers), answer.body)
    media = exchange.incoming.headers.get("content-type", "application/json")
    outgoing.headers = {"Content-Type": media, "Accept": "application/json"}
    apply_request(exchange, integration.get("requestParameters") or {}, outgoing)
    await apply_request_template(exchange, integration, outgoing)
    if kind == "MOCK":
        answer = _mocked(exchange, outgoing)
    elif kind == "HTTP":
        answer = await ask_endpoint(exchange, integration, outgoing)
    else:
        answer = await ask_service(exchange, integration, outgoing)
    exchange.integration |= {"status": answer.status, "integrationStatus": answer.status}
    return await respond(exchange, integration, answer)


def _mocked(exchange: Exchange, outgoing: Outgoing) -> Answer:
    """What a MOCK answers: the status code that its request template makes, and no body."""
    try:
        said = orjson.loads(outgoing.body)
        status = int(said["statusCode"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        exchange.log("Execution failed due to configuration error: Unable to parse statusCode")
        raise Refused(
            "API_CONFIGURATION_ERROR", 'the request template of a MOCK has to make {"statusCode": 200} or the like'
        ) from None
    return Answer(status, [], b"")


def remapped(fields: Any) -> list[tuple[str, str]]:
    """An answer's header fields as a proxy passes them on: those that are the gateway's own under other names."""
    return [
        (f"x-amzn-Remapped-{name}", value) if name.lower() in _REMAPPED else (name, value)
        for name, value in fields
        if name.lower() not in ("transfer-encoding", "keep-alive")
    ]


__all__ = ["IntegrationFailed", "integrate", "remapped"]
