"""The event of a CloudFront function; pure.

Source: "CloudFront Functions event structure" of the guide. Names of headers are lower-case; cookies stand apart;
things of one name share an entry, with `multiValue` where they are several. Nothing of the query is decoded.
"""

from __future__ import annotations

from typing import Any

from kumoi.services.cloudfront.edge.messages import (
    EdgeRequest,
    EdgeResponse,
    cookies,
    every,
    parameters,
    without,
)
from kumoi.wire.http import HeaderList

DISALLOWED = frozenset(
    (
        *("connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("trailer", "upgrade", "x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect"),
        *("x-amzn-auth", "x-amzn-cf-billing", "x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype"),
        *("x-amzn-fle-profile", "x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag"),
        *("x-amzn-requestid", "x-cache", "x-forwarded-proto", "x-real-ip"),
    )
)


def disallowed(name: str) -> bool:
    """Whether no function sees or sets a header (lower-case name)."""
    return name in DISALLOWED or name.startswith(("x-amz-cf-", "x-edge-"))


def event_of(
    event_type: str, distribution: str, domain: str, request_id: str, request: EdgeRequest,
    response: EdgeResponse | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The event for a request, or for a response to it."""
    event: dict[str, Any] = {
        "version": "1.0",
        "context": {
            "distributionDomainName": domain,
            "distributionId": distribution,
            "eventType": event_type,
            "requestId": request_id,
        },
        "viewer": {"ip": request.ip},
        "request": {
            "method": request.method,
            "uri": request.uri,
            "querystring": _grouped([(name, pair.partition("=")[2]) for name, pair in parameters(request.query)]),
            "headers": _headers(without(request.headers, "cookie")),
            "cookies": _grouped(cookies(request.headers)),
        },
    }
    if response is not None:
        event["response"] = {
            "statusCode": response.status,
            "statusDescription": response.description,
            "headers": _headers(without(response.headers, "set-cookie")),
            "cookies": _set_cookies(every(response.headers, "set-cookie")),
        }
    return event


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = {"value": value}
            continue
        entry = found[name]
        entry.setdefault("multiValue", [{"value": entry["value"]}]).append({"value": value})
    return found


def _headers(fields: HeaderList) -> dict[str, Any]:
    return _grouped([(name.lower(), value) for name, value in fields if not disallowed(name.lower())])


def _set_cookies(values: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in values:
        pair, _, attributes = value.partition(";")
        name, _, content = pair.strip().partition("=")
        one = {"value": content, **({"attributes": attributes.strip()} if attributes.strip() else {})}
        if name not in found:
            found[name] = dict(one)
            continue
        entry = found[name]
        entry.setdefault("multiValue", [{key: entry[key] for key in ("value", "attributes") if key in entry}]).append(
            one
        )
    return found
