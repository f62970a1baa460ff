"""Statistics over time, of selected services or edges: a tally for each period that something ended in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kumoi.services.xray.filter_expression import nodes
from kumoi.services.xray.filter_expression.matching import selects
from kumoi.services.xray.traces.document import Document, Status, end_of, in_progress, status
from kumoi.services.xray.traces.service_graph import Tally, edges_of, seen_by_caller
from kumoi.services.xray.traces.trace import Trace


class TimeSeries:
    """Tallies of periods (seconds) between two moments (epoch seconds); without a selection of all entry points."""

    def __init__(self, selected: nodes.Service | nodes.Edge | None, start: float, end: float, period: int) -> None:
        self._selected = selected
        self._start = start
        self._end = end
        self._period = period
        self._tallies: dict[int, Tally] = {}

    def add(self, trace: Trace) -> None:
        """Count what a trace holds of the selection."""
        for part, outcome in self._parts(trace):
            ended = end_of(part)
            if not in_progress(part) and self._start <= ended < self._end:
                place = int(ended // self._period) * self._period
                self._tallies.setdefault(place, Tally()).add(part, outcome)

    def _parts(self, trace: Trace) -> Iterator[tuple[Document, Status]]:
        selected = self._selected
        if isinstance(selected, nodes.Edge):
            for source, target, segment in edges_of(trace):
                if selects(selected.source, source) and selects(selected.target, target):
                    yield seen_by_caller(segment)
            return
        for segment in trace.segments if selected is not None else trace.roots:
            if selected is None or selects(selected.pattern, segment.service):
                yield segment.document, status(segment.document)

    def answer(self) -> list[dict[str, Any]]:
        """The API's TimeSeriesServiceStatistics, in order of time."""
        member = "EdgeSummaryStatistics" if isinstance(self._selected, nodes.Edge) else "ServiceSummaryStatistics"
        return [
            {
                "Timestamp": float(place),
                member: tally.statistics(),
                "ResponseTimeHistogram": tally.shown_histogram(),
            }
            for place, tally in sorted(self._tallies.items())
        ]
