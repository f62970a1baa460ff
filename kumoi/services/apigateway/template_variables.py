"""What mapping templates of REST APIs know: `$input` with the request's parameters, `$util`, `$context`,
`$stageVariables`.

Source: "Mapping template and access logging variable reference for API Gateway".
"""

from __future__ import annotations

from typing import Any

from kumoi.http_api.mapping_templates import UTIL, input_of
from kumoi.services.apigateway.exchange import Exchange


def variables(exchange: Exchange, body: str, context: dict[str, Any]) -> dict[str, Any]:
    """A template's variables for a body: the request's, or that of the integration's answer."""
    incoming = exchange.incoming
    params = {
        "path": dict(exchange.path_parameters),
        "querystring": {name: values[-1] for name, values in incoming.parameters.items()},
        "header": {name: value for name, value in incoming.fields if name.lower() != "content-length"},
    }
    return {
        "input": input_of(body, params),
        "util": UTIL,
        "context": context,
        "stageVariables": dict(exchange.variables),
    }
