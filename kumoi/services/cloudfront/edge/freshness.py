"""How long a response may be served from the cache: TTLs, errors, and when a stale object still may be.

Source: "Manage how long content stays in the cache (expiration)" and "How CloudFront caches HTTP 4xx and 5xx status
codes from your origin" of the guide. Times are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from kumoi.services.cloudfront.edge.messages import every, first
from kumoi.wire.http import HeaderList

LONGEST = 100 * 365 * 86_400.0
ERROR_TTL = 10.0

ALWAYS_CACHED_ERRORS = frozenset((404, 414, 500, 501, 502, 503, 504))
CACHED_WHEN_TOLD_ERRORS = frozenset((400, 403, 405, 412, 415, 416))
NEVER_SHARED = frozenset(("no-store", "private"))

_DIRECTIVE = re.compile(r'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;"]*)))?')


@dataclass(frozen=True, slots=True)
class Ttl:
    """The bounds that a cache policy (or the legacy settings) sets."""

    least: float
    default: float
    most: float


@dataclass(frozen=True, slots=True)
class Freshness:
    """`ttl`: fresh for so long; then stale for `revalidating` while it is fetched anew, or `on_error` when that fails.

    `on_error` is None where the origin did not say.
    """

    ttl: float
    revalidating: float = 0.0
    on_error: float | None = None


def directives(headers: HeaderList) -> dict[str, str]:
    """The directives of Cache-Control by lower-case name."""
    found: dict[str, str] = {}
    for value in every(headers, "cache-control"):
        for name, quoted, plain in _DIRECTIVE.findall(value):
            found.setdefault(name.lower(), quoted or plain)
    return found


def _seconds(text: str | None) -> float | None:
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(float(text[:15]), LONGEST)


def stated(headers: HeaderList, now: float) -> float | None:
    """The lifetime that the origin states: s-maxage, else max-age, else Expires; None where it states none."""
    said = directives(headers)
    for name in ("s-maxage", "max-age"):
        seconds = _seconds(said.get(name))
        if seconds is not None:
            return seconds
    expires = first(headers, "expires")
    if expires is None:
        return None
    try:
        moment = parsedate_to_datetime(expires).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    dated = first(headers, "date")
    try:
        began = parsedate_to_datetime(dated).timestamp() if dated else now
    except (ValueError, TypeError, OverflowError):
        began = now
    return max(0.0, min(moment - began, LONGEST))


def freshness(headers: HeaderList, ttl: Ttl, now: float) -> Freshness:
    """How long a successful response is fresh."""
    said = directives(headers)
    never = not {"no-store", "no-cache", "private"}.isdisjoint(said)
    if first(headers, "vary") == "*":
        return Freshness(0.0, on_error=0.0)
    seconds = stated(headers, now)
    if never:
        lifetime = ttl.least
    elif seconds is None:
        lifetime = max(ttl.least, ttl.default)
    else:
        lifetime = min(max(seconds, ttl.least), ttl.most)
    revalidating = min(_seconds(said.get("stale-while-revalidate")) or 0.0, ttl.most)
    on_error = _seconds(said.get("stale-if-error"))
    if never:
        return Freshness(lifetime, on_error=0.0)
    return Freshness(lifetime, revalidating, None if on_error is None else min(on_error, ttl.most))


def error_lifetime(status: int, headers: HeaderList, least: Mapping[int, float], now: float) -> float:
    """How long an error is kept; `least` are the ErrorCachingMinTTLs by status."""
    said = directives(headers)
    seconds = stated(headers, now) if {"max-age", "s-maxage"} & said.keys() else None
    if status in CACHED_WHEN_TOLD_ERRORS and seconds is None and status not in least:
        return 0.0
    if status not in ALWAYS_CACHED_ERRORS | CACHED_WHEN_TOLD_ERRORS:
        return 0.0
    return max(least.get(status, ERROR_TTL), seconds or 0.0)
