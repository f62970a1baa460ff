"""The request that goes to an origin: what of the viewer's headers, cookies and query passes, and what is added.

Pure. Source: "Request and response behavior for custom origins / for Amazon S3 origins", "Control origin requests
with a policy" of the guide. With policies only what they choose passes, with the legacy settings all but a few.
"""

from __future__ import annotations

from kumoi.services.cloudfront.edge.cache_key import accepted, chosen_query
from kumoi.services.cloudfront.edge.messages import EdgeRequest, cookies, every, first, parameters
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.edge.selection import Choice, Selection
from kumoi.wire.http import HeaderList

_CONTENT = frozenset(
    (
        *("content-type", "content-encoding", "content-language", "content-disposition", "content-md5"),
        *("content-range", "if-match", "if-modified-since", "if-none-match", "if-range"),
        *("if-unmodified-since", "range", "cache-control", "pragma"),
    )
)
"""What passes whatever a policy says: the body's description, conditions, ranges."""
_NEVER = frozenset(
    (
        *("connection", "content-length", "expect", "keep-alive", "proxy-authenticate"),
        *("proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("x-real-ip", "x-forwarded-proto", "x-forwarded-for", "via", "host", "user-agent"),
        *("accept-encoding", "cookie", "x-amz-cf-id"),
    )
)
_LEGACY_DROPPED = frozenset(["accept", "accept-charset", "accept-language", "referer", "x-http-method-override"])
_WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))


def origin_request(
    request: EdgeRequest,
    origin: Origin,
    keyed: Selection,
    forwarded: Selection,
    *,
    request_id: str,
    via: str,
    legacy: bool = False,
    gzip: bool = False,
    brotli: bool = False,
) -> EdgeRequest:
    """The viewer's request as the origin gets it; the origin's own headers are added when it is sent."""
    headers = [one for one in request.headers if _passes(one[0].lower(), request.method, keyed, forwarded, legacy)]
    jar = [
        f"{name}={value}"
        for name, value in cookies(request.headers)
        if keyed.cookies.takes(name) or forwarded.cookies.takes(name)
    ]
    if jar:
        headers.append(("Cookie", "; ".join(jar)))
    headers.append(("Host", _host(request, origin, keyed.headers, forwarded.headers)))
    headers.append(("User-Agent", _agent(request, keyed.headers, forwarded.headers)))
    encodings = first(request.headers, "accept-encoding")
    if gzip or brotli:
        encodings = accepted(encodings, gzip=gzip, brotli=brotli) or None
    elif not legacy and not _named(keyed.headers, forwarded.headers, "accept-encoding"):
        encodings = None
    if encodings is not None:
        headers.append(("Accept-Encoding", encodings))
    sent = every(request.headers, "x-forwarded-for")
    headers.append(("X-Forwarded-For", ", ".join([*sent, request.ip])))
    headers.append(("Via", ", ".join([*every(request.headers, "via"), via])))
    headers.append(("X-Amz-Cf-Id", request_id))
    return EdgeRequest(
        request.method, request.uri, _query(request.query, keyed.query, forwarded.query), headers, request.ip,
        request.body, origin,
    )  # fmt: skip


def _passes(name: str, method: str, keyed: Selection, forwarded: Selection, legacy: bool) -> bool:
    if name in _NEVER or name.startswith("x-edge-"):
        return False
    if name in _CONTENT:
        return True
    if name == "authorization":
        return method in _WRITES or keyed.headers.takes(name) or forwarded.headers.takes(name)
    if name.startswith("cloudfront-"):
        return name in keyed.cloudfront or name in forwarded.cloudfront
    if keyed.headers.takes(name) or forwarded.headers.takes(name):
        return True
    return legacy and name not in _LEGACY_DROPPED


def _named(keyed: Choice, forwarded: Choice, name: str) -> bool:
    return keyed.takes(name) or forwarded.takes(name)


def _host(request: EdgeRequest, origin: Origin, keyed: Choice, forwarded: Choice) -> str:
    if _named(keyed, forwarded, "host"):
        return first(request.headers, "host") or origin.domain
    return origin.domain


def _agent(request: EdgeRequest, keyed: Choice, forwarded: Choice) -> str:
    if _named(keyed, forwarded, "user-agent"):
        return first(request.headers, "user-agent") or "Amazon CloudFront"
    return "Amazon CloudFront"


def _query(query: str, keyed: Choice, forwarded: Choice) -> str:
    for choice in (keyed, forwarded):
        if choice.others and not choice.names:
            return query
    if keyed.nothing:
        return "" if forwarded.nothing else chosen_query(query, forwarded)
    return "&".join(pair for name, pair in parameters(query) if keyed.takes(name) or forwarded.takes(name))


_ANSWER_DROPPED = frozenset(
    (
        *("connection", "content-length", "date-received", "keep-alive", "proxy-authenticate"),
        *("proxy-connection", "trailer", "transfer-encoding", "upgrade", "x-amz-cf-id", "x-amz-cf-pop"),
        *("x-cache", "x-edge-location"),
    )
)


def answered(headers: HeaderList) -> HeaderList:
    """What of an origin's headers goes on: not those of its connection, nor those that the edge writes itself."""
    return [one for one in headers if one[0].lower() not in _ANSWER_DROPPED]
