"""Functions at the four events of a behaviour: which one runs, and what its answer means for the request."""

from __future__ import annotations

from kumoi.services.cloudfront.edge.compiled import Attached
from kumoi.services.cloudfront.edge.error_page import Failure
from kumoi.services.cloudfront.edge.messages import EdgeRequest, EdgeResponse
from kumoi.services.cloudfront.edge.visit import Visit


async def on_request(visit: Visit, event: str, request: EdgeRequest) -> EdgeRequest | EdgeResponse:
    """Run the behaviour's function at a request event, if it has one; raises Failure."""
    attached = visit.behaviour.attached.get(event)
    if attached is None:
        return request
    visit.ran.append(event)
    raise _unserved(attached)


async def on_response(visit: Visit, event: str, request: EdgeRequest, response: EdgeResponse) -> EdgeResponse:
    """Run the behaviour's function at a response event, if it has one; raises Failure."""
    attached = visit.behaviour.attached.get(event)
    if attached is None:
        return response
    visit.ran.append(event)
    raise _unserved(attached)


def _unserved(attached: Attached) -> Failure:
    return Failure(501, f"Kumoi does not run {attached.arn} yet.")
