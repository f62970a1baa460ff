"""Whether a trace is meant by a filter expression.

Keywords outside of braces speak of the trace: outcome and response time of its entry point, users and annotations of
any segment. Inside the braces of `service()` they speak of that service's segment, of `edge()` of the call, of a root
cause of the service, entity or exception on its path. A keyword that does not apply there is never true.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from kumoi.services.xray.filter_expression import nodes
from kumoi.services.xray.filter_expression.nodes import Node, ServicePattern, Value
from kumoi.services.xray.traces import summary
from kumoi.services.xray.traces.document import Document, Status, http_status, status, table, text
from kumoi.services.xray.traces.service_graph import edges_of, seen_by_caller
from kumoi.services.xray.traces.trace import Segment, ServiceId, Trace

Groups = Mapping[str, Node | None]
"""The expressions of groups, by their names and by their ARNs; None for a group that has none."""

Read = Callable[[str], Iterable[Value]]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "CONTAINS": lambda found, wanted: wanted in found,
    "BEGINSWITH": lambda found, wanted: found.startswith(wanted),
    "ENDSWITH": lambda found, wanted: found.endswith(wanted),
}


def matches(node: Node, trace: Trace, groups: Groups | None = None) -> bool:
    """Whether a trace is meant."""
    return _Question(trace, groups or {}).ask(node)


class _Question:
    """One trace that is asked; a group that leads back to itself holds nothing."""

    def __init__(self, trace: Trace, groups: Groups) -> None:
        self._trace = trace
        self._groups = groups
        self._entered: set[str] = set()

    def ask(self, node: Node, read: Read | None = None) -> bool:
        match node:
            case nodes.Either(parts):
                return any(self.ask(part, read) for part in parts)
            case nodes.Both(parts):
                return all(self.ask(part, read) for part in parts)
            case nodes.Negated(part):
                return not self.ask(part, read)
            case nodes.Comparison():
                return self._compare(node, read or self._of_trace)
            case nodes.Service(pattern, part):
                return any(
                    part is None or self.ask(part, _reader(self._trace, segment, segment.document))
                    for segment in self._trace.segments
                    if selects(pattern, segment.service)
                )
            case nodes.Edge(source, target, part):
                return any(
                    part is None or self.ask(part, _reader(self._trace, segment, *seen_by_caller(segment)))
                    for caller, called, segment in edges_of(self._trace)
                    if selects(source, caller) and selects(target, called)
                )
            case nodes.RootCause(kind, level, part):
                return any(self.ask(part, found) for found in _causes(self._trace, kind, level))
            case nodes.RootCauseJson(wanted, services):
                found = any(_goes_through(cause, orjson.loads(services)) for cause in _all_causes(self._trace))
                return found == (wanted == "=")

    def _compare(self, node: nodes.Comparison, read: Read) -> bool:
        if node.keyword in ("group.name", "group.arn"):
            return self._in_group(str(node.value)) == (node.operator == "=")
        found = read(node.keyword)
        if node.operator is None:
            return any(found) if not node.keyword.startswith("annotation.") else any(True for _ in found)
        compare, wanted = _COMPARE[node.operator], node.value
        return any(compare(value, wanted) for value in found if type(value) is type(wanted) or node.operator == "!=")

    def _in_group(self, name: str) -> bool:
        if name not in self._groups or name in self._entered:
            return False
        expression = self._groups[name]
        if expression is None:
            return True
        self._entered.add(name)
        try:
            return self.ask(expression)
        finally:
            self._entered.remove(name)

    def _of_trace(self, keyword: str) -> Iterator[Value]:
        trace = self._trace
        if keyword == "duration":
            yield summary.duration(trace)
        elif keyword == "partial":
            yield trace.partial
        elif keyword == "instance.id":
            yield from summary.instances_of(trace)
        elif keyword == "availabilityzone":
            yield from summary.zones_of(trace)
        elif keyword == "resource.arn":
            yield from summary.resources_of(trace)
        elif keyword == "user":
            yield from (user for segment in trace.segments if (user := text(segment.document, "user")))
        elif keyword.startswith("annotation."):
            for segment in trace.segments:
                yield from _annotations(segment, keyword)
        elif (entry := summary.entry_point(trace)) is not None:
            yield from _of_part(trace, entry, entry.document, status(entry.document), keyword)


def _reader(trace: Trace, segment: Segment, part: Document, outcome: Status | None = None) -> Read:
    found = outcome or status(part)
    return lambda keyword: _of_part(trace, segment, part, found, keyword)


def _of_part(trace: Trace, segment: Segment, part: Document, outcome: Status, keyword: str) -> Iterator[Value]:
    """What a keyword says of a segment, or of the call to it."""
    if keyword in ("ok", "error", "throttle", "fault"):
        yield getattr(outcome, keyword)
    elif keyword in ("responsetime", "duration"):
        yield summary.seconds(part)
    elif keyword == "http.status":
        if (code := http_status(part)) is not None:
            yield float(code)
    elif keyword.startswith("http."):
        member = {"url": "url", "method": "method", "useragent": "user_agent", "clientip": "client_ip"}[keyword[5:]]
        if found := text(table(table(part, "http"), "request"), member):
            yield found
    elif keyword.startswith("annotation."):
        yield from _annotations(segment, keyword)
    elif keyword == "partial":
        yield part.get("in_progress") is True
    elif keyword == "inferred":
        yield segment.inferred
    elif keyword == "remote":
        yield part.get("namespace") == "remote" or segment.service.type == "remote"
    elif keyword == "root":
        yield segment.parent is None
    elif keyword == "first":
        yield segment is trace.segments[0]
    elif keyword == "last":
        yield not segment.children
    elif keyword == "index":
        yield float(trace.segments.index(segment))
    elif keyword == "user":
        if user := text(part, "user"):
            yield user
    elif keyword == "resource.arn":
        if arn := text(part, "resource_arn"):
            yield arn
    else:
        named = {"name": segment.service.name, "type": segment.service.type, "account.id": segment.service.account}
        if value := named.get(keyword):
            yield value


def _annotations(segment: Segment, keyword: str) -> Iterator[Value]:
    wanted = keyword.partition(".")[2]
    for key, value in summary.annotations_of(segment):
        if key == wanted:
            yield float(value) if type(value) is int else value


def selects(pattern: ServicePattern, service: ServiceId) -> bool:
    """Whether a pattern means a node of the graph."""
    return (
        pattern.name in (None, service.name)
        and pattern.type in (None, service.type)
        and pattern.account in (None, service.account)
    )


def _all_causes(trace: Trace) -> Iterator[Document]:
    yield from summary.failures(trace, "fault")
    yield from summary.failures(trace, "error")
    yield from summary.slowness(trace)


def _causes(trace: Trace, kind: str, level: str) -> Iterator[Read]:
    """What lies on the paths of root causes, on one level."""
    causes = summary.slowness(trace) if kind == "responsetime" else summary.failures(trace, kind)
    for cause in causes:
        services = cause["Services"]
        if level == "service":
            yield from (_item(one, place, len(services)) for place, one in enumerate(services))
            continue
        entities = [entity for service in services for entity in service["EntityPath"]]
        if level == "entity":
            yield from (_item(one, place, len(entities)) for place, one in enumerate(entities))
        else:
            found = [one for entity in entities for one in entity.get("Exceptions", [])]
            yield from (_item(one, place, len(found)) for place, one in enumerate(found))


def _item(item: Document, place: int, count: int) -> Read:
    facts: dict[str, Any] = {
        "name": item.get("Name"),
        "type": item.get("Type"),
        "account.id": item.get("AccountId"),
        "message": item.get("Message"),
        "inferred": item.get("Inferred"),
        "remote": item.get("Remote"),
        "coverage": item.get("Coverage"),
        "index": float(place),
        "first": place == 0,
        "last": place == count - 1,
    }
    return lambda keyword: [] if facts.get(keyword) is None else [facts[keyword]]


def _goes_through(cause: Document, wanted: Any) -> bool:
    """Whether a root cause's services are those wanted, in order; each member that is given must be the same."""
    services = cause["Services"]
    return isinstance(wanted, list) and len(wanted) <= len(services) and all(map(_like, services, wanted))


def _like(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            member in found and _like(found[member], value) for member, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) <= len(found) and all(map(_like, found, wanted))
    return bool(found == wanted)
