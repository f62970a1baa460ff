"""A Lambda@Edge function in the way of a request: its replica in the POP's region is invoked, its answer read."""

from __future__ import annotations

import logging

import orjson

from kumoi.doorway import Principal
from kumoi.services.cloudfront.edge.compiled import Attached
from kumoi.services.cloudfront.edge.edge_logs import EdgeLogs
from kumoi.services.cloudfront.edge.error_page import Failure
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse, first
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.lambda_edge import replicas
from kumoi.services.cloudfront.lambda_edge.event import event_of
from kumoi.services.cloudfront.lambda_edge.fields import Invalid
from kumoi.services.cloudfront.lambda_edge.result import read_request, read_response
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_INVALID = (
    "The Lambda function associated with the CloudFront distribution is invalid or doesn't have the required"
    " permissions."
)
_THROTTLED = "The Lambda function associated with the CloudFront distribution was throttled."


async def at_request(visit: Visit, attached: Attached, request: EdgeRequest) -> EdgeRequest | EdgeResponse:
    """Run the function at a request event: the request to go on with, or the function's own response."""
    payload = await _invoke(visit, attached, request, None)
    try:
        answer = read_request(payload, request, attached.event, include_body=attached.include_body)
    except Invalid as problem:
        raise _refused(visit, attached, problem) from None
    if isinstance(answer, EdgeRequest):
        _warn_of_host(attached, request, answer)
    return answer


async def at_response(visit: Visit, attached: Attached, request: EdgeRequest, response: EdgeResponse) -> EdgeResponse:
    """Run the function at a response event."""
    payload = await _invoke(visit, attached, request, response)
    try:
        return read_response(payload, response, attached.event)
    except Invalid as problem:
        raise _refused(visit, attached, problem) from None


async def _invoke(visit: Visit, attached: Attached, request: EdgeRequest, response: EdgeResponse | None) -> bytes:
    event = event_of(
        attached.event,
        visit.served.id,
        visit.served.domain,
        visit.request_id,
        request,
        response,
        include_body=attached.include_body,
    )
    call = visit.call
    given = {
        "FunctionName": replicas.replica(attached.name),
        "Qualifier": attached.version,
        "Payload": orjson.dumps(event),
    }
    caller = Principal.looking(visit.served.account, "lambda", call.node)
    trace = call.onward
    for again in (True, False):
        try:
            answer = await call.doorway.ask("lambda", "Invoke", given, caller, visit.pop.region, trace)
            break
        except AwsError as error:
            if again and error.code == "ResourceNotFoundException":
                await replicas.sync(call.doorway, visit.served.account)
                continue
            throttled = error.code == "TooManyRequestsException"
            raise _failed(attached, str(error), throttled=throttled) from None
    call.meter("cloudfront:lambda-edge", 1)
    payload: bytes = answer["Payload"]
    if "FunctionError" in answer:
        raise _failed(attached, _said(payload))
    return payload


def _said(payload: bytes) -> str:
    """What a function that failed said of it."""
    try:
        value = orjson.loads(payload)
        return f"{value.get('errorType', 'Error')}: {value.get('errorMessage', '')}"[:500]
    except (orjson.JSONDecodeError, AttributeError):
        return payload[:500].decode("utf-8", "replace")


def _failed(attached: Attached, rule: str, *, throttled: bool = False) -> Failure:
    kind = "LambdaLimitExceeded" if throttled else "LambdaExecutionError"
    logger.warning("Lambda@Edge function %s at %s failed: %s", attached.arn, attached.event, rule)
    return Failure(
        503,
        _THROTTLED if throttled else _INVALID,
        cache=f"{kind} from cloudfront",
        detail=kind,
        hint={"trigger": attached.event, "function": attached.arn, "rule": rule},
    )


def _refused(visit: Visit, attached: Attached, problem: Invalid) -> Failure:
    """A broken rule: the viewer gets AWS's page, the log group of the distribution the rule."""
    logger.warning("Lambda@Edge function %s at %s: %s", attached.arn, attached.event, problem)
    told = f"({visit.request_id}) ERROR Validation error: Lambda function result failed validation, {problem}"
    group = f"/aws/cloudfront/LambdaEdge/{visit.served.id}"
    visit.call.part(EdgeLogs).write(visit.served.account, visit.pop.region, group, [told])
    hint = {"trigger": attached.event, "function": attached.arn, "rule": str(problem)}
    if problem.header:
        hint["header"] = problem.header
    return Failure(
        502, problem.page, cache="LambdaValidationError from cloudfront", detail="LambdaValidationError", hint=hint
    )


def _warn_of_host(attached: Attached, before: EdgeRequest, after: EdgeRequest) -> None:
    """Say what S3 would refuse: another bucket as origin, but the Host header of the origin before."""
    origin = after.origin
    if origin is None or before.origin is None or not origin.s3 or origin.domain == before.origin.domain:
        return
    if first(after.headers, "host") != origin.domain:
        logger.warning(
            "AWS would answer 403 or 404: %s switches to the bucket %s but leaves the Host header %s",
            attached.arn,
            origin.domain,
            first(after.headers, "host"),
        )
