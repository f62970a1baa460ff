"""Functions at the four events of a behaviour: which one runs, and what its answer means for the request."""

from __future__ import annotations

from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.visit import Visit
from kumoi.services.cloudfront.functions import at_edge as small
from kumoi.services.cloudfront.lambda_edge import at_edge as large


async def on_request(visit: Visit, event: str, request: EdgeRequest) -> EdgeRequest | EdgeResponse:
    """Run the behaviour's function at a request event, if it has one; raises Failure."""
    attached = visit.behaviour.attached.get(event)
    if attached is None:
        return request
    if attached.small:
        return await small.at_request(visit, attached, request)
    return await large.at_request(visit, attached, request)


async def on_response(visit: Visit, event: str, request: EdgeRequest, response: EdgeResponse) -> EdgeResponse:
    """Run the behaviour's function at a response event, if it has one; raises Failure."""
    attached = visit.behaviour.attached.get(event)
    if attached is None:
        return response
    if attached.small:
        return await small.at_response(visit, attached, request, response)
    return await large.at_response(visit, attached, request, response)
