"""What GetTraceSummaries tells of a trace: times, outcome, what is indexed, and root causes.

Duration is the whole trace's, response time that of the entry point. A root cause is the path from the entry point to
the deepest part that failed (or took most of the time). Source: the API reference's TraceSummary and its root causes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kumoi.services.xray.traces.document import (
    Document,
    end_of,
    http_status,
    status,
    subsegments_of,
    table,
    text,
    walk,
)
from kumoi.services.xray.traces.trace import Segment, Trace

Answer = dict[str, Any]

_COVERAGE = 0.1
"""Which share of its parent's time a part must have taken to belong to the path of a slow response."""


def entry_point(trace: Trace) -> Segment | None:
    """The segment that the trace came in by: the first that nobody called."""
    return next(iter(trace.roots), None)


def duration(trace: Trace) -> float:
    """How long the trace took, all that was still under way afterwards included (seconds)."""
    return round(trace.end - trace.start, 3)


def response_time(trace: Trace) -> float:
    """How long whoever came in waited."""
    entry = entry_point(trace)
    return 0.0 if entry is None else seconds(entry.document)


def seconds(part: Document) -> float:
    """How long a part took; 0 while it is in progress."""
    return round(float(end_of(part) - part["start_time"]), 3)


def http_of(segment: Segment | None) -> Answer:
    """The request and response that a segment tells of."""
    if segment is None:
        return {}
    request = table(table(segment.document, "http"), "request")
    found: Answer = {}
    for member, name in (
        ("HttpURL", "url"),
        ("HttpMethod", "method"),
        ("UserAgent", "user_agent"),
        ("ClientIp", "client_ip"),
    ):
        value = text(request, name)
        if value is not None:
            found[member] = value
    code = http_status(segment.document)
    if code is not None:
        found["HttpStatus"] = code
    return found


def annotations_of(segment: Segment) -> Iterator[tuple[str, str | float | bool]]:
    """The annotations of a segment and of all within it."""
    for part in walk(segment.document):
        for key, value in table(part, "annotations").items():
            if isinstance(value, str | int | float | bool):
                yield key, value


def summary(trace: Trace) -> Answer:
    """A TraceSummary."""
    entry = entry_point(trace)
    outcome = status(entry.document) if entry is not None else None
    answer: Answer = {
        "Id": trace.id,
        "StartTime": trace.start,
        "Duration": duration(trace),
        "ResponseTime": response_time(trace),
        "HasFault": bool(outcome and outcome.fault),
        "HasError": bool(outcome and outcome.error),
        "HasThrottle": bool(outcome and outcome.throttle),
        "IsPartial": trace.partial,
        "Http": http_of(entry),
        "Annotations": _annotations(trace),
        "Users": _users(trace),
        "ServiceIds": [service.answer() for service in dict.fromkeys(one.service for one in trace.segments)],
        "ResourceARNs": [{"ARN": one} for one in resources_of(trace)],
        "InstanceIds": [{"Id": one} for one in _ec2(trace, "instance_id")],
        "AvailabilityZones": [{"Name": one} for one in _ec2(trace, "availability_zone")],
        "FaultRootCauses": failures(trace, "fault"),
        "ErrorRootCauses": failures(trace, "error"),
        "ResponseTimeRootCauses": slowness(trace),
        "Revision": len(trace.segments) + len(trace.orphans),
        "MatchedEventTime": trace.end,
    }
    if entry is not None:
        answer["EntryPoint"] = entry.service.answer()
    return answer


def resources_of(trace: Trace) -> list[str]:
    """The ARNs of the resources that segments ran on."""
    found = (text(segment.document, "resource_arn") for segment in trace.segments)
    return list(dict.fromkeys(one for one in found if one))


def instances_of(trace: Trace) -> list[str]:
    """The EC2 instances that segments ran on."""
    return _ec2(trace, "instance_id")


def zones_of(trace: Trace) -> list[str]:
    """The availability zones that segments ran in."""
    return _ec2(trace, "availability_zone")


def _ec2(trace: Trace, member: str) -> list[str]:
    found = (text(table(table(one.document, "aws"), "ec2"), member) for one in trace.segments)
    return list(dict.fromkeys(one for one in found if one))


def _annotations(trace: Trace) -> Answer:
    found: dict[str, dict[tuple[type, Any], list[Answer]]] = {}
    for segment in trace.segments:
        for key, value in annotations_of(segment):
            services = found.setdefault(key, {}).setdefault((type(value), value), [])
            if (service := segment.service.answer()) not in services:
                services.append(service)
    return {
        key: [
            {"AnnotationValue": _annotation(value), "ServiceIds": services} for (_, value), services in values.items()
        ]
        for key, values in found.items()
    }


def _annotation(value: str | float | bool) -> Answer:
    if isinstance(value, bool):
        return {"BooleanValue": value}
    return {"StringValue": value} if isinstance(value, str) else {"NumberValue": float(value)}


def _users(trace: Trace) -> list[Answer]:
    found: dict[str, list[Answer]] = {}
    for segment in trace.segments:
        if user := text(segment.document, "user"):
            found.setdefault(user, []).append(segment.service.answer())
    return [{"UserName": user, "ServiceIds": services} for user, services in found.items()]


def failures(trace: Trace, mark: str) -> list[Answer]:
    """The root causes of faults or of errors: one path for each deepest segment that failed so."""
    answers = []
    for segment in trace.segments:
        if not getattr(status(segment.document), mark):
            continue
        if any(getattr(status(child.document), mark) for child in segment.children):
            continue
        path = _path(segment)
        answers.append(
            {
                "Services": [
                    {
                        **one.service.answer(),
                        "EntityPath": [_entity(part) for part in _failing(one.document, mark)],
                        "Inferred": one.inferred,
                    }
                    for one in path
                ],
                "ClientImpacting": all(getattr(status(one.document), mark) for one in path),
            }
        )
    return answers


def _path(segment: Segment) -> list[Segment]:
    """The segments from a root to this one."""
    path = [segment]
    while path[-1].parent is not None:
        path.append(path[-1].parent)
    return path[::-1]


def _failing(part: Document, mark: str) -> Iterator[Document]:
    """A part, and the parts within it on the way to where it failed."""
    found: Document | None = part
    while found is not None:
        yield found
        found = next((one for one in subsegments_of(found) if getattr(status(one), mark)), None)


def _entity(part: Document) -> Answer:
    exceptions = table(part, "cause").get("exceptions")
    known = [one for one in exceptions if isinstance(one, dict)] if isinstance(exceptions, list) else []
    return {
        "Name": part["name"],
        "Exceptions": [{"Name": text(one, "type") or "", "Message": text(one, "message") or ""} for one in known],
        "Remote": part.get("namespace") == "remote",
    }


def slowness(trace: Trace) -> list[Answer]:
    """What the response time was spent on: the path of the parts that took the most, with the share they covered."""
    entry = entry_point(trace)
    if entry is None or not seconds(entry.document):
        return []
    whole, services = seconds(entry.document), []
    segment: Segment | None = entry
    while segment is not None:
        path, part = [], segment.document
        following: Segment | None = None
        while part is not None:
            share = round(min(seconds(part) / whole, 1.0), 2)
            path.append({"Name": part["name"], "Coverage": share, "Remote": part.get("namespace") == "remote"})
            slowest = max(subsegments_of(part), key=seconds, default=None)
            following = next((one for one in segment.children if one.call is part), following)
            if slowest is None or seconds(slowest) < _COVERAGE * seconds(part):
                break
            part = slowest
        services.append({**segment.service.answer(), "EntityPath": path, "Inferred": segment.inferred})
        if following is None:
            direct = [one for one in segment.children if one.call is None]
            following = max(direct, key=lambda one: seconds(one.document), default=None)
        segment = following
    return [{"Services": services, "ClientImpacting": True}]
