"""What Lambda does for X-Ray: asks whether an invocation is traced, tells the function, and says how it went.

A function that traces actively decides by the sampling rules where nobody has; one that passes through goes on with a
trace that is sampled already. Source: "Visualize Lambda function invocations using AWS X-Ray" of the developer guide.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Sampled, Trace, Traced
from kumoi.sandbox import Outcome
from kumoi.services.lambda_.records import Function

_ERROR_BYTES = 4_096
_HANDED = ("accepted", "attempt", "links")
"""What queues say of an invocation they make: when an event was accepted, its attempt; further messages' traces."""


async def begin(call: Call, function: Function, arn: str) -> None:
    """An invocation begins of a function that traces actively, or whose caller has sampled the trace."""
    request = Sampled(function.name, "AWS::Lambda::Function", arn)
    if await call.doorway.tracing.begin(call, "lambda", request) and call.traced is not None:
        call.traced.facts |= {"name": function.name, "arn": arn, "arrived": call.now}
        call.traced.facts |= {name: call.attributes[name] for name in _HANDED if name in call.attributes}


def links_of(event: dict[str, Any], trace: Trace | None) -> dict[str, str]:
    """The traces of a batch's messages that its invocation does not go on with, as it is told them."""
    if trace is None:
        return {}
    headers = [record.get("attributes", {}).get("AWSTraceHeader") for record in event.get("Records", ())]
    found = [Trace.parse(header, 0.0) for header in dict.fromkeys(headers) if header]
    links = [f"{one.root}/{one.upstream}" for one in found if one.root != trace.root and one.sampled]
    return {"links": " ".join(links)} if links else {}


def header(call: Call, lineage: str) -> str:
    """The trace header that a function gets: its parent is the invocation, and it is sampled or it is not.

    `lineage` is that of what the function asks for.
    """
    return f"Root={call.trace.root};Parent={call.span};Sampled={int(call.traced is not None)};Lineage={lineage}"


def of_function(call: Call) -> Trace:
    """The trace of what is done for the function itself: its log, its START event."""
    return Trace(call.trace.root, call.span, call.traced is not None)


def ran(traced: Traced, began: float, ended: float, outcome: Outcome) -> None:
    """The function has run between two moments (epoch seconds), its initialisation included."""
    traced.facts |= {
        "began": began,
        "ended": ended,
        "init": outcome.init_duration,
        "duration": outcome.duration,
        "status": outcome.status,
        "error_type": outcome.error_type,
        "error": outcome.payload[:_ERROR_BYTES] if outcome.error_type is not None else b"",
    }
