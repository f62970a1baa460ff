"""The service graph of many traces: services, who calls whom, how often, how long and how it went.

Each segment counts for its service and for the edge from its caller's; an edge's time is what the caller saw. Whoever
calls from outside is a node of type `client`. Source: the API reference's Service, Edge and EdgeStatistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kumoi.services.xray.traces.document import OK, Document, Status, end_of, in_progress, status
from kumoi.services.xray.traces.trace import Segment, ServiceId, Trace


class Tally:
    """Counts, response times and their histogram, of a service or of an edge."""

    __slots__ = ("end", "errors", "faults", "histogram", "ok", "seconds", "start", "throttles", "total")

    def __init__(self) -> None:
        self.ok = self.errors = self.throttles = self.faults = self.total = 0
        self.seconds = 0.0
        self.histogram: dict[float, int] = {}
        self.start = float("inf")
        self.end = 0.0

    def add(self, part: Document, outcome: Status) -> None:
        """Count a part; one in progress is seen and not counted."""
        began, ended = part["start_time"], end_of(part)
        if began < self.start:
            self.start = began
        if ended > self.end:
            self.end = ended
        if in_progress(part):
            return
        self.total += 1
        if outcome is OK:
            self.ok += 1
        elif outcome.fault:
            self.faults += 1
        elif outcome.throttle:
            self.throttles += 1
        else:
            self.errors += 1
        took = ended - began
        self.seconds += took
        value = bucket(took)
        self.histogram[value] = self.histogram.get(value, 0) + 1

    def statistics(self) -> dict[str, Any]:
        """ServiceStatistics, and EdgeStatistics: the same members."""
        return {
            "OkCount": self.ok,
            "ErrorStatistics": {
                "ThrottleCount": self.throttles,
                "OtherCount": self.errors,
                "TotalCount": self.throttles + self.errors,
            },
            "FaultStatistics": {"OtherCount": self.faults, "TotalCount": self.faults},
            "TotalCount": self.total,
            "TotalResponseTime": round(self.seconds, 6),
        }

    def shown_histogram(self) -> list[dict[str, Any]]:
        """HistogramEntry by rising response time."""
        return [{"Value": value, "Count": count} for value, count in sorted(self.histogram.items())]


def bucket(took: float) -> float:
    """A response time as histograms show it: two significant digits, not finer than a millisecond."""
    milliseconds = int(took * 1000 + 0.5)
    if milliseconds < 100:
        return milliseconds / 1000
    unit = 10.0 ** (len(str(milliseconds)) - 2)
    return round(milliseconds / unit) * unit / 1000


class ServiceGraph:
    """A service graph in the making."""

    def __init__(self) -> None:
        self._services: dict[ServiceId, Tally] = {}
        self._roots: set[ServiceId] = set()
        self._edges: dict[tuple[ServiceId, ServiceId], Tally] = {}

    @classmethod
    def of(cls, traces: Iterable[Trace]) -> ServiceGraph:
        """The graph of some traces."""
        graph = cls()
        for trace in traces:
            graph.add(trace)
        return graph

    def add(self, trace: Trace) -> None:
        """Count a trace's segments."""
        for segment in trace.segments:
            part, service = segment.document, segment.service
            outcome = status(part)
            tally = self._services.get(service)
            if tally is None:
                tally = self._services[service] = Tally()
            tally.add(part, outcome)
            if segment.parent is None:
                self._roots.add(service)
            source = client(service) if segment.parent is None else segment.parent.service
            edge = self._edges.get((source, service))
            if edge is None:
                edge = self._edges[source, service] = Tally()
            seen, outcome = seen_by_caller(segment, outcome)
            edge.add(seen, outcome)

    def answer(self) -> list[dict[str, Any]]:
        """The API's Services, clients last."""
        clients = dict.fromkeys(source for source, _ in self._edges if source.type == "client")
        numbers = {service: number for number, service in enumerate([*self._services, *clients])}
        edges: dict[ServiceId, list[dict[str, Any]]] = {}
        for (source, target), tally in self._edges.items():
            edges.setdefault(source, []).append(
                {
                    "ReferenceId": numbers[target],
                    "StartTime": tally.start,
                    "EndTime": tally.end,
                    "SummaryStatistics": tally.statistics(),
                    "ResponseTimeHistogram": tally.shown_histogram(),
                    "Aliases": [],
                }
            )
        return [self._service(service, number, edges.get(service, [])) for service, number in numbers.items()]

    def _service(self, service: ServiceId, number: int, edges: list[dict[str, Any]]) -> dict[str, Any]:
        found = {"ReferenceId": number, **service.answer(), "Edges": edges}
        tally = self._services.get(service)
        if tally is None:
            return {
                **found,
                "State": "unknown",
                "StartTime": min(edge["StartTime"] for edge in edges),
                "EndTime": max(edge["EndTime"] for edge in edges),
            }
        return {
            **found,
            **({"Root": True} if service in self._roots else {}),
            "State": "unknown" if service.type == "remote" else "active",
            "StartTime": tally.start,
            "EndTime": tally.end,
            "SummaryStatistics": tally.statistics(),
            "DurationHistogram": tally.shown_histogram(),
            "ResponseTimeHistogram": tally.shown_histogram(),
        }


def client(service: ServiceId) -> ServiceId:
    """Whoever calls a service from outside."""
    return ServiceId(service.name, "client")


def seen_by_caller(segment: Segment, outcome: Status | None = None) -> tuple[Document, Status]:
    """The call of a segment as its caller saw it: the caller's subsegment, else the segment itself."""
    if segment.call is not None and not in_progress(segment.call):
        return segment.call, status(segment.call)
    return segment.document, outcome or status(segment.document)


def edges_of(trace: Trace) -> Iterator[tuple[ServiceId, ServiceId, Segment]]:
    """Every call of a trace: from which service, to which, and the segment called."""
    for segment in trace.segments:
        source = client(segment.service) if segment.parent is None else segment.parent.service
        yield source, segment.service, segment
