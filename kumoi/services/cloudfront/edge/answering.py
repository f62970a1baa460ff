"""From a viewer's request to its response, between the host name and the wire.

In order: guards (`guards.py`) → viewer-request function → cache and origin (`caching.py`) → custom error pages →
response headers policy → viewer-response function → conditions and ranges. Source: "Restrictions on edge functions" of
the guide.
"""

from __future__ import annotations

import random
from dataclasses import replace

from kumoi.services.cloudfront.edge import response_headers, triggers, viewer_headers
from kumoi.services.cloudfront.edge.caching import Caching
from kumoi.services.cloudfront.edge.conditions import not_modified, one_range
from kumoi.services.cloudfront.edge.error_page import BAD_REQUEST, Failure
from kumoi.services.cloudfront.edge.fetch import abandon
from kumoi.services.cloudfront.edge.guards import refusal
from kumoi.services.cloudfront.edge.invalidated import Invalidated
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, first, put, without
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.edge.websockets import is_handshake, opened
from kumoi.services.cloudfront.naming import REGION
from kumoi.wire.http import BodyTooLarge, Request

MAX_BODY = 64 * 1024 * 1024
_CONDITIONS = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range")


async def answered(visit: Visit, request: Request) -> EdgeResponse:
    """The viewer's response, but for the edge's own headers; raises Failure."""
    if (refused := refusal(visit, request)) is not None:
        return refused
    behaviour, viewer = visit.behaviour, visit.viewer
    try:
        viewer.body = await request.body.read(MAX_BODY)
    except BodyTooLarge:
        raise Failure(413, "Request body is larger than Kumoi's edge takes.", detail="InvalidRequest") from None
    visit.call.request_bytes = len(viewer.body)
    if viewer.body and viewer.method == "GET":
        raise Failure(403, BAD_REQUEST, detail="InvalidRequest", hint={"rule": "a GET request must not have a body"})
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
    if is_handshake(request):
        return await opened(visit, request, asked)
    response = await visit.call.part(Caching).answer(visit, asked)
    return await _finished(visit, asked, response)


async def _finished(visit: Visit, asked: EdgeRequest, response: EdgeResponse) -> EdgeResponse:
    """What is done to each response on its way from the cache to the viewer."""
    failed = response.origin_status >= 400 or (response.generated != "" and response.status >= 400)
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
    return await _conditional(visit, response)


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


async def _conditional(visit: Visit, response: EdgeResponse) -> EdgeResponse:
    """What the viewer has already, or the part it asks for."""
    viewer = visit.viewer
    if viewer.method not in ("GET", "HEAD") or response.status != 200:
        return response
    headers = response.headers
    if not_modified(viewer.headers, headers):
        await abandon(response.body)
        response.status, response.reason, response.body = 304, "", b""
        response.headers = without(headers, "content-length", "content-type", "content-encoding")
        return response
    if not isinstance(response.body, bytes):
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
