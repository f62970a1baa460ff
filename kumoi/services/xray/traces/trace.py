"""A trace, put together from the documents that have arrived so far.

A complete document replaces one in progress of the same id, subsegments sent alone are put where their parent is, and
for each call to a service that tells nothing of itself (a leaf subsegment of namespace `aws` or `remote`) a segment is
inferred from what its caller said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter
from typing import Any, NamedTuple

from kumoi.services.xray.traces.document import Document, end_of, in_progress, subsegments_of, table, text, walk

_ORIGINS = {
    "dynamodb": "AWS::DynamoDB::Table",
    "sqs": "AWS::SQS::Queue",
    "sns": "AWS::SNS",
    "s3": "AWS::S3::Bucket",
    "lambda": "AWS::Lambda",
    "kinesis": "AWS::Kinesis::Stream",
    "stepfunctions": "AWS::StepFunctions::StateMachine",
    "states": "AWS::StepFunctions::StateMachine",
    "sfn": "AWS::StepFunctions::StateMachine",
    "events": "AWS::Events",
    "eventbridge": "AWS::Events",
}
"""The types of services as AWS shows them, by the names that SDKs give to their calls, in lower case."""

_NAMED = ("table_name", "queue_url", "topic_arn", "bucket_name", "function_name", "stream_name", "state_machine_arn")
"""The members of `aws` that name what was called."""


class ServiceId(NamedTuple):
    """A node of the service graph."""

    name: str
    type: str | None = None
    account: str | None = None

    def answer(self) -> dict[str, Any]:
        """As the API shows it."""
        found: dict[str, Any] = {"Name": self.name, "Names": [self.name]}
        if self.account is not None:
            found["AccountId"] = self.account
        if self.type is not None:
            found["Type"] = self.type
        return found


@dataclass(slots=True, eq=False)
class Segment:
    """A segment in its trace: who called it (`parent`), by which subsegment (`call`; None where it says none)."""

    document: Document
    service: ServiceId
    parent: Segment | None = None
    call: Document | None = None
    children: list[Segment] = field(default_factory=list)

    @property
    def inferred(self) -> bool:
        """Whether it was made up from what its caller said."""
        return self.document.get("inferred") is True


@dataclass(slots=True)
class Trace:
    """A trace. `segments` come in the order they began, each behind its caller; `orphans` are subsegments whose
    segment has not arrived.
    """

    id: str
    segments: list[Segment]
    orphans: list[Document]

    @property
    def roots(self) -> list[Segment]:
        """Segments that nobody of this trace called."""
        return [segment for segment in self.segments if segment.parent is None]

    @property
    def start(self) -> float:
        """When the first of it began (epoch seconds)."""
        return float(min(part["start_time"] for part in self.documents()))

    @property
    def end(self) -> float:
        """When the last of it ended, as far as is known."""
        return float(max(end_of(part) for part in self.documents()))

    @property
    def partial(self) -> bool:
        """Whether something of it is known to be missing."""
        return bool(self.orphans) or any(
            in_progress(segment.document) or (segment.parent is None and "parent_id" in segment.document)
            for segment in self.segments
        )

    def documents(self) -> Iterator[Document]:
        """The documents of all segments, then the orphans."""
        for segment in self.segments:
            yield segment.document
        yield from self.orphans


def assemble(trace_id: str, documents: Iterable[Document]) -> Trace:
    """Put a trace together from its documents in the order they arrived; they are changed in doing so."""
    tops = _latest(documents)
    orphans = [top for top in tops.values() if top.get("type") == "subsegment"]
    if orphans:
        orphans = _attach(tops.values())
    found = [top for top in tops.values() if top.get("type") != "subsegment"]
    found.sort(key=lambda document: document["start_time"])
    segments = [Segment(document, service_of(document)) for document in found]
    owners: dict[str, tuple[Segment, Document | None]] = {}
    for segment in segments:
        owners.setdefault(segment.document["id"], (segment, None))
        if "subsegments" in segment.document:
            for part in parts_of(segment):
                owners.setdefault(part["id"], (segment, part))
    _link(segments, owners)
    _infer(trace_id, segments)
    return Trace(trace_id, _in_order(segments), orphans)


def _latest(documents: Iterable[Document]) -> dict[str, Document]:
    """Of documents with one id the last complete one, or the last."""
    tops: dict[str, Document] = {}
    for document in documents:
        known = tops.get(document["id"])
        if known is None or in_progress(known) or not in_progress(document):
            tops[document["id"]] = document
    return tops


def _attach(tops: Iterable[Document]) -> list[Document]:
    """Put subsegments that were sent alone into their parents; answers those whose segment is not there.

    One that is already there as a part of what came before it says nothing, nor do its parts.
    """
    homes: dict[str, tuple[Document, Document]] = {}
    alone: list[Document] = []
    for top in tops:
        if top.get("type") == "subsegment":
            if top["id"] in homes:
                continue
            alone.append(top)
        for part in walk(top):
            homes.setdefault(part["id"], (part, top))
    left = []
    grown: dict[str, Document] = {}
    for document in alone:
        home = homes.get(document["parent_id"])
        if home is None or _rests_on(home[1], document, homes):
            left.append(document)
            continue
        parent = home[0]
        if parent["id"] not in grown:
            grown[parent["id"]] = parent
            parent["subsegments"] = [*subsegments_of(parent)]
        parent["subsegments"].append(document)
    for parent in grown.values():
        parent["subsegments"].sort(key=lambda one: one["start_time"])
    return left


def _rests_on(top: Document, document: Document, homes: dict[str, tuple[Document, Document]]) -> bool:
    """Whether a document lies, through the parents that subsegments name, within another one (or in a circle)."""
    seen: set[str] = set()
    while top is not document and top["id"] not in seen:
        seen.add(top["id"])
        above = homes.get(top["parent_id"]) if top.get("type") == "subsegment" else None
        if above is None:
            return False
        top = above[1]
    return True


def _link(segments: list[Segment], owners: dict[str, tuple[Segment, Document | None]]) -> None:
    """Set who called whom; a call that would close a circle is left out."""
    for segment in segments:
        owner = owners.get(segment.document.get("parent_id") or "")
        if owner is None:
            continue
        above: Segment | None = owner[0]
        while above is not None and above is not segment:
            above = above.parent
        if above is None:
            segment.parent, segment.call = owner
            owner[0].children.append(segment)


def _infer(trace_id: str, segments: list[Segment]) -> None:
    """Add the services that tell nothing of themselves: leaf calls, and queues or topics that stand in between.

    Whatever goes on from a message names the sender's call as its parent: its segment is of another type than the
    service called.
    """
    called: dict[str, list[Segment]] = {}
    for segment in segments:
        if segment.call is not None:
            called.setdefault(segment.call["id"], []).append(segment)
    for segment in [one for one in segments if "subsegments" in one.document]:
        for part in parts_of(segment):
            if not _is_call(part) or any(
                one is not part and (one["id"] in called or _is_call(one)) for one in walk(part)
            ):
                continue
            beyond = [one for one in called.get(part["id"], []) if one.call is part]  # ids may come twice
            if beyond and part["namespace"] == "remote":
                continue
            origin = _origin(part)
            further = [one for one in beyond if one.document.get("origin") != origin]
            if beyond and not further:
                continue
            made = inferred(trace_id, part)
            between = Segment(made, service_of(made), segment, part)
            if further:
                segment.children = [one for one in segment.children if one not in further]
            segment.children.append(between)
            between.children = further
            for one in further:
                one.parent, one.call = between, None
            segments.append(between)


def _in_order(segments: list[Segment]) -> list[Segment]:
    """Segments as they began, none before its caller: clocks differ, and some tell milliseconds only."""
    found: list[tuple[float, Segment]] = []
    left = [(0.0, segment) for segment in reversed(segments) if segment.parent is None]
    while left:
        caller, segment = left.pop()
        began = max(caller, segment.document["start_time"])
        found.append((began, segment))
        left.extend((began, child) for child in reversed(segment.children))
    found.sort(key=itemgetter(0))
    return [segment for _, segment in found]


def _is_call(part: Document) -> bool:
    return part.get("namespace") in ("aws", "remote")


def service_of(document: Document) -> ServiceId:
    """The node of the graph that a segment belongs to."""
    name: str = document["name"]
    aws = table(document, "aws")
    if document.get("inferred") is True:
        names = document.get("resource_names")
        if isinstance(names, list) and names and isinstance(names[0], str):
            name = names[0]
    account = text(aws, "account_id")
    return ServiceId(name, text(document, "origin"), account)


def inferred(trace_id: str, call: Document) -> Document:
    """The segment of whatever a subsegment called."""
    aws = table(call, "aws")
    made: Document = {
        "id": blake2b(call["id"].encode(), digest_size=8, person=b"xray.inferred").hexdigest(),
        "name": call["name"],
        "start_time": call["start_time"],
    }
    for member in ("end_time", "in_progress"):
        if member in call:
            made[member] = call[member]
    made |= {"parent_id": call["id"], "inferred": True}
    for member in ("error", "throttle", "fault", "cause", "http", "aws"):
        if member in call:
            made[member] = call[member]
    made |= {"trace_id": trace_id, "origin": _origin(call)}
    if call["namespace"] == "remote":
        return made
    given = aws.get("resource_names")
    names = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    names = names or [found.rpartition(":")[2] for member in _NAMED if (found := text(aws, member))]
    if made["origin"] == "AWS::SQS::Queue":
        names = [name.rpartition("/")[2] for name in names]
    if names:
        made["resource_names"] = names[:1]
    return made


def _origin(call: Document) -> str:
    """The type of the service that a call is to."""
    if call["namespace"] == "remote":
        return "Database::SQL" if isinstance(call.get("sql"), dict) else "remote"
    return _ORIGINS.get(call["name"].lower(), f"AWS::{call['name']}")


def parts_of(segment: Segment) -> Iterator[Document]:
    """The subsegments of a segment, at every depth."""
    for part in subsegments_of(segment.document):
        yield from walk(part)
