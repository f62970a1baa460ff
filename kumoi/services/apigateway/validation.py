"""Request validation: required parameters, and bodies against models, where a method names a validator.

Source: "Request validation for REST APIs in API Gateway".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.http_api.models import BadSchema
from kumoi.services.apigateway.compiled import CompiledDeployment
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused


async def validate(exchange: Exchange, method: Mapping[str, Any], deployment: CompiledDeployment) -> None:
    """Let a request pass that its method's validator finds right; raises Refused."""
    validator = deployment.validators.get(method.get("requestValidatorId") or "")
    if validator is None:
        return
    if validator.get("validateRequestParameters"):
        missing = missing_parameters(exchange, method.get("requestParameters") or {})
        if missing:
            raise Refused(
                "BAD_REQUEST_PARAMETERS",
                f"parameters are missing: {', '.join(missing)}",
                message=f"Missing required request parameters: [{', '.join(missing)}]",
            )
    if validator.get("validateRequestBody"):
        await _check_body(exchange, method.get("requestModels") or {}, deployment)


def missing_parameters(exchange: Exchange, declared: Mapping[str, bool]) -> list[str]:
    """The required parameters that a request has not, or has empty."""
    missing: list[str] = []
    for name, required in declared.items():
        if not required:
            continue
        _, _, place, key = name.split(".", 3)
        if place == "path":
            present = bool(exchange.path_parameters.get(key))
        elif place == "querystring":
            present = any(exchange.incoming.parameters.get(key) or ())
        else:
            present = bool(exchange.incoming.headers.get(key.lower()))
        if not present:
            missing.append(key)
    return missing


async def _check_body(exchange: Exchange, models: Mapping[str, str], deployment: CompiledDeployment) -> None:
    if not models:
        return
    media = exchange.incoming.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    model = models.get(media) or models.get("$default")
    if model is None:
        return
    try:
        body = orjson.loads(exchange.incoming.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise _invalid(f"the body is no JSON: {error}", "[]") from None
    try:
        schema = await deployment.schema(model)
        wrong = await schema.problems(body, len(exchange.incoming.body))
    except (BadSchema, RecursionError) as error:
        raise Refused("API_CONFIGURATION_ERROR", str(error) or "the schema nests too deep") from None
    if wrong:
        raise _invalid("; ".join(wrong), f"[{', '.join(wrong)}]")


def _invalid(reason: str, validation: str) -> Refused:
    refused = Refused("BAD_REQUEST_BODY", reason)
    refused.validation = validation
    return refused
