"""A CloudFront function in the way of a viewer: at viewer-request, and at viewer-response."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from kumoi.doorway import Doorway
from kumoi.sandbox.js import JsOutcome
from kumoi.services.cloudfront.edge.compiled import Attached, Served
from kumoi.services.cloudfront.edge.edge_logs import EdgeLogs
from kumoi.services.cloudfront.edge.error_page import Failure
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.functions.answer import Invalid, is_response, read_request, read_response
from kumoi.services.cloudfront.functions.event import event_of
from kumoi.services.cloudfront.functions.running import logged, run, run_here, utilisation
from kumoi.services.cloudfront.naming import REGION

logger = logging.getLogger(__name__)

GROUP = "/aws/cloudfront/function/"
_INVALID = "The CloudFront function associated with the CloudFront distribution is invalid or could not run."


async def at_request(visit: Visit, attached: Attached, request: EdgeRequest) -> EdgeRequest | EdgeResponse:
    """Run the function at viewer-request: the request to go on with, or the function's own response."""
    event = event_of(attached.event, visit.served.id, visit.served.domain, visit.request_id, request)
    outcome = await _run(visit, attached, event)
    result = _result(outcome)
    try:
        if is_response(result):
            return read_response(result, None, event)
        changed = read_request(result, request, event)
        _choose_origin(visit, outcome)
    except Invalid as problem:
        raise _refused(visit, attached, problem) from None
    return changed


async def at_response(visit: Visit, attached: Attached, request: EdgeRequest, response: EdgeResponse) -> EdgeResponse:
    """Run the function at viewer-response."""
    event = event_of(attached.event, visit.served.id, visit.served.domain, visit.request_id, request, response)
    outcome = await _run(visit, attached, event)
    try:
        return read_response(_result(outcome), response, event)
    except Invalid as problem:
        raise _refused(visit, attached, problem) from None


class Ran(NamedTuple):
    """That a function ran: its name, its compute utilisation, and what it logged."""

    name: str
    utilisation: int
    lines: list[str]


def request_here(
    doorway: Doorway, served: Served, attached: Attached, request: EdgeRequest, request_id: str, now: float
) -> tuple[EdgeRequest, Ran] | None:
    """Run the function at viewer-request without waiting for anything; None unless it just passes a request on.

    Nothing is noted of it then: whoever asks runs it again, as usual.
    """
    event = event_of(attached.event, served.id, served.domain, request_id, request)
    outcome = _run_here(doorway, served, attached, event, now)
    result = None if outcome is None else _result(outcome)
    if outcome is None or is_response(result):
        return None
    try:
        return read_request(result, request, event), _ran(attached, outcome)
    except Invalid:
        return None


def response_here(
    doorway: Doorway,
    served: Served,
    attached: Attached,
    request: EdgeRequest,
    response: EdgeResponse,
    request_id: str,
    now: float,
) -> tuple[EdgeResponse, Ran] | None:
    """Run the function at viewer-response in the same way; None where that fails."""
    event = event_of(attached.event, served.id, served.domain, request_id, request, response)
    outcome = _run_here(doorway, served, attached, event, now)
    try:
        return None if outcome is None else (read_response(_result(outcome), response, event), _ran(attached, outcome))
    except Invalid:
        return None


def _run_here(
    doorway: Doorway, served: Served, attached: Attached, event: dict[str, Any], now: float
) -> JsOutcome | None:
    function = attached.function
    if function is None or function.live is None:
        return None
    outcome = run_here(doorway.parts, function, function.live, served.account, event, now)
    return None if outcome is None or outcome.error is not None or outcome.effects else outcome


def _ran(attached: Attached, outcome: JsOutcome) -> Ran:
    return Ran(attached.name, utilisation(outcome), logged(outcome))


def write_lines(logs: EdgeLogs, served: Served, function: str, request_id: str, lines: Sequence[str]) -> None:
    """Have what a function logged for a request written."""
    if lines:
        start, end = f"{request_id} START DistributionID: {served.id}", f"{request_id} END"
        told = [start, *(f"{request_id} {line}" for line in lines), end]
        logs.write(served.account, REGION, f"{GROUP}{function}", told)


async def _run(visit: Visit, attached: Attached, event: dict[str, Any]) -> JsOutcome:
    function = attached.function
    if function is None or function.live is None:
        raise _failed(attached, "the function does not exist any more")
    outcome = await run(visit.call, function, function.live, visit.served.account, event)
    visit.call.meter("cloudfront:function", 1)
    visit.call.meter(f"cloudfront:utilization/{function.name}", utilisation(outcome))
    lines = logged(outcome)
    if outcome.error is not None:
        logger.warning("CloudFront function %s at %s failed: %s", function.name, attached.event, outcome.error)
        lines = [*lines, f"ERROR {outcome.error}"]
    write_lines(visit.call.part(EdgeLogs), visit.served, function.name, visit.request_id, lines)
    if outcome.error is not None:
        visit.call.meter(f"cloudfront:execution-error/{function.name}", 1)
        raise _failed(attached, str(outcome.error))
    return outcome


def _result(outcome: JsOutcome) -> Any:
    return None if outcome.value is None else orjson.loads(outcome.value)


def _failed(attached: Attached, rule: str) -> Failure:
    return Failure(
        503,
        _INVALID,
        cache="FunctionExecutionError from cloudfront",
        detail="FunctionExecutionError",
        hint={"trigger": attached.event, "function": attached.name, "rule": rule},
    )


def _refused(visit: Visit, attached: Attached, problem: Invalid) -> Failure:
    visit.call.meter(f"cloudfront:validation-error/{attached.name}", 1)
    logger.warning("CloudFront function %s at %s: %s", attached.name, attached.event, problem)
    hint = {"trigger": attached.event, "function": attached.name, "rule": str(problem)}
    if problem.header:
        hint["header"] = problem.header
    return Failure(
        502,
        _INVALID,
        cache="FunctionValidationError from cloudfront",
        detail="FunctionValidationError",
        hint=hint,
    )


def _choose_origin(visit: Visit, outcome: JsOutcome) -> None:
    """What the function did with the origin helpers; raises Invalid."""
    for kind, given in outcome.effects:
        if kind == "updateRequestOrigin":
            visit.chosen_origin = _updated(visit.chosen_origin or _own(visit), given)
        elif kind == "selectRequestOriginById":
            id, options = given if isinstance(given, list) else (given, None)
            if id not in visit.served.origins:
                raise Invalid(f"selectRequestOriginById: the distribution has no origin {id}")
            chosen = visit.served.origins[id]
            visit.chosen_origin = chosen if options is None else _updated(chosen, options)
        elif kind == "createRequestOriginGroup":
            visit.chosen_group, visit.chosen_origin = _group(visit, given), None


def _own(visit: Visit) -> Origin:
    return visit.served.targets(visit.behaviour)[0]


def _updated(origin: Origin, given: Any) -> Origin:
    if not isinstance(given, Mapping):
        raise Invalid("updateRequestOrigin: it takes an object")
    changes: dict[str, Any] = {}
    if "domainName" in given:
        domain = given["domainName"]
        if not isinstance(domain, str) or not domain or ":" in domain or "/" in domain:
            raise Invalid("updateRequestOrigin: domainName must be a host name")
        changes["domain"] = domain.lower()
    custom, timeouts = given.get("customOriginConfig") or {}, given.get("timeouts") or {}
    if not isinstance(custom, Mapping) or not isinstance(timeouts, Mapping):
        raise Invalid("updateRequestOrigin: customOriginConfig and timeouts are objects")
    try:
        if "originPath" in given:
            changes["path"] = str(given["originPath"])
        if "customHeaders" in given:
            changes["headers"] = tuple((str(name), str(value)) for name, value in given["customHeaders"].items())
        if "connectionAttempts" in given:
            changes["attempts"] = max(1, min(3, int(given["connectionAttempts"])))
        if "readTimeout" in timeouts:
            changes["read_timeout"] = float(timeouts["readTimeout"])
        if custom:
            protocol = str(custom.get("protocol", "https"))
            changes |= {"s3": False, "protocol": f"{protocol}-only"}
            if "port" in custom:
                changes["http_port" if protocol == "http" else "https_port"] = int(custom["port"])
        elif "domain" in changes:
            changes["s3"] = dataclasses.replace(origin, domain=changes["domain"]).bucket is not None
    except (TypeError, ValueError, AttributeError):
        raise Invalid("updateRequestOrigin: a member is of the wrong type") from None
    access = given.get("originAccessControlConfig")
    if isinstance(access, Mapping):
        signing = str(access.get("signingBehavior", "always"))
        changes["control"] = {"SigningBehavior": signing} if access.get("enabled") else None
    return dataclasses.replace(origin, **changes)


def _group(visit: Visit, given: Any) -> tuple[tuple[Origin, ...], frozenset[int]]:
    try:
        ids = [one["originId"] if isinstance(one, Mapping) else one for one in given["originIds"]]
        statuses = frozenset(int(code) for code in given["failoverCriteria"]["statusCodes"])
        members = tuple(visit.served.origins[id] for id in ids)
    except (KeyError, TypeError, ValueError):
        raise Invalid(
            "createRequestOriginGroup: originIds must name two origins, failoverCriteria status codes"
        ) from None
    if len(members) != 2 or not statuses:
        raise Invalid("createRequestOriginGroup: originIds must name two origins, failoverCriteria status codes")
    return members, statuses
