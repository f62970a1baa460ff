"""Response headers policies: CORS, security and custom headers, headers to remove, Server-Timing; pure.

Source: "Understand response headers policies" of the guide. Without `Override` the origin's own header stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kumoi.policy.patterns import expression
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.edge.messages import first, put, without
from kumoi.wire.http import HeaderList

_CORS = (
    *("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"),
    *("access-control-allow-credentials", "access-control-expose-headers", "access-control-max-age"),
)


def applied(policy: Mapping[str, Any], request: HeaderList, method: str, response: HeaderList) -> HeaderList:
    """The response's headers by a policy."""
    removed = [one["Header"].lower() for one in items(policy.get("RemoveHeadersConfig"))]
    headers = without(response, *removed) if removed else list(response)
    if cors := policy.get("CorsConfig"):
        headers = _with_cors(cors, request, method, headers)
    for name, value, override in _security(policy.get("SecurityHeadersConfig") or {}):
        _set(headers, name, value, override=override)
    for one in items(policy.get("CustomHeadersConfig")):
        _set(headers, one["Header"], one["Value"], override=one["Override"])
    return headers


def is_the_same(policy: Mapping[str, Any], *, with_origin: bool) -> bool:
    """Whether a policy makes the same of a response for all viewers, but for what differs between their origins."""
    timing = policy.get("ServerTimingHeadersConfig")
    return not (timing and timing["Enabled"]) and not (with_origin and policy.get("CorsConfig"))


def _set(headers: HeaderList, name: str, value: str, *, override: bool) -> None:
    if override or first(headers, name.lower()) is None:
        put(headers, name, value)


def _with_cors(cors: Mapping[str, Any], request: HeaderList, method: str, response: HeaderList) -> HeaderList:
    origin = first(request, "origin")
    if origin is None:
        return response
    if not cors["OriginOverride"] and any(first(response, name) is not None for name in _CORS):
        return response
    headers = without(response, *_CORS)
    allowed = _allowed(items(cors["AccessControlAllowOrigins"]), origin)
    if allowed is None:
        return headers
    headers.append(("Access-Control-Allow-Origin", allowed))
    if allowed != "*":
        vary = first(headers, "vary")
        put(headers, "Vary", "Origin" if vary is None else vary if "origin" in vary.lower() else f"{vary}, Origin")
    if cors["AccessControlAllowCredentials"]:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if method == "OPTIONS" and first(request, "access-control-request-method") is not None:
        methods = items(cors["AccessControlAllowMethods"])
        if methods == ["ALL"]:
            methods = ["GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
        headers.append(("Access-Control-Allow-Methods", ", ".join(methods)))
        headers.append(("Access-Control-Allow-Headers", ", ".join(items(cors["AccessControlAllowHeaders"]))))
        if cors.get("AccessControlMaxAgeSec") is not None:
            headers.append(("Access-Control-Max-Age", str(cors["AccessControlMaxAgeSec"])))
    elif exposed := items(cors.get("AccessControlExposeHeaders")):
        headers.append(("Access-Control-Expose-Headers", ", ".join(exposed)))
    return headers


def _allowed(patterns: list[str], origin: str) -> str | None:
    """What Access-Control-Allow-Origin says; None for an origin that is not allowed."""
    if "*" in patterns:
        return "*"
    try:
        parts = urlsplit(origin)
        host, bare = parts.netloc.lower(), (parts.hostname or "").lower()
    except ValueError:
        return None
    for pattern in patterns:
        scheme, _, rest = pattern.rpartition("://")
        if scheme and scheme.lower() != parts.scheme:
            continue
        wanted = re.compile(expression(rest.lower()))
        if wanted.fullmatch(host) or wanted.fullmatch(bare):
            return origin
    return None


def _security(config: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    found: list[tuple[str, str, bool]] = []
    if one := config.get("StrictTransportSecurity"):
        value = f"max-age={one['AccessControlMaxAgeSec']}"
        value += "; includeSubDomains" if one.get("IncludeSubdomains") else ""
        value += "; preload" if one.get("Preload") else ""
        found.append(("Strict-Transport-Security", value, one["Override"]))
    if one := config.get("ContentTypeOptions"):
        found.append(("X-Content-Type-Options", "nosniff", one["Override"]))
    if one := config.get("FrameOptions"):
        found.append(("X-Frame-Options", one["FrameOption"], one["Override"]))
    if one := config.get("XSSProtection"):
        value = "0"
        if one["Protection"]:
            value = "1; mode=block" if one.get("ModeBlock") else "1"
            value += f"; report={one['ReportUri']}" if one.get("ReportUri") and not one.get("ModeBlock") else ""
        found.append(("X-XSS-Protection", value, one["Override"]))
    if one := config.get("ReferrerPolicy"):
        found.append(("Referrer-Policy", one["ReferrerPolicy"], one["Override"]))
    if one := config.get("ContentSecurityPolicy"):
        found.append(("Content-Security-Policy", one["ContentSecurityPolicy"], one["Override"]))
    return found


def server_timing(cached: str, pop: str, request_id: str, seconds: float | None) -> str:
    """The Server-Timing header; `cached` is `hit`, `refresh` or `miss`, `seconds` how long the origin took."""
    parts = [f"cdn-cache-{cached}", f'cdn-pop;desc="{pop}"', f'cdn-rid;desc="{request_id}"']
    if cached == "hit":
        parts.append('cdn-hit-layer;desc="EDGE"')
    if seconds is not None:
        parts.append(f"cdn-upstream-fbl;dur={seconds * 1000:.0f}")
    return ",".join(parts)


def wants_timing(policy: Mapping[str, Any], request: HeaderList, chance: float) -> bool:
    """Whether a response tells its timing; `chance` is a number from 0 up to 1."""
    config = policy.get("ServerTimingHeadersConfig")
    if not config or not config["Enabled"]:
        return False
    if "server-timing" in (first(request, "pragma") or ""):
        return True
    return chance * 100 < float(config.get("SamplingRate") or 0)
