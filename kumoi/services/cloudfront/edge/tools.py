"""`/_kumoi/edge/…`, for `kumoi edge`: distributions, the last requests, events as functions get them, replays.

JSON in and out. A request that a browser makes for another page is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.local_names import resolves_localhost
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.edge.hits import Hits
from kumoi.services.cloudfront.edge.locating import compiled
from kumoi.services.cloudfront.edge.log_entry import LogEntry
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, first
from kumoi.services.cloudfront.edge.origin_request import origin_request
from kumoi.services.cloudfront.edge.plane import serve
from kumoi.services.cloudfront.edge.pops import HEADER, POPS, REGIONS, find
from kumoi.services.cloudfront.edge.viewer_headers import known
from kumoi.services.cloudfront.edge.visit import visit_of
from kumoi.services.cloudfront.functions import event as small
from kumoi.services.cloudfront.lambda_edge import event as large
from kumoi.services.cloudfront.records import distributions, places
from kumoi.state import Transaction, transactional
from kumoi.wire.http import BodyTooLarge, BufferedBody, Headers, Request, Response

_BODY_LIMIT = 4 * 1024 * 1024
_EVENTS = ("viewer-request", "origin-request", "origin-response", "viewer-response")


class BadRequest(Exception):
    """What is asked cannot be answered; the text says why."""


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """A request whose event is wanted. `kind` is `lambda` or `function`; `host` names a distribution."""

    host: str
    path: str = "/"
    query: str = ""
    method: str = "GET"
    headers: list[tuple[str, str]] = []
    body: str = ""
    event: str = "viewer-request"
    kind: str = "lambda"


@cloudfront.data_plane("edge")
async def tools(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer one request below `/_kumoi/edge/`."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    if call.doorway.identity.enforces and not request.local:
        return _json({"error": "with --auth enforce, this is for requests from the machine itself"}, 403)
    if "origin" in request.headers:
        return _json({"error": "requests from other origins are refused"}, 403)
    name, _, rest = path.removeprefix("/_kumoi/edge").strip("/").partition("/")
    handler = _ROUTES.get((request.method, name))
    if handler is None:
        return _json({"error": f"nothing at {path}", "paths": sorted(f"{one} {two}" for one, two in _ROUTES)}, 404)
    try:
        return _json(await handler(call, request, rest))
    except BadRequest as problem:
        return _json({"error": str(problem)}, 400)


async def _distributions(call: Call, request: Request, _rest: str) -> Any:
    account = parse_qs(request.query).get("account", [None])[-1]
    return {"distributions": await _told(call.doorway.state.at("", ""), account, call.doorway.endpoint)}


@transactional
async def _told(tx: Transaction, account: str | None, endpoint: str) -> list[dict[str, Any]]:
    found = []
    port, local = urlsplit(endpoint).port, resolves_localhost()
    for place in await places.list(tx):
        one = await distributions.get(tx.at(place.account, ""), place.distribution)
        if one is None or place.name != one.id or account not in (None, place.account):
            continue
        url = f"http://{one.label}.cloudfront.localhost:{port}/" if local else f"{endpoint}/_kumoi/cloudfront/{one.id}/"
        found.append(
            {
                "id": one.id,
                "account": place.account,
                "domain": one.domain,
                "url": url,
                "aliases": items(one.config["Aliases"]),
                "enabled": one.config["Enabled"],
                "status": "Deployed" if one.deployed(tx.now) else "InProgress",
            }
        )
    return found


async def _requests(call: Call, request: Request, _rest: str) -> Any:
    account = parse_qs(request.query).get("account", [None])[-1]
    return {"requests": [_row(one) for one in call.part(Hits).recent() if account in (None, one.account)]}


def _row(one: LogEntry) -> dict[str, Any]:
    return {
        "id": one.request_id,
        "time": one.time,
        "account": one.account,
        "distribution": one.distribution,
        "host": one.host,
        "method": one.method,
        "uri": one.uri,
        "query": one.query,
        "pop": one.pop,
        "status": one.status,
        "result": one.result,
        "detail": one.detail,
        "ms": round(one.seconds * 1000, 2),
    }


async def _regions(_call: Call, _request: Request, _rest: str) -> Any:
    return {"regions": list(REGIONS), "pops": [pop.code for pop in POPS]}


async def _event(call: Call, request: Request, _rest: str) -> Any:
    """The event that a function at an edge event would get for a request."""
    wanted = await _body(request)
    if wanted.event not in _EVENTS or wanted.kind not in ("lambda", "function"):
        raise BadRequest(f"event is one of {', '.join(_EVENTS)}; kind is lambda or function")
    headers = wanted.headers if first(wanted.headers, "host") is not None else [("Host", wanted.host), *wanted.headers]
    sent = Request(
        wanted.method,
        quote(wanted.path, safe="/%:@!$&'()*+,;=-._~"),
        wanted.query,
        Headers(headers),
        BufferedBody(wanted.body.encode()),
        client=("203.0.113.178", 50_000),
    )
    inner = _inner(call, sent)
    pop = find(first(headers, HEADER), "us-east-1")
    served = await compiled(inner, _label(wanted.host), pop)
    if served is None:
        raise BadRequest(f"no enabled distribution answers {wanted.host}")
    visit = visit_of(inner, sent, sent.path, served, pop, "EXAMPLE-request-id==")
    viewer, behaviour = visit.viewer, visit.behaviour
    viewer.body = await sent.body.read()
    if wanted.kind == "function":
        viewer.headers += known(
            headers, sorted(behaviour.wanted), pop, ip=viewer.ip, port=50_000, scheme=visit.scheme, version="1.1"
        )
        response = EdgeResponse(200, [("Content-Type", "text/html")]) if wanted.event.endswith("response") else None
        return small.event_of(wanted.event, served.id, served.domain, visit.request_id, viewer, response)
    shown: EdgeRequest = viewer
    if wanted.event.startswith("origin"):
        shown = origin_request(
            viewer,
            served.targets(behaviour)[0],
            behaviour.keyed,
            behaviour.forwarded,
            request_id=visit.request_id,
            via=visit.via,
            legacy=behaviour.legacy,
            gzip=behaviour.gzip,
            brotli=behaviour.brotli,
        )
    response = EdgeResponse(200, [("Content-Type", "text/html")]) if wanted.event.endswith("response") else None
    include_body = bool(wanted.body) and wanted.event.endswith("request")
    return large.event_of(
        wanted.event, served.id, served.domain, visit.request_id, shown, response, include_body=include_body
    )


async def _replay(call: Call, _request: Request, id: str) -> Any:
    """Send a request of before once more."""
    wanted = unquote(id)
    one = next((one for one in call.part(Hits).recent() if one.request_id == wanted), None)
    if one is None:
        raise BadRequest(f"the request {id} is not among the last ones")
    sent = Request(
        one.method,
        one.uri,
        one.query,
        Headers(one.headers),
        BufferedBody(one.body),
        client=(one.ip, one.port),
        http_version=one.version,
    )
    inner = _inner(call, sent)
    response = await serve(inner, one.uri, {"id": one.distribution})
    body = response.body if isinstance(response.body, bytes) else b""
    return {
        "before": _row(one),
        "status": response.status,
        "headers": response.headers,
        "body": body[:65_536].decode("utf-8", "replace"),
        "id": first(response.headers, "x-amz-cf-id"),
    }


def _inner(call: Call, sent: Request) -> Call:
    """A call like the one that the request came with, for another request."""
    return Call(
        call.doorway,
        call.service,
        "cloudfront-edge",
        {},
        call.caller,
        call.account,
        call.region,
        call.trace,
        call.source,
        http=sent,
    )


def _label(host: str) -> str:
    """What names a distribution: the label of its domain name, its id, or an alias."""
    bare = host.partition(":")[0].lower()
    for suffix in (".cloudfront.net", ".cloudfront.localhost"):
        if bare.endswith(suffix):
            return bare.removesuffix(suffix)
    return host.partition(":")[0]


async def _body(request: Request) -> Wanted:
    try:
        return msgspec.json.decode(await request.body.read(_BODY_LIMIT), type=Wanted)
    except (msgspec.MsgspecError, BodyTooLarge, ValueError) as problem:
        raise BadRequest(str(problem)) from None


def _json(content: Any, status: int = 200) -> Response:
    return Response(status, [("Content-Type", "application/json")], orjson.dumps(content, option=orjson.OPT_INDENT_2))


_ROUTES: dict[tuple[str, str], Callable[[Call, Request, str], Awaitable[Any]]] = {
    ("GET", "distributions"): _distributions,
    ("GET", "requests"): _requests,
    ("GET", "regions"): _regions,
    ("POST", "event"): _event,
    ("POST", "replay"): _replay,
}
