"""What an execution is billed by: state transitions, or the time and memory of an Express one.

A transition is a step executed, each retry of it included; an Express execution is billed by started 100 ms of 64 MB.
Source: "AWS Step Functions pricing".
"""

from __future__ import annotations

import math

from kumoi.doorway import ChargeKey, Charges, Trace
from kumoi.services.stepfunctions.driver import Driver
from kumoi.services.stepfunctions.records import ExecutionRecord

EXPRESS_MB = 64
"""Memory of an Express execution: what it needs is not known here, so it is the smallest that AWS bills."""
_STEP_MS = 100


def express_milliseconds(execution: ExecutionRecord) -> int:
    """Milliseconds that an ended Express execution is billed for."""
    seconds = (execution.stopped or execution.started) - execution.started
    return max(math.ceil(round(seconds * 1000 / _STEP_MS, 6)), 1) * _STEP_MS


def charge(charges: Charges, driver: Driver, transitions: int) -> None:
    """Note the transitions that a commit has made; for an Express execution what it cost, once it has ended."""
    run, execution = driver.run, driver.run.execution
    if not run.ended and (execution.express or not transitions):
        return
    trace = "" if execution.span is None else Trace.parse(execution.span, execution.started).root
    node = f"stepfunctions:{execution.machine.partition('/')[0]}"
    key = ChargeKey(driver.state.account, driver.region, trace, node, "stepfunctions", "Execution")
    if not run.ended:
        charges.add(key, transitions=transitions)
        return
    milliseconds = round(((execution.stopped or execution.started) - execution.started) * 1000, 3)
    if execution.express:
        billed: dict[str, float] = {
            "express_executions": 1,
            "express_MB_milliseconds": express_milliseconds(execution) * EXPRESS_MB,
        }
    else:
        billed = {"transitions": transitions, "standard_executions": 1, "standard_milliseconds": milliseconds}
    if execution.map_run is None:  # as CloudWatch counts them
        billed |= {f"states:{execution.status.lower()}": 1, "states:milliseconds": milliseconds}
    charges.add(key, **billed)
