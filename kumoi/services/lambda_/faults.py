"""Declared faults where a function runs: which one strikes an invocation, and how that ends then.

They strike however the function was reached: called, from the queue of events, from an event source, by its URL.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
from msgspec import structs

from kumoi.clock import Clock
from kumoi.doorway import Call, Fault
from kumoi.sandbox import Outcome, Sandbox, SandboxSpec
from kumoi.services.lambda_.environments import EnvironmentMaker
from kumoi.services.lambda_.own_faults import asked_for, own_faults
from kumoi.services.lambda_.records import Function

_OTHER = 0x55
SLICE_SECONDS = 0.05
"""How long a function that is slowed down runs and is held, once each."""


def may_strike(call: Call, function: Function) -> bool:
    """Whether there is a reason to ask for the fault that strikes an invocation."""
    return call.doorway.faults.active or asked_for(function.environment) is not None


async def fault_of(call: Call, function: Function, function_arn: str, maker: EnvironmentMaker) -> Fault | None:
    """The fault that strikes an invocation; counts it. `function_arn` is the ARN as the caller named the function.

    Declared ones come first, then those that the function's own variables ask for.
    """
    faults = call.doorway.faults
    library = asked_for(function.environment)
    name, _, qualifier = function_arn.split(":", 6)[6].partition(":")
    node = f"lambda:{name}:{qualifier or '$LATEST'}"
    declared = call.doorway.fault_at(call, "run", node)
    if declared is not None or library is None or await maker.brings(function, library):
        return declared
    own = await own_faults(call, function, library)
    return faults.choose_of(own, f"{call.source}>{node}#{call.operation}")


def made_up(fault: Fault, duration: float) -> Outcome:
    """What a function answers that a fault keeps from answering."""
    if fault.action == "answer":
        return Outcome(fault.payload.encode(), None, duration, None, 0, "success")
    message = fault.message or "Injected by a declared fault."
    payload = orjson.dumps({"errorMessage": message, "errorType": fault.error})
    return Outcome(payload, fault.error, duration, None, 0, "error")


async def strike_sandbox(fault: Fault, sandbox: Sandbox, clock: Clock) -> None:
    """Kill the processes that run an invocation once it has run for a while; hold them for so long; slow them down."""
    if fault.action == "cpu":
        await _slowed(fault.share, sandbox)
        return
    if fault.action == "freeze":
        sandbox.hold()
        try:
            await clock.sleep(fault.delay_ms / 1000)
        finally:
            sandbox.resume()
        return
    await clock.sleep(fault.delay_ms / 1000)
    sandbox.kill()


async def _slowed(share: float, sandbox: Sandbox) -> None:
    """Let the processes run for a share of the time (the machine's) until this is cancelled."""
    try:
        while True:
            sandbox.hold()
            await asyncio.sleep(SLICE_SECONDS * (1 - share))
            sandbox.resume()
            await asyncio.sleep(SLICE_SECONDS * share)
    finally:
        sandbox.resume()


def damaged(fault: Fault, outcome: Outcome) -> Outcome:
    """An answer of which half is lost on its way, or a byte in the middle becomes another."""
    payload, half = outcome.payload, len(outcome.payload) // 2
    if fault.action == "truncate" or not payload:
        return structs.replace(outcome, payload=payload[:half])
    return structs.replace(outcome, payload=payload[:half] + bytes((payload[half] ^ _OTHER,)) + payload[half + 1 :])


def constrained(fault: Fault, spec: SandboxSpec) -> SandboxSpec:
    """An environment that is worse than was promised: less memory or room in /tmp, a clock that is off, no names, no
    network.
    """
    match fault.action:
        case "memory":
            return replace(spec, memory_mb=fault.limit_mb)
        case "disk":
            return replace(spec, tmp_mb=fault.limit_mb)
        case "skew":
            return replace(spec, clock_skew=fault.skew_s)
        case "nameless":
            return replace(spec, nameless=True)
        case _:
            return replace(spec, offline=True)


def timed_out(request_id: str, timeout: float) -> Outcome:
    """The outcome of an invocation that a delay kept from ending in time."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
    payload = orjson.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message})
    return Outcome(payload, "Sandbox.Timedout", timeout, None, 0, "timeout")
