"""The data plane: a viewer's request, from its host name to the answer, and into the logs.

The host names a distribution (`locating.py`), `answering.py` makes the response, and here it gets the headers that the
edge adds to each. Source: "How CloudFront delivers content" of the guide.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from time import perf_counter

from kumoi.doorway import Call
from kumoi.names import DEFAULT_REGION
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.edge import error_page, pops, viewer_headers
from kumoi.services.cloudfront.edge.answering import answered
from kumoi.services.cloudfront.edge.arriving import arrived
from kumoi.services.cloudfront.edge.compiled import Served
from kumoi.services.cloudfront.edge.error_page import BAD_REQUEST, Failure
from kumoi.services.cloudfront.edge.hits import Hits
from kumoi.services.cloudfront.edge.locating import compiled
from kumoi.services.cloudfront.edge.log_delivery import LogDelivery
from kumoi.services.cloudfront.edge.log_entry import LogEntry
from kumoi.services.cloudfront.edge.staging import is_by_chance, is_staged
from kumoi.services.cloudfront.edge.visit import Visit, visit_of
from kumoi.services.cloudfront.edge.written import written
from kumoi.services.cloudfront.naming import REGION
from kumoi.wire.http import Request, Response

logger = logging.getLogger(__name__)

REPLAYED = 256 * 1024
"""Bytes of a request's body that are kept for a replay."""
CHOSEN = "x-kumoi-distribution"


@cloudfront.data_plane("cloudfront-edge")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer one request of a viewer."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    pop = pops.find(request.headers.get(pops.HEADER), DEFAULT_REGION)
    hits = call.part(Hits)
    request_id = hits.ids.next()
    name = _name(request, attributes)
    served = await compiled(call, name, pop)
    if served is None:
        failure = Failure(403, BAD_REQUEST, hint={"rule": f"no enabled distribution answers {name}"})
        return written(error_page.page(failure, request_id), pop, request_id, "", failure.cache)
    call.account, call.node = served.account, f"cloudfront:{served.id}"
    if call.doorway.faults.active:
        try:
            pop = await arrived(call, served.id, pop)
        except Failure as failure:
            return written(error_page.page(failure, request_id), pop, request_id, "", failure.cache)
        served = await compiled(call, name, pop) or served
    settled = served.traffic is None or not is_by_chance(served.traffic)
    served, cookie = _staged(served, request)
    call.node = f"cloudfront:{served.id}"
    visit = visit_of(call, request, path or "/", served, pop, request_id)
    began = perf_counter()
    try:
        response = await answered(visit, request)
    except Failure as failure:
        visit.result, visit.detail, visit.cache = "Error", failure.detail, failure.cache
        logger.warning("distribution %s answered %s: %s %s", served.id, failure.status, failure.text, failure.hint)
        response = error_page.page(failure, request_id)
    answer = written(response, pop, request_id, visit.via, visit.cache)
    if cookie is not None:
        answer.headers.append(("Set-Cookie", cookie))
    call.response_bytes = response.length or 0
    call.region = REGION
    _metered(visit, answer)
    visit.seconds = perf_counter() - began
    entry = _logged(visit, request, answer)
    if visit.result == "Hit" and settled and request.path == path:
        answer.again = hits.offer(name, visit, request, entry)
    return answer


def _metered(visit: Visit, answer: Response) -> None:
    """What metrics are made of; those that CloudFront calls additional only for a distribution that has them."""
    call = visit.call
    call.meter("cloudfront:status", answer.status)
    if visit.served.monitored:
        call.meter("cloudfront:hit", 100.0 * (visit.result in ("Hit", "RefreshHit")))
        if visit.origin_seconds is not None:
            call.meter("cloudfront:origin-millisecond", visit.origin_seconds * 1000)


def _logged(visit: Visit, request: Request, answer: Response) -> LogEntry:
    """Hand what was answered to the logs; what they were told."""
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
    return entry


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
