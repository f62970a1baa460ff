"""AWS services behind methods: what is asked of one as an integration's mappings made it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.doorway import Principal
from kumoi.http_api.aws_services import Operation, ask, read_uri, request_of
from kumoi.http_api.functions import AS_CLIENT, IntegrationFailed, acting, with_stage_variables
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.integrations.endpoints import filled
from kumoi.services.apigateway.integrations.mapping import Answer, Outgoing
from kumoi.wire.http import Response


async def ask_service(exchange: Exchange, integration: Mapping[str, Any], outgoing: Outgoing) -> Answer:
    """What a service answers, its errors too; raises IntegrationFailed."""
    uri = filled(with_stage_variables(integration["uri"], exchange.variables), outgoing.path)
    operation = read_uri(uri, exchange.call.region)
    method = integration["httpMethod"]
    if method == "ANY":
        method = exchange.incoming.method
    request = request_of(operation, method, outgoing.headers, outgoing.query, outgoing.body)
    caller = _caller(exchange, integration.get("credentials"))
    exchange.log(f"Sending request to {operation.entry.name} {operation.action or operation.path}")
    seconds = integration["timeoutInMillis"] / 1000
    response, body = await ask(exchange.call, operation, request, caller, seconds=seconds)
    exchange.log(f"Received response. Status: {response.status}")
    return Answer(response.status, response.headers, body, _failure(operation, response, body))


def _caller(exchange: Exchange, credentials: str | None) -> Principal:
    """Who asks: the integration's role, the client where the integration hands its identity on, else API Gateway."""
    role = with_stage_variables(credentials, exchange.variables) if credentials else None
    if role and role != AS_CLIENT and ":role/" not in role:
        raise IntegrationFailed("refused", f"the credentials {role} are no role's ARN")
    return acting(exchange.call, exchange.source_arn, role)


def _failure(operation: Operation, response: Response, body: bytes) -> str | None:
    """The error message of a function that failed: integration responses are selected by it."""
    if operation.entry.name != "lambda" or not any(
        name.lower() == "x-amz-function-error" for name, _ in response.headers
    ):
        return None
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return str(said.get("errorMessage") or "") if isinstance(said, dict) else ""
