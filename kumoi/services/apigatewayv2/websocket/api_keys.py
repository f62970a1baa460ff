"""API keys at handshakes: a route that requires one wants a key of a usage plan of the API's stage.

Keys and usage plans belong to the service `apigateway`, which is asked. Source: "Set up API keys using the API
Gateway console" for WebSocket APIs.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Principal
from kumoi.services.apigatewayv2.websocket.authorizers import Refused
from kumoi.services.apigatewayv2.websocket.occasion import Occasion
from kumoi.wire.errors import AwsError


async def check_api_key(occasion: Occasion, usage_key: str | None) -> None:
    """Raise Refused unless the handshake has a key that may be used; `usage_key` is what an authorizer chose."""
    assert occasion.incoming is not None
    given = usage_key or occasion.incoming.headers.get("x-api-key", "")
    if not given:
        raise Refused(403, "Forbidden", "the route requires an API key, and the request has none")
    key = await _usable(occasion, given)
    if key is None:
        raise Refused(403, "Forbidden", "no enabled API key of a usage plan of this stage has the value sent")
    identity = occasion.connection.identity
    occasion.connection.identity = {"apiKey": given, "apiKeyId": key, **identity}


async def _usable(occasion: Occasion, value: str) -> str | None:
    """The id of the enabled key with a value, where one of its usage plans has the API's stage."""
    connection = occasion.connection
    try:
        found = [key for key in await _all(occasion, "GetApiKeys", includeValues=True) if key.get("value") == value]
        for key in found:
            plans = await _all(occasion, "GetUsagePlans", keyId=key["id"]) if key.get("enabled") else []
            stages = [stage for plan in plans for stage in plan.get("apiStages") or []]
            if any((one.get("apiId"), one.get("stage")) == (connection.api, connection.stage) for one in stages):
                return str(key["id"])
    except AwsError as error:
        raise Refused(403, "Forbidden", f"API keys cannot be asked for: {error.message}") from None
    return None


async def _all(occasion: Occasion, operation: str, **given: Any) -> list[dict[str, Any]]:
    """Every item of a list of the service `apigateway`, asked for as API Gateway itself."""
    call = occasion.call
    items: list[dict[str, Any]] = []
    caller = Principal.of_service(call.account, "apigateway.amazonaws.com", call.node or call.service)
    while True:
        answer = await call.doorway.ask("apigateway", operation, {"limit": 500, **given}, caller, call.region)
        items += answer.get("items") or []
        if not answer.get("position"):
            return items
        given["position"] = answer["position"]
