"""API keys at handshakes: a route that requires one wants a key of a usage plan of the API's stage.

Keys and usage plans belong to the service `apigateway`, which is asked. Source: "Set up API keys using the API
Gateway console" for WebSocket APIs.
"""

from __future__ import annotations

from kumoi.services.apigatewayv2.websocket.authorizers import Refused
from kumoi.services.apigatewayv2.websocket.occasion import Occasion
from kumoi.wire.errors import AwsError


async def check_api_key(occasion: Occasion, usage_key: str | None) -> None:
    """Raise Refused unless the handshake has a key that may be used; `usage_key` is what an authorizer chose."""
    assert occasion.incoming is not None
    given = usage_key or occasion.incoming.headers.get("x-api-key", "")
    if not given:
        raise Refused(403, "Forbidden", "the route requires an API key, and the request has none")
    if not await _usable(occasion, given):
        raise Refused(403, "Forbidden", "no enabled API key of a usage plan of this stage has the value sent")


async def _usable(occasion: Occasion, value: str) -> bool:
    call, connection = occasion.call, occasion.connection
    try:
        keys = (await call.to("apigateway", "GetApiKeys", includeValues=True, limit=500)).get("items", [])
        for key in keys:
            if key.get("value") != value or not key.get("enabled"):
                continue
            plans = (await call.to("apigateway", "GetUsagePlans", keyId=key["id"])).get("items", [])
            stages = [stage for plan in plans for stage in plan.get("apiStages") or []]
            if any((one.get("apiId"), one.get("stage")) == (connection.api, connection.stage) for one in stages):
                return True
    except AwsError as error:
        raise Refused(403, "Forbidden", f"API keys cannot be asked for: {error.message}") from None
    return False
