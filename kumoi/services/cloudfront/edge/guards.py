"""What a viewer's request must be like before anything else is done: size, scheme, method, country, signature.

A guard raises Failure, or answers the response that the viewer gets instead. Source: "Viewer protocol policy", "Allowed
HTTP methods", "Restrict the geographic distribution of your content", "Quotas" of the guide.
"""

from __future__ import annotations

from kumoi.services.cloudfront.edge import viewer_headers
from kumoi.services.cloudfront.edge.error_page import BAD_REQUEST, Failure
from kumoi.services.cloudfront.edge.messages import EdgeResponse
from kumoi.services.cloudfront.edge.signatures import Denied, Signatures, stripped
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.wire.http import Request

MAX_URL = 8_192
MAX_HEAD = 32_768
MAX_FIELDS = 200
MAX_LOOPS = 8
_NOT_ALLOWED = (
    "This distribution is not configured to allow the HTTP request method that was used for this request. The"
    " distribution supports only cachable requests."
)
_BLOCKED_COUNTRY = "The Amazon CloudFront distribution is configured to block access from your country."


def refusal(visit: Visit, request: Request) -> EdgeResponse | None:
    """What a viewer gets that may not go on (a redirect, a 403); None where it may. Raises Failure."""
    _check_size(visit, request)
    behaviour = visit.behaviour
    if visit.scheme == "http" and behaviour.protocol != "allow-all":
        return _insecure(visit)
    if visit.viewer.method not in behaviour.allowed:
        raise Failure(403, _NOT_ALLOWED, detail="InvalidRequestMethod")
    restriction = visit.served.restriction
    if restriction in ("whitelist", "blacklist"):
        listed = viewer_headers.country(request.headers.items, visit.pop) in visit.served.countries
        if listed is (restriction == "blacklist"):
            raise Failure(403, _BLOCKED_COUNTRY, detail="ClientGeoBlocked")
    return _unsigned(visit)


def _check_size(visit: Visit, request: Request) -> None:
    if len(visit.viewer.url) > MAX_URL:
        raise Failure(414, "The request URL is too long.", detail="InvalidRequest")
    if len(request.headers.items) > MAX_FIELDS or sum(map(_size, request.headers.items)) > MAX_HEAD:
        raise Failure(431, "The request's headers are too large.", detail="InvalidRequest")
    via = request.headers.get("via") or ""
    if via.count("(CloudFront)") >= MAX_LOOPS:
        raise Failure(403, BAD_REQUEST, hint={"rule": "the request has passed through too many distributions: a loop?"})


def _size(field: tuple[str, str]) -> int:
    return len(field[0]) + len(field[1]) + 4


def _insecure(visit: Visit) -> EdgeResponse:
    """A redirect to HTTPS, or the refusal of plain HTTP."""
    if visit.behaviour.protocol == "https-only":
        raise Failure(403, "Bad request. We can't connect to the server over HTTP: this distribution takes HTTPS only.")
    visit.result = visit.detail = "Redirect"
    visit.cache = "Redirect from cloudfront"
    status = 301 if visit.viewer.method in ("GET", "HEAD") else 307
    body = b"<html>\r\n<head><title>301 Moved Permanently</title></head>\r\n<body></body>\r\n</html>\r\n"
    headers = [
        ("Server", "CloudFront"),
        ("Content-Type", "text/html"),
        ("Location", f"https://{visit.host}{visit.viewer.url}"),
    ]
    return EdgeResponse(status, headers, body)


def _unsigned(visit: Visit) -> EdgeResponse | None:
    """The refusal of a viewer whose request is not signed as the behaviour wants; None where it may go on."""
    viewer, keys = visit.viewer, visit.behaviour.keys
    if keys is None:
        return None
    rest = stripped(viewer.query)
    path = f"{viewer.uri}?{rest}" if rest else viewer.uri
    hosts = dict.fromkeys((visit.host, visit.host.rpartition(":")[0], visit.served.domain, *visit.served.aliases))
    urls = [f"{scheme}://{host}{path}" for host in hosts if host for scheme in ("https", "http")]
    try:
        visit.call.part(Signatures).check(viewer, keys, urls, visit.now)
    except Denied as denied:
        visit.result = visit.detail = "Error"
        visit.cache = "Error from cloudfront"
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{denied.code}</Code>'
            f"<Message>{denied.message}</Message></Error>"
        )
        return EdgeResponse(403, [("Server", "CloudFront"), ("Content-Type", "text/xml")], body.encode())
    viewer.query = rest
    return None
