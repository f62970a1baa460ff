"""Continuous deployment: which requests to a primary distribution its staging distribution answers; pure.

By a header that begins with `aws-cf-cd-`, or by weight; with session stickiness a viewer stays where it was, by a
cookie. Source: "Use continuous deployment to safely test CDN configuration changes" of the guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudfront.edge.messages import cookies, first
from kumoi.wire.http import HeaderList

COOKIE = "_CF-CD"


def is_by_chance(traffic: Mapping[str, Any]) -> bool:
    """Whether requests that are the same may be answered by either."""
    return bool(traffic["Type"] == "SingleWeight")


def is_staged(traffic: Mapping[str, Any], headers: HeaderList, chance: float) -> tuple[bool, str | None]:
    """(whether the staging distribution answers, the cookie that keeps it so); `chance` is from 0 up to 1."""
    if traffic["Type"] == "SingleHeader":
        wanted = traffic.get("SingleHeaderConfig") or {}
        return first(headers, str(wanted.get("Header", "")).lower()) == wanted.get("Value"), None
    weighted = traffic.get("SingleWeightConfig") or {}
    sticky = weighted.get("SessionStickinessConfig")
    if sticky is None:
        return chance < float(weighted.get("Weight", 0)), None
    kept = next((value for name, value in cookies(headers) if name == COOKIE), None)
    staged = kept == "staging" if kept in ("staging", "primary") else chance < float(weighted.get("Weight", 0))
    place = "staging" if staged else "primary"
    return staged, f"{COOKIE}={place}; Path=/; Max-Age={sticky['IdleTTL']}; HttpOnly"
