"""GetExecutionHistory."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.history_shape import shown
from kumoi.services.stepfunctions.lookup import find_execution, place_of
from kumoi.services.stepfunctions.naming import execution_arn, invalid_arn
from kumoi.services.stepfunctions.paging import page
from kumoi.services.stepfunctions.store import read_history


@stepfunctions.operation
async def get_execution_history(
    call: Call,
    executionArn: str,
    maxResults: int = 0,
    reverseOrder: bool = False,
    nextToken: str | None = None,
    includeExecutionData: bool = True,
) -> dict[str, Any]:
    """The events of a Standard execution, in the order of their ids or reversed."""
    if execution_arn(executionArn).express:
        raise invalid_arn("Resource type not valid in this context: express")
    parsed, _ = await find_execution(call, executionArn)
    events = await read_history(place_of(call, parsed), executionArn)
    if reverseOrder:
        events.reverse()
    found, more = page(events, nextToken, maxResults, 1000)
    return {"events": [shown(one, data=includeExecutionData) for one in found], **more}
