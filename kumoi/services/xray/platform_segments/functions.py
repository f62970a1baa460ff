"""A function's two segments: the service (`AWS::Lambda`: waiting included) and the function (`AWS::Lambda::Function`).

The function's has the subsegments Initialization (of a cold start), Invocation and Overhead. What SDKs send hangs below
Invocation, whose id is the call's span: it is what the function is told as its parent. An event that waited shows that,
and each attempt, in the service's segment, whose id is the event's. Source: "Visualize Lambda function invocations
using AWS X-Ray" of the Lambda developer guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson

from kumoi.doorway import Hop, Traced
from kumoi.names import hex_id
from kumoi.services.xray.platform_segments.parts import cause, outcome, within
from kumoi.services.xray.traces import Document


def render(hop: Hop, traced: Traced, _calls: Sequence[Hop]) -> list[Document]:
    """The segments of an invocation; of one that was refused the service's alone."""
    facts = traced.facts
    name = facts["name"]
    start = min(hop.time / 1000, facts["arrived"])
    end = start + hop.duration_us / 1e6
    if "began" in facts:
        end = max(end, facts["ended"])
    status, found = outcome(hop)
    service: Document = {
        "id": hex_id(16),
        "name": name,
        "start_time": start,
        "end_time": end,
        **({"parent_id": traced.parent} if traced.parent else {}),
        "http": {"response": {"status": status}},
        "aws": {"request_id": hop.request_id, "account_id": hop.account, "function_arn": facts["arn"]},
        **found,
        "trace_id": hop.trace,
        "origin": "AWS::Lambda",
        "resource_arn": facts["arn"],
    }
    documents = [service]
    above = service["id"]
    if "attempt" in facts:
        documents += _attempt(hop, service, facts)
        above = documents[-1]["id"]
    if "began" in facts:
        documents.append(_function(hop, name, above, facts, start, end))
    return documents


def _attempt(hop: Hop, service: Document, facts: dict[str, Any]) -> list[Document]:
    """How an event waited (told with its first attempt) and was tried, each sent alone.

    The service's segment becomes the event's, which begins when the event was accepted; each attempt replaces it.
    """
    began, accepted = service["start_time"], min(float(facts["accepted"]), service["start_time"])
    service |= {
        "id": blake2b(hop.request_id.encode(), digest_size=8).hexdigest(),
        "start_time": accepted,
        "http": {"response": {"status": 202}},
    }
    alone = {"type": "subsegment", "parent_id": service["id"], "trace_id": hop.trace}
    parts = []
    if facts["attempt"] == "1":
        parts.append({"id": hex_id(16), "name": "Dwell Time", "start_time": accepted, "end_time": began, **alone})
    marks = {mark: True for mark in ("fault", "error", "throttle") if service.get(mark)}
    name, end = f"Attempt #{facts['attempt']}", service["end_time"]
    parts.append({"id": hex_id(16), "name": name, "start_time": began, "end_time": end, **marks, **alone})
    return parts


def _function(hop: Hop, name: str, above: str, facts: dict[str, Any], start: float, end: float) -> Document:
    arn = facts["arn"]
    ended = within(start, end, facts["ended"])
    called = within(start, ended, ended - facts["duration"])
    ready = called if facts["init"] is None else within(start, called, called - facts["init"])
    began = min(within(start, end, facts["began"]), ready)
    aws = {"function_arn": arn}
    parts: list[Document] = []
    if facts["init"] is not None:
        parts.append({"id": hex_id(16), "name": "Initialization", "start_time": ready, "end_time": called, "aws": aws})
    invocation: Document = {
        "id": hop.span,
        "name": "Invocation",
        "start_time": called,
        "end_time": ended,
        "aws": aws,
    }
    failure = _failure(facts)
    invocation |= failure
    parts.append(invocation)
    parts.append({"id": hex_id(16), "name": "Overhead", "start_time": ended, "end_time": end, "aws": aws})
    return {
        "id": hex_id(16),
        "name": name,
        "start_time": began,
        "end_time": end,
        "parent_id": above,
        "aws": {"account_id": hop.account, "function_arn": arn, "resource_names": [name]},
        **failure,
        **_links(facts),
        "trace_id": hop.trace,
        "origin": "AWS::Lambda::Function",
        "resource_arn": arn,
        "subsegments": parts,
    }


def _links(facts: dict[str, Any]) -> Document:
    """The traces of further messages of a batch."""
    pairs = [link.split("/") for link in facts.get("links", "").split()]
    found = [{"trace_id": root, "id": id, "attributes": {"reference_type": "parent"}} for root, id in pairs]
    return {"links": found} if found else {}


def _failure(facts: dict[str, Any]) -> Document:
    """That the function failed, and with which error."""
    kind = facts["error_type"]
    if kind is None:
        return {}
    message, stack = kind, None
    try:
        error = orjson.loads(facts["error"])
    except orjson.JSONDecodeError:
        error = None
    if isinstance(error, dict):
        kind, message = str(error.get("errorType", kind)), str(error.get("errorMessage", message))
        lines = error.get("stackTrace")
        if isinstance(lines, list):
            stack = [{"label": str(line).strip()[:250]} for line in lines[:20]]
    return {"fault": True, "error": False, "cause": cause(kind, message, stack)}
