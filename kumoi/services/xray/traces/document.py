"""One segment document: what it must hold, and how its members are read.

A document is a segment or a subsegment sent alone, with further subsegments inside. What is required is checked when
it comes in, so that readers may rely on it; the rest is read as far as it is of the right kind. Source: "AWS X-Ray
segment documents" of the developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

Document = dict[str, Any]

MAX_BYTES = 65_536
MAX_DEPTH = 100
_ID = re.compile(r"[0-9a-f]{16}")
_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_W3C_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[\w\s.:/%&#=+\\\-@]{1,200}")


class Refused(ValueError):
    """A document that is not kept: AWS's code for why, and its id where one could be read."""

    def __init__(self, code: str, segment_id: str | None = None) -> None:
        super().__init__(f"Invalid segment. ErrorCode: {code}")
        self.code = code
        self.segment_id = segment_id


class Status(NamedTuple):
    """How something went: `error` is the client's (4xx; `throttle` one of them), `fault` the server's (5xx)."""

    error: bool
    throttle: bool
    fault: bool

    @property
    def ok(self) -> bool:
        """Neither an error nor a fault."""
        return not self.error and not self.fault


def normal_trace_id(text: str) -> str | None:
    """A trace id in X-Ray's form, also from W3C's 32 digits; None when it is neither."""
    if _TRACE_ID.fullmatch(text):
        return text
    if _W3C_TRACE_ID.fullmatch(text):
        return f"1-{text[:8]}-{text[8:]}"
    return None


def parse(text: str | bytes) -> Document:
    """Read and check a document; raises Refused. Its `trace_id` is in X-Ray's form afterwards."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refused("ParseError") from None
    if not isinstance(found, dict):
        raise Refused("MissingId" if isinstance(found, list) else "ParseError")
    return check(found, len(text))


def check(document: Document, size: int = 0) -> Document:
    """Check a parsed document of `size` bytes; raises Refused."""
    segment_id = document.get("id")
    if segment_id is None:
        raise Refused("MissingId")
    if not isinstance(segment_id, str) or not _ID.fullmatch(segment_id):
        raise Refused("InvalidId", segment_id if isinstance(segment_id, str) else None)
    if size > MAX_BYTES:
        raise Refused("SegmentTooLarge", segment_id)
    trace_id = document.get("trace_id")
    if trace_id is None:
        raise Refused("MissingTraceId", segment_id)
    normal = normal_trace_id(trace_id) if isinstance(trace_id, str) else None
    if normal is None:
        raise Refused("InvalidTraceId", segment_id)
    document["trace_id"] = normal
    parent = document.get("parent_id")
    if parent is not None and not (isinstance(parent, str) and _ID.fullmatch(parent)):
        raise Refused("InvalidParentId", segment_id)
    if document.get("type") == "subsegment" and parent is None:
        raise Refused("MissingParentId", segment_id)
    try:
        _check_part(document, 0)
    except Refused as refused:
        raise Refused(refused.code, segment_id) from None
    return document


def _check_part(part: Document, depth: int) -> None:
    """A segment, or a subsegment at any depth."""
    if depth > MAX_DEPTH:
        raise Refused("ParseError")
    segment_id, name, began = part.get("id"), part.get("name"), part.get("start_time")
    if segment_id is None:
        raise Refused("MissingId")
    if not isinstance(segment_id, str) or not _ID.fullmatch(segment_id):
        raise Refused("InvalidId")
    if name is None:
        raise Refused("MissingName")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Refused("InvalidName")
    if began is None:
        raise Refused("MissingStartTime")
    if not _is_time(began):
        raise Refused("InvalidStartTime")
    ended = part.get("end_time")
    if ended is None:
        if part.get("in_progress") is not True:
            raise Refused("MissingEndTime")
    elif not _is_time(ended):
        raise Refused("InvalidEndTime")
    subsegments = part.get("subsegments")
    if subsegments is not None:
        if not isinstance(subsegments, list) or not all(isinstance(one, dict) for one in subsegments):
            raise Refused("ParseError")
        for one in subsegments:
            _check_part(one, depth + 1)


def _is_time(value: Any) -> bool:
    """Epoch seconds, up to the year 9999."""
    return type(value) in (int, float) and 0 < value < 253_402_300_800


def in_progress(part: Document) -> bool:
    """Whether a part has begun and not ended."""
    return part.get("end_time") is None


def end_of(part: Document) -> float:
    """When a part ended; when it began, while it is in progress."""
    ended: float | None = part.get("end_time")
    return part["start_time"] if ended is None else ended


def subsegments_of(part: Document) -> list[Document]:
    """The parts directly inside."""
    return part.get("subsegments") or []


def walk(part: Document) -> Iterator[Document]:
    """A part, then all within it."""
    pending = [part]
    while pending:
        one = pending.pop()
        yield one
        pending += subsegments_of(one)[::-1]


def table(part: Document, member: str) -> Document:
    """A member that is an object; empty where it is missing or something else."""
    found = part.get(member)
    return found if isinstance(found, dict) else {}


def text(part: Document, member: str) -> str | None:
    """A member that is text, or None."""
    found = part.get(member)
    return found if isinstance(found, str) and found else None


def http_status(part: Document) -> int | None:
    """The status of the response a part tells of."""
    found = table(table(part, "http"), "response").get("status")
    return found if type(found) is int else None


OK = Status(error=False, throttle=False, fault=False)


def status(part: Document) -> Status:
    """How a part went: by its own marks, else by the status of its response."""
    error, throttle, fault = part.get("error") is True, part.get("throttle") is True, part.get("fault") is True
    if error or throttle or fault:
        return Status(error or throttle, throttle, fault)
    code = http_status(part) if "http" in part else None
    return OK if code is None or code < 400 else Status(code < 500, code == 429, code >= 500)
