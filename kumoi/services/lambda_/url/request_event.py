"""An HTTP request as the event that a function URL gives its function: payload format 2.0.

Pure: what the request said goes in, the event comes out. Rules: "Invoking Lambda function URLs" of the developer guide,
and recorded events. The path stays as it was sent; header names are lower-case, repeated ones joined by commas.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

_TEXT = ("application/json", "application/xml", "application/javascript")
_NOT_PASSED_ON = frozenset({"cookie", "connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"})


class UrlRequest(NamedTuple):
    """What a request said. `path` and `query` as sent; `headers` in order; `source` is the client's address."""

    method: str
    path: str
    query: str
    headers: Iterable[tuple[str, str]]
    body: bytes
    scheme: str
    source: str


class UrlContext(NamedTuple):
    """What the platform knows: `domain` is the URL's host name, `authorizer` the caller of a URL with AWS_IAM."""

    url_id: str
    domain: str
    account: str
    request_id: str
    trace_header: str
    now: float
    authorizer: Mapping[str, Any] | None = None


def event_of(request: UrlRequest, context: UrlContext) -> dict[str, Any]:
    """The event for a request."""
    headers, cookies = _headers(request.headers)
    headers.setdefault("host", context.domain)
    headers["x-amzn-trace-id"] = context.trace_header
    headers["x-forwarded-proto"] = request.scheme
    headers["x-forwarded-for"] = request.source
    headers.setdefault("x-forwarded-port", "443" if request.scheme == "https" else "80")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _request_context(request, context, headers),
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = _query(request.query)
    if request.body:
        text = _as_text(request.body, headers.get("content-type", ""))
        event["body"] = base64.b64encode(request.body).decode() if text is None else text
        event["isBase64Encoded"] = text is None
    return event


def _request_context(request: UrlRequest, context: UrlContext, headers: Mapping[str, str]) -> dict[str, Any]:
    moment = datetime.fromtimestamp(context.now, UTC)
    said: dict[str, Any] = {
        "accountId": "anonymous" if context.authorizer is None else context.account,
        "apiId": context.url_id,
        "domainName": context.domain,
        "domainPrefix": context.url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": context.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(context.now * 1000),
    }
    if context.authorizer is not None:
        said["authorizer"] = {"iam": dict(context.authorizer)}
    return said


def _headers(items: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Fields by lower-case name, and cookies apart."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in items:
        name = name.lower()
        if name == "cookie":
            cookies += [cookie.strip() for cookie in value.split(";") if cookie.strip()]
        if name not in _NOT_PASSED_ON:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers, cookies


def _query(query: str) -> dict[str, str]:
    """Parameters by name, decoded; repeated ones joined by commas."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


def _as_text(body: bytes, content_type: str) -> str | None:
    """The body as text where its media type says that it is; None for what travels in base64."""
    media = content_type.partition(";")[0].strip().lower()
    if not (media.startswith("text/") or media in _TEXT or media.endswith(("+json", "+xml"))):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
