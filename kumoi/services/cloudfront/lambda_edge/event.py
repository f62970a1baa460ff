"""The event of a Lambda@Edge function; pure. Source: "Lambda@Edge event structure" of the guide.

Header names are lower-case; each is a list of `{key, value}` with the case as sent. A function at an origin event sees
the request as the origin gets it.
"""

from __future__ import annotations

import base64
from typing import Any

from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.functions.event import disallowed
from kumoi.wire.http import HeaderList

MAX_BODY = {"viewer-request": 40 * 1024, "origin-request": 1024 * 1024}


def event_of(
    event_type: str,
    distribution: str,
    domain: str,
    request_id: str,
    request: EdgeRequest,
    response: EdgeResponse | None = None,
    *,
    include_body: bool = False,
) -> dict[str, Any]:
    """The event for a request, or for a response to it."""
    cf: dict[str, Any] = {
        "config": {
            "distributionDomainName": domain,
            "distributionId": distribution,
            "eventType": event_type,
            "requestId": request_id,
        },
        "request": request_of(request, event_type, include_body=include_body),
    }
    if response is not None:
        cf["response"] = {
            "status": str(response.status),
            "statusDescription": response.description,
            "headers": headers_of(response.headers),
        }
    return {"Records": [{"cf": cf}]}


def request_of(request: EdgeRequest, event_type: str, *, include_body: bool) -> dict[str, Any]:
    """A request as functions see it."""
    told: dict[str, Any] = {
        "clientIp": request.ip,
        "headers": headers_of(request.headers),
        "method": request.method,
        "querystring": request.query,
        "uri": request.uri,
    }
    if include_body:
        most = MAX_BODY[event_type]
        told["body"] = {
            "action": "read-only",
            "data": base64.b64encode(request.body[:most]).decode(),
            "encoding": "base64",
            "inputTruncated": len(request.body) > most,
        }
    if event_type.startswith("origin") and request.origin is not None:
        told["origin"] = origin_of(request.origin)
    return told


def headers_of(fields: HeaderList) -> dict[str, list[dict[str, str]]]:
    """Headers by lower-case name, but those that functions do not see."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, value in fields:
        lower = name.lower()
        if not disallowed(lower):
            found.setdefault(lower, []).append({"key": name, "value": _text(value)})
    return found


def _text(value: str) -> str:
    """A header's bytes as UTF-8 where they are; else as Latin-1."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return value


def origin_of(origin: Origin) -> dict[str, Any]:
    """An origin as functions see and write it."""
    common = {"customHeaders": headers_of(list(origin.headers)), "domainName": origin.domain, "path": origin.path}
    if origin.s3:
        method = "origin-access-identity" if origin.identity else "none"
        return {"s3": {**common, "authMethod": method, "region": origin.region}}
    scheme = origin.scheme("https")
    return {
        "custom": {
            **common,
            "keepaliveTimeout": origin.keepalive_timeout,
            "port": origin.port(scheme),
            "protocol": scheme,
            "readTimeout": int(origin.read_timeout),
            "sslProtocols": list(origin.ssl_protocols),
        }
    }
