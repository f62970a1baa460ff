"""Whether a health check says that its endpoint is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.route53.records import health_checks
from kumoi.state import Transaction

ENDPOINT_TYPES = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
_DEEPEST = 4


async def is_healthy(tx: Transaction, check_id: str, observed: Mapping[str, bool], depth: int = 0) -> bool:
    """What a health check says; `observed` has what was found of endpoints. One that is not there says nothing bad."""
    found = await health_checks.get(tx, check_id)
    if found is None:
        return True
    config = found.config
    inverted = bool(config.get("Inverted"))
    if config.get("Disabled"):
        return not inverted
    if config["Type"] == "CALCULATED":
        well = await _calculated(tx, config, observed, depth)
    elif config["Type"] in ENDPOINT_TYPES:
        well = observed.get(check_id, True)
    else:
        well = config.get("InsufficientDataHealthStatus", "Healthy") != "Unhealthy"
    return well is not inverted


async def _calculated(tx: Transaction, config: Mapping[str, Any], observed: Mapping[str, bool], depth: int) -> bool:
    if depth >= _DEEPEST:
        return True
    children = [await is_healthy(tx, one, observed, depth + 1) for one in config.get("ChildHealthChecks", ())]
    return sum(children) >= int(config.get("HealthThreshold", len(children)))
