"""Asking a behaviour's origin, and the second one of a group where the first fails; with the functions around it.

A status code starts a failover, and so does an origin that cannot be reached (as 503) or takes too long (as 504).
Source: "Optimize high availability with CloudFront origin failover" of the guide.
"""

from __future__ import annotations

import logging
from time import perf_counter

from kumoi.services.cloudfront.edge import error_page, fetch, triggers
from kumoi.services.cloudfront.edge.error_page import Failure
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.edge.origin_request import origin_request
from kumoi.services.cloudfront.edge.visit import Visit

logger = logging.getLogger(__name__)

_FAILOVER_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


async def from_origin(visit: Visit, request: EdgeRequest) -> EdgeResponse:
    """Ask the origin, and the second one of a group where the first fails; with the functions around it."""
    visit.cache, visit.result, visit.detail = "Miss from cloudfront", "Miss", "Miss"
    targets = visit.served.targets(visit.behaviour)
    group = visit.served.groups.get(visit.behaviour.target)
    chosen = visit.chosen_group or (None if group is None else (group.members, group.statuses))
    if visit.chosen_origin is not None:
        return await _ask(visit, request, visit.chosen_origin)
    if chosen is None or request.method not in _FAILOVER_METHODS:
        return await _ask(visit, request, targets[0])
    (primary, secondary), statuses = chosen
    response = await _ask(visit, request, primary)
    if response.origin_status in statuses or response.unanswered in statuses:
        return await _ask(visit, request, secondary)
    return response


async def _ask(visit: Visit, request: EdgeRequest, origin: Origin) -> EdgeResponse:
    behaviour = visit.behaviour
    going = origin_request(
        request,
        origin,
        behaviour.keyed,
        behaviour.forwarded,
        request_id=visit.request_id,
        via=visit.via,
        legacy=behaviour.legacy,
        gzip=behaviour.gzip,
        brotli=behaviour.brotli,
    )
    answer = await triggers.on_request(visit, "origin-request", going)
    if isinstance(answer, EdgeResponse):
        visit.detail = "MissGeneratedResponse"
        visit.cache = "LambdaGeneratedResponse from cloudfront"
        return answer
    began = perf_counter()
    try:
        response = await fetch.fetch(visit.call, answer, visit.served.id, visit.scheme)
    except fetch.Unanswered as problem:
        logger.warning("%s: the origin %s did not answer: %s", visit.served.id, origin.domain, problem)
        return unanswered(visit, problem)
    finally:
        visit.origin_seconds = perf_counter() - began
    return await triggers.on_response(visit, "origin-response", answer, response)


def unanswered(visit: Visit, problem: fetch.Unanswered) -> EdgeResponse:
    """The page for an origin that gave no answer."""
    hint = {"rule": str(problem)}
    visit.detail = "OriginCommError" if problem.timeout else "OriginConnectError"
    if problem.timeout:
        text = (
            "CloudFront attempted to establish a connection with the origin, but either the attempt failed or the"
            " origin closed the connection."
        )
        failure = Failure(504, text, hint=hint)
    else:
        failure = Failure(502, "CloudFront wasn't able to connect to the origin.", hint=hint)
    response = error_page.page(failure, visit.request_id)
    response.origin_status, response.unanswered = failure.status, 504 if problem.timeout else 503
    return response
