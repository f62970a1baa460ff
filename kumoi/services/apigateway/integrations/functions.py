"""Lambda proxy integrations: the request as an event, the function's answer as the response.

Source: "Lambda proxy integrations in API Gateway", "Output format of a Lambda function for proxy integration".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.http_api.functions import FunctionCaller, IntegrationFailed, function_of, with_stage_variables
from kumoi.http_api.results import HttpResult, Malformed, described
from kumoi.services.apigateway.binary import accepts_binary
from kumoi.services.apigateway.exchange import Exchange


async def ask_function(exchange: Exchange, integration: Mapping[str, Any]) -> HttpResult:
    """The response that a function describes; raises IntegrationFailed."""
    call, caller = exchange.call, exchange.call.part(FunctionCaller)
    function = function_of(with_stage_variables(integration["uri"], exchange.variables))
    if integration.get("httpMethod") != "POST":
        raise IntegrationFailed(
            "refused", f"{function}: functions are invoked by POST, not {integration['httpMethod']}"
        )
    exchange.log(f"Sending request to {function}")
    seconds, role = integration["timeoutInMillis"] / 1000, integration.get("credentials")
    content = await caller.invoke(call, function, exchange.event(), seconds, exchange.source_arn, role)
    await caller.check_permission(call, exchange.api, function, exchange.source_arn)
    exchange.log_body("Endpoint response", content)
    try:
        result = described(content)
    except Malformed as problem:
        exchange.log("Execution failed due to configuration error: Malformed Lambda proxy response")
        raise IntegrationFailed("malformed", f"{function}: {problem}") from None
    return _as_accepted(exchange, result, content)


def _as_accepted(exchange: Exchange, result: HttpResult, content: bytes) -> HttpResult:
    """A body in base64 becomes bytes for a client that accepts a binary media type; others get it as it is."""
    if b'"isBase64Encoded"' not in content:
        return result
    import base64

    import orjson

    if not orjson.loads(content).get("isBase64Encoded"):
        return result
    if accepts_binary(exchange.incoming.headers.get("accept", "*/*"), exchange.binary_types):
        return result
    exchange.log("The body stays in base64: the first media type of Accept is none of the API's binaryMediaTypes")
    return result._replace(body=base64.b64encode(result.body))
