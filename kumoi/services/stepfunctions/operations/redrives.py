"""RedriveExecution: a failed execution goes on where it failed, with the input it had there."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.stepfunctions import stepfunctions
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.lookup import find_execution, place_of
from kumoi.services.stepfunctions.naming import execution_arn, not_supported
from kumoi.services.stepfunctions.operations.executions import STANDARD_SECONDS, redrive_status
from kumoi.services.stepfunctions.run import MAX_EVENTS
from kumoi.services.stepfunctions.store import read_history, redrive
from kumoi.wire.errors import AwsError, aws_error

WITHIN = 14 * 86_400.0
"""Seconds after its end in which an execution can be redriven."""


@stepfunctions.operation
async def redrive_execution(call: Call, executionArn: str, clientToken: str | None = None) -> dict[str, Any]:
    """Have an execution that did not succeed go on; ExecutionNotRedrivable. A request made again is answered again."""
    if execution_arn(executionArn).express:
        raise not_supported()
    parsed, one = await find_execution(call, executionArn)
    if clientToken is not None and one.redrive_token == clientToken and one.redriven is not None:
        return {"redriveDate": one.redriven}
    status = redrive_status(one)
    if status["redriveStatus"] != "REDRIVABLE":
        raise _refused(executionArn, status.get("redriveStatusReason", "the map run it belongs to has to be redriven"))
    assert one.stopped is not None
    if one.stopped < call.now - WITHIN:
        raise _refused(executionArn, "Execution has ended more than 14 days ago")
    state = place_of(call, parsed)
    if len(await read_history(state, executionArn)) >= MAX_EVENTS - 1:
        raise _refused(executionArn, "Execution history has reached its limit")
    engine = call.part(Engine)
    await engine.settled(executionArn)
    if not await redrive(state, one.machine, one.name, clientToken, STANDARD_SECONDS):
        raise _refused(executionArn, "Execution is RUNNING and cannot be redriven")
    driver = await engine.take_up(parsed.account, parsed.region, one.machine, one.name)
    if driver is not None:
        await driver.post(lambda _: None)
    return {"redriveDate": call.now}


def _refused(arn: str, why: str) -> AwsError:
    return aws_error("ExecutionNotRedrivable", f"Execution Not Redrivable: '{arn}'. {why}")
