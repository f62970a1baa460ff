"""Declared faults where a function runs: which one strikes an invocation, and how that ends then.

They strike however the function was reached: called, from the queue of events, from an event source, by its URL.
"""

from __future__ import annotations

import orjson

from kumoi.doorway import Call, Fault
from kumoi.sandbox import Outcome


def fault_of(call: Call, function_arn: str) -> Fault | None:
    """The fault that strikes an invocation; counts it. `function_arn` is the ARN as the caller named the function."""
    faults = call.doorway.faults
    if not faults.active:
        return None
    name, _, qualifier = function_arn.split(":", 6)[6].partition(":")
    node = f"lambda:{name}:{qualifier or '$LATEST'}"
    return faults.choose(
        call.account,
        call.source,
        "lambda",
        call.operation,
        node,
        caller=call.caller.arn,
        region=call.region,
        point="run",
    )


def made_up(fault: Fault, duration: float) -> Outcome:
    """What a function answers that a fault keeps from answering."""
    if fault.action == "answer":
        return Outcome(fault.payload.encode(), None, duration, None, 0, "success")
    payload = orjson.dumps({"errorMessage": fault.message, "errorType": fault.error})
    return Outcome(payload, fault.error, duration, None, 0, "error")


def timed_out(request_id: str, timeout: float) -> Outcome:
    """The outcome of an invocation that a delay kept from ending in time."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
    payload = orjson.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message})
    return Outcome(payload, "Sandbox.Timedout", timeout, None, 0, "timeout")
