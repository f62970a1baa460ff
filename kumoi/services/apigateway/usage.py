"""API keys at the door: which key a request has, whether its plan lets it in, how fast, and how often.

Source: "Usage plans and API keys for REST APIs", "Choose an API key source", "Throttle requests to your REST APIs".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.http_api.throttle import Throttles
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.execution_log import settings_of
from kumoi.services.apigateway.gateway_responses import Refused
from kumoi.services.apigateway.quotas import count, day_of
from kumoi.services.apigateway.records import (
    ApiKey,
    Stage,
    UsagePlan,
    api_keys,
    key_values,
    plans_of_keys,
    usage_plans,
)
from kumoi.state import Transaction, transactional

_DEFAULT_RATE, _DEFAULT_BURST = 10_000.0, 5_000.0


async def check_key(exchange: Exchange, method: Mapping[str, Any], source: str, usage_key: str | None) -> None:
    """Let a request pass whose key may use the stage, and count it; raises Refused."""
    if not method.get("apiKeyRequired"):
        return
    value = usage_key if source == "AUTHORIZER" else exchange.incoming.headers.get("x-api-key")
    if not value:
        raise Refused("INVALID_API_KEY", "the request has no API key")
    found = await _find(exchange.call.state, value, exchange.api, exchange.stage)
    if found is None:
        raise Refused("INVALID_API_KEY", "no enabled key of a usage plan for this stage has this value")
    key, plan = found
    exchange.identity |= {"apiKey": key.value, "apiKeyId": key.id}
    if not _admitted(exchange, key, plan):
        raise Refused("THROTTLED", f"the throttle of the usage plan {plan.id} is reached")
    if not await count(exchange.call.state, plan, key.id, day_of(exchange.call.now)):
        raise Refused("QUOTA_EXCEEDED", f"the quota of the usage plan {plan.id} is used up")


def check_throttle(exchange: Exchange, stage: Stage) -> None:
    """Let a request pass that its method's or its stage's throttle admits; raises Refused."""
    name, held = settings_of(exchange, stage)
    rate = float(held.get("throttlingRateLimit", _DEFAULT_RATE))
    burst = float(held.get("throttlingBurstLimit", _DEFAULT_BURST))
    if rate < 0 or burst < 0:
        return
    if not exchange.call.part(Throttles).admits((exchange.api, stage.name, name), rate, burst, exchange.call.now):
        raise Refused("THROTTLED", "the stage's or the method's throttle is reached")


def _admitted(exchange: Exchange, key: ApiKey, plan: UsagePlan) -> bool:
    throttles, now = exchange.call.part(Throttles), exchange.call.now
    limits = [("", plan.properties.get("throttle"))]
    for one in plan.properties.get("apiStages") or ():
        if (one["apiId"], one["stage"]) == (exchange.api, exchange.stage):
            method = f"{exchange.resource_path}/{exchange.incoming.method}"
            limits.append((method, (one.get("throttle") or {}).get(method)))
    for name, limit in limits:
        if limit and (limit.get("rateLimit") or limit.get("burstLimit")):
            rate = float(limit.get("rateLimit") or _DEFAULT_RATE)
            burst = float(limit.get("burstLimit") or max(rate, 1.0))
            if not throttles.admits((plan.id, key.id, name), rate, burst, now):
                return False
    return True


@transactional
async def _find(tx: Transaction, value: str, api: str, stage: str) -> tuple[ApiKey, UsagePlan] | None:
    """The enabled key of a value, and its plan for a stage."""
    known = await key_values.get(tx, value)
    key = None if known is None else await api_keys.get(tx, known.key)
    if key is None or not key.properties.get("enabled"):
        return None
    for one in await plans_of_keys.list(tx, key.id):
        plan = await usage_plans.get(tx, one.plan)
        if plan is None:
            continue
        if any((held["apiId"], held["stage"]) == (api, stage) for held in plan.properties.get("apiStages") or ()):
            return key, plan
    return None
