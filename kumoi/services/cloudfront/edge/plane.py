"""The data plane: a viewer's request, from its host name to the answer.

In order: distribution → behaviour → scheme, method, country, signature → viewer-request function → cache and origin
(`caching.py`) → custom error pages → response headers policy → viewer-response function → the edge's own headers.
Source: "How CloudFront delivers content", and the order in "Restrictions on edge functions" of the guide.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from time import perf_counter

from kumoi.doorway import Call
from kumoi.names import DEFAULT_REGION
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.edge import error_page, pops, response_headers, triggers, viewer_headers
from kumoi.services.cloudfront.edge.caching import Caching
from kumoi.services.cloudfront.edge.compiled import Served, compile_distribution
from kumoi.services.cloudfront.edge.conditions import not_modified, one_range
from kumoi.services.cloudfront.edge.deployments import Deployments, Located, serves_previous
from kumoi.services.cloudfront.edge.error_page import Failure
from kumoi.services.cloudfront.edge.invalidated import Invalidated
from kumoi.services.cloudfront.edge.log_delivery import LogDelivery
from kumoi.services.cloudfront.edge.log_entry import LogEntry
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, first, put, without
from kumoi.services.cloudfront.edge.pops import Pop
from kumoi.services.cloudfront.edge.signatures import Denied, Signatures, stripped
from kumoi.services.cloudfront.edge.staging import is_staged
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.lookup import find_place
from kumoi.services.cloudfront.naming import REGION
from kumoi.services.cloudfront.records import distributions
from kumoi.state import Transaction, transactional
from kumoi.wire.http import BodyTooLarge, Request, Response

logger = logging.getLogger(__name__)

MAX_URL = 8_192
MAX_HEAD = 32_768
MAX_FIELDS = 200
MAX_BODY = 64 * 1024 * 1024
MAX_LOOPS = 8
REPLAYED = 256 * 1024
"""Bytes of a request's body that are kept for a replay."""
CHOSEN = "x-kumoi-distribution"
_BAD = (
    "Bad request. We can't connect to the server for this app or website at this time. There might be too much"
    " traffic or a configuration error."
)
_NOT_ALLOWED = (
    "This distribution is not configured to allow the HTTP request method that was used for this request. The"
    " distribution supports only cachable requests."
)
_BLOCKED_COUNTRY = "The Amazon CloudFront distribution is configured to block access from your country."


@cloudfront.data_plane("cloudfront-edge")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer one request of a viewer."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    pop = pops.find(request.headers.get(pops.HEADER), DEFAULT_REGION)
    request_id = base64.b64encode(os.urandom(40)).decode()[:54] + "=="
    name = _name(request, attributes)
    served = await compiled(call, name, pop)
    if served is None:
        failure = Failure(403, _BAD, hint={"rule": f"no enabled distribution answers {name}"})
        return _written(error_page.page(failure, request_id), pop, request_id, "", failure.cache)
    served, cookie = _staged(served, request)
    call.account, call.node = served.account, f"cloudfront:{served.id}"
    visit = visit_of(call, request, path or "/", served, pop, request_id)
    began = perf_counter()
    try:
        response = await _answered(visit, request)
    except Failure as failure:
        visit.result, visit.detail, visit.cache = "Error", failure.detail, failure.cache
        logger.warning("distribution %s answered %s: %s %s", served.id, failure.status, failure.text, failure.hint)
        response = error_page.page(failure, request_id)
    answer = _written(response, pop, request_id, visit.via, visit.cache)
    if cookie is not None:
        answer.headers.append(("Set-Cookie", cookie))
    call.response_bytes = response.length or 0
    call.region = pop.region
    visit.seconds = perf_counter() - began
    _logged(visit, request, answer)
    return answer


def _logged(visit: Visit, request: Request, answer: Response) -> None:
    """Hand what was answered to the logs."""
    served, viewer, pop = visit.served, visit.viewer, visit.pop
    call = visit.call
    entry = LogEntry(
        time=visit.now,
        account=served.account,
        distribution=served.id,
        domain=served.domain,
        host=visit.host,
        pop=pop.code,
        country=viewer_headers.country(request.headers.items, pop),
        asn=pop.asn,
        pattern=visit.behaviour.pattern,
        ip=viewer.ip,
        port=visit.port,
        scheme=visit.scheme,
        version=visit.version,
        method=request.method,
        uri=viewer.uri,
        query=request.query,
        headers=request.headers.items,
        request_bytes=call.request_bytes,
        status=answer.status,
        answered=answer.headers,
        response_bytes=call.response_bytes,
        result=visit.result,
        detail=visit.detail,
        request_id=visit.request_id,
        seconds=visit.seconds,
        origin_seconds=visit.origin_seconds,
        body=viewer.body[:REPLAYED],
    )
    call.part(LogDelivery).add(entry, served, visit.behaviour.realtime)


def _staged(served: Served, request: Request) -> tuple[Served, str | None]:
    """The distribution or its staging one, and the cookie that keeps a viewer there."""
    if served.staging is None or served.traffic is None or not served.staging.enabled:
        return served, None
    staged, cookie = is_staged(served.traffic, request.headers.items, random.random())
    return served.staging if staged else served, cookie


def _name(request: Request, attributes: Mapping[str, str]) -> str:
    """What names the distribution: a header of ours, an alias, the id or the label of its domain name."""
    chosen = request.headers.get(CHOSEN)
    return chosen or attributes.get("alias") or attributes.get("id", "")


async def compiled(call: Call, name: str, pop: Pop) -> Served | None:
    """The distribution of a name as the POP serves it now; None where there is none, or where it is disabled."""
    deployments = call.part(Deployments)
    generation = deployments.generation
    if name.startswith("*.") and call.http is not None:
        name = bare(call.http.host)
    located = deployments.located(name)
    if located is None:
        located = await _located(call.doorway.state.at("", ""), name)
        if located is None:
            return None
        deployments.locate(name, located, generation)
    one = located.distribution
    previous = serves_previous(one, pop, call.now)
    found = deployments.get(located, previous)
    if found is None:
        config = one.previous if previous and one.previous is not None else one.config
        state = call.doorway.state.at(located.account, REGION)
        found = await compile_distribution(state, located.account, one, config)
        deployments.keep(located, previous, found, generation)
    return found if found.enabled else None


@transactional
async def _located(tx: Transaction, name: str) -> Located | None:
    place = await find_place(tx, name)
    if place is None and name != name.upper():
        place = await find_place(tx, name.upper())
    if place is None:
        return None
    one = await distributions.get(tx.at(place.account, REGION), place.distribution)
    return None if one is None else Located(place.account, one)


def bare(host: str) -> str:
    """A host name in lower case without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def visit_of(call: Call, request: Request, path: str, served: Served, pop: Pop, request_id: str) -> Visit:
    """What is known of a request before anything is done about it."""
    headers = request.headers.items
    version = "2.0" if request.http_version.startswith("2") else request.http_version
    return Visit(
        call=call,
        served=served,
        pop=pop,
        viewer=EdgeRequest(request.method, path, request.query, viewer_headers.cleaned(headers), request.client[0]),
        behaviour=served.behaviour(path),
        scheme=_scheme(request),
        host=request.host,
        port=request.client[1],
        version=version,
        request_id=request_id,
        via=f"{version} {_cache_name(served.domain, pop.code)}.cloudfront.net (CloudFront)",
    )


@lru_cache(1024)
def _cache_name(domain: str, pop: str) -> str:
    """What a POP calls itself in Via."""
    return hashlib.sha256(f"{domain}{pop}".encode()).hexdigest()[:32]


def _scheme(request: Request) -> str:
    """How a viewer counts as having come.

    Plain HTTP on this machine counts as HTTPS, so that redirects to HTTPS do not loop; a request that says
    `X-Forwarded-Proto: http` is taken at its word.
    """
    stated = (request.headers.get("x-forwarded-proto") or "").lower()
    return stated if stated in ("http", "https") else "https"


async def _answered(visit: Visit, request: Request) -> EdgeResponse:
    """The viewer's response, but for the edge's own headers; raises Failure."""
    _check_size(visit, request)
    behaviour, viewer = visit.behaviour, visit.viewer
    if visit.scheme == "http" and behaviour.protocol != "allow-all":
        return _insecure(visit)
    if viewer.method not in behaviour.allowed:
        raise Failure(403, _NOT_ALLOWED, detail="InvalidRequestMethod")
    country = viewer_headers.country(request.headers.items, visit.pop)
    listed = country in visit.served.countries
    if (visit.served.restriction == "whitelist" and not listed) or (visit.served.restriction == "blacklist" and listed):
        raise Failure(403, _BLOCKED_COUNTRY, detail="ClientGeoBlocked")
    if (denied := _unsigned(visit)) is not None:
        return denied
    try:
        viewer.body = await request.body.read(MAX_BODY)
    except BodyTooLarge:
        raise Failure(413, "Request body is larger than Kumoi's edge takes.", detail="InvalidRequest") from None
    visit.call.request_bytes = len(viewer.body)
    visit.rules = await visit.call.part(Invalidated).of(
        visit.call.doorway.state.at(visit.served.account, REGION), visit.served.id
    )
    _add_known(visit, request, seen=True)
    attached = "viewer-request" in behaviour.attached
    asked = await triggers.on_request(visit, "viewer-request", viewer.copy() if attached else viewer)
    if isinstance(asked, EdgeResponse):
        small = behaviour.attached["viewer-request"].small
        visit.cache = f"{'Function' if small else 'Lambda'}GeneratedResponse from cloudfront"
        visit.detail = "FunctionGeneratedResponse" if small else "MissGeneratedResponse"
        return _policed(visit, asked)
    _add_known(visit, request, seen=False, to=asked)
    if asked.uri in ("/", "") and visit.served.root:
        asked = replace(asked, uri=f"/{visit.served.root}")
    response = await visit.call.part(Caching).answer(visit, asked)
    return await _finished(visit, asked, response)


async def _finished(visit: Visit, asked: EdgeRequest, response: EdgeResponse) -> EdgeResponse:
    """What is done to each response on its way from the cache to the viewer."""
    failed = response.origin_status >= 400 or response.unanswered > 0
    replaced = False
    if response.status >= 400:
        visit.cache = "Error from cloudfront"
        if not response.unanswered:
            visit.detail = "OriginError" if visit.result == "Miss" else "Error"
        visit.result = "Error"
        if (page := await _error_page(visit, response.status)) is not None:
            response, replaced = page, True
    response = _policed(visit, response)
    if not failed and not replaced:
        response = await triggers.on_response(visit, "viewer-response", asked, response)
    return _conditional(visit, response)


async def _error_page(visit: Visit, status: int) -> EdgeResponse | None:
    """The custom page for an error; None where there is none, or where it cannot be had."""
    custom = visit.served.errors.get(status)
    if custom is None or not custom.path:
        return None
    uri, _, query = custom.path.partition("?")
    viewer = EdgeRequest("GET", uri, query, without(visit.viewer.headers, "range", *_CONDITIONS), visit.viewer.ip)
    inner = Visit(
        call=visit.call,
        served=visit.served,
        pop=visit.pop,
        viewer=viewer,
        behaviour=visit.served.behaviour(uri),
        scheme=visit.scheme,
        host=visit.host,
        port=visit.port,
        version=visit.version,
        request_id=visit.request_id,
        via=visit.via,
        rules=visit.rules,
    )
    try:
        page = await visit.call.part(Caching).answer(inner, viewer)
    except Failure:
        return None
    if page.status >= 400:
        return None
    page = page.copy()
    page.status, page.reason = custom.status, ""
    return page


_CONDITIONS = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range")


def _policed(visit: Visit, response: EdgeResponse) -> EdgeResponse:
    """The response by the behaviour's response headers policy."""
    policy = visit.behaviour.headers_policy
    if policy is None:
        return response
    response.headers = response_headers.applied(policy, visit.viewer.headers, visit.viewer.method, response.headers)
    if response_headers.wants_timing(policy, visit.viewer.headers, random.random()):
        cached = {"Hit": "hit", "RefreshHit": "refresh"}.get(visit.result, "miss")
        timing = response_headers.server_timing(cached, visit.pop.code, visit.request_id, visit.origin_seconds)
        stated = first(response.headers, "server-timing")
        put(response.headers, "Server-Timing", timing if stated is None else f"{stated},{timing}")
    return response


def _conditional(visit: Visit, response: EdgeResponse) -> EdgeResponse:
    """What the viewer has already, or the part it asks for."""
    viewer = visit.viewer
    if viewer.method not in ("GET", "HEAD") or response.status != 200 or not isinstance(response.body, bytes):
        return response
    headers = response.headers
    if not_modified(viewer.headers, headers):
        response.status, response.reason, response.body = 304, "", b""
        response.headers = without(headers, "content-length", "content-type", "content-encoding")
        return response
    if viewer.method == "HEAD" and first(headers, "content-length") is None:
        put(headers, "Content-Length", str(len(response.body)))
        return response
    length = len(response.body)
    try:
        found = one_range(viewer.headers, headers, length) if viewer.method == "GET" else None
    except ValueError:
        raise Failure(416, "The requested range is not satisfiable.", detail="InvalidRequest") from None
    if found is not None:
        start, last = found
        response.status, response.reason = 206, ""
        response.body = response.body[start : last + 1]
        put(headers, "Content-Range", f"bytes {start}-{last}/{length}")
    return response


def _check_size(visit: Visit, request: Request) -> None:
    if len(visit.viewer.url) > MAX_URL:
        raise Failure(414, "The request URL is too long.", detail="InvalidRequest")
    if len(request.headers.items) > MAX_FIELDS or sum(map(_size, request.headers.items)) > MAX_HEAD:
        raise Failure(431, "The request's headers are too large.", detail="InvalidRequest")
    via = request.headers.get("via") or ""
    if via.count("(CloudFront)") >= MAX_LOOPS:
        raise Failure(403, _BAD, hint={"rule": "the request has passed through too many distributions: a loop?"})


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


def _add_known(visit: Visit, request: Request, *, seen: bool, to: EdgeRequest | None = None) -> None:
    """Add the CloudFront-… headers that policies ask for: before a CloudFront function, behind Lambda@Edge."""
    behaviour = visit.behaviour
    attached = behaviour.attached.get("viewer-request")
    if (attached is None or attached.small) != seen or not behaviour.wanted:
        return
    target = visit.viewer if to is None else to
    target.headers += viewer_headers.known(
        request.headers.items,
        sorted(behaviour.wanted),
        visit.pop,
        ip=visit.viewer.ip,
        port=visit.port,
        scheme=visit.scheme,
        version=visit.version,
    )


def _written(response: EdgeResponse, pop: Pop, request_id: str, via: str, cache: str) -> Response:
    """The response with the headers that the edge adds to each."""
    headers = without(response.headers, "x-cache", "via", "x-amz-cf-pop", "x-amz-cf-id")
    if isinstance(response.body, bytes) and response.body:
        headers = without(headers, "content-length")
    vias = [value for name, value in response.headers if name.lower() == "via"]
    headers += [
        ("X-Cache", cache),
        ("Via", ", ".join([*vias, via or "1.1 kumoi.cloudfront.net (CloudFront)"])),
        ("X-Amz-Cf-Pop", pop.code),
        ("X-Amz-Cf-Id", request_id),
    ]
    return Response(response.status, headers, response.body)
