"""What became of requests."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudcontrol import cloudcontrol
from kumoi.services.cloudcontrol.pages import page
from kumoi.services.cloudcontrol.requests import all_requests, event, find
from kumoi.wire.errors import aws_error


@cloudcontrol.operation
async def get_resource_request_status(call: Call, RequestToken: str) -> dict[str, Any]:
    """What became of a request."""
    return {"ProgressEvent": event(await find(call.state, RequestToken))}


@cloudcontrol.operation
async def list_resource_requests(
    call: Call,
    MaxResults: int | None = None,
    NextToken: str | None = None,
    ResourceRequestStatusFilter: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The requests of the last week."""
    wanted = ResourceRequestStatusFilter or {}
    events = [
        told
        for told in map(event, await all_requests(call.state))
        if (not wanted.get("Operations") or told["Operation"] in wanted["Operations"])
        and (not wanted.get("OperationStatuses") or told["OperationStatus"] in wanted["OperationStatuses"])
    ]
    shown, more = page(events, lambda one: str(one["RequestToken"]), NextToken, MaxResults)
    return {"ResourceRequestStatusSummaries": shown, **more}


@cloudcontrol.operation
async def cancel_resource_request(call: Call, RequestToken: str) -> dict[str, Any]:
    """Refused for every request that there is: it has been carried out."""
    await find(call.state, RequestToken)
    raise aws_error(
        "ConcurrentModificationException", f"The request {RequestToken} is complete: it cannot be cancelled."
    )
