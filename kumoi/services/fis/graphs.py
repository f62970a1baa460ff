"""Graphs of a report: what the metrics of a CloudWatch dashboard did before, during and after an experiment.

In: a dashboard's body, as PutDashboard takes it. Out: a drawing (SVG) for each of its metric widgets. Source:
"Dashboard body structure and syntax" of the CloudWatch API reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

WIDTH, HEIGHT, MARGIN = 640, 160, 24
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
_PERIOD = 60


class Window(NamedTuple):
    """What time a graph is about, and between which moments the experiment ran: epoch seconds."""

    begins: float
    ends: float
    started: float
    ended: float


def widgets_of(body: Any) -> Iterator[Mapping[str, Any]]:
    """The properties of the metric widgets of a dashboard's body; what is none is passed over."""
    for widget in (body.get("widgets") or ()) if isinstance(body, dict) else ():
        if isinstance(widget, dict) and widget.get("type") == "metric" and isinstance(widget.get("properties"), dict):
            yield widget["properties"]


def queries_of(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What GetMetricData is asked for a widget's `metrics`; raises ValueError for what is no list of those.

    `.` stands for what is at that place in the metric before, `...` for all that is before the rest.
    """
    rows = properties.get("metrics")
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        raise ValueError("the metrics of a widget are a list of lists")
    found, before = [], list[str]()
    for number, row in enumerate(rows):
        options = row[-1] if isinstance(row[-1], dict) else {}
        named = {"Id": str(options.get("id") or f"m{number}"), "ReturnData": bool(options.get("visible", True))}
        if options.get("label"):
            named["Label"] = str(options["label"])
        if options.get("expression"):
            found.append(named | {"Expression": str(options["expression"])})
            continue
        before = _filled([str(one) for one in row if not isinstance(one, dict)], before)
        if len(before) < 2 or len(before) % 2:
            raise ValueError(f"{row} is no metric")
        pairs = zip(before[2::2], before[3::2], strict=True)
        metric = {
            "Namespace": before[0],
            "MetricName": before[1],
            "Dimensions": [{"Name": name, "Value": value} for name, value in pairs],
        }
        period = int(options.get("period") or properties.get("period") or _PERIOD)
        stat = str(options.get("stat") or properties.get("stat") or "Average")
        found.append(named | {"MetricStat": {"Metric": metric, "Period": period, "Stat": stat}})
    return found


def _filled(names: Sequence[str], before: Sequence[str]) -> list[str]:
    if names[:1] == ["..."]:
        return [*before[: max(0, len(before) - len(names) + 1)], *names[1:]]
    return [before[at] if name == "." and at < len(before) else name for at, name in enumerate(names)]


def drawn(title: str, series: Sequence[Mapping[str, Any]], window: Window) -> str:
    """The graph of a widget, of GetMetricData's results (times in epoch seconds).

    Dashed lines show when the experiment began and ended.
    """
    values = [value for one in series for value in one["Values"]]
    low, high = float(min([0.0, *values])), float(max([1e-9, *values]))
    span, length = (high - low) or 1.0, (window.ends - window.begins) or 1.0

    def x(moment: float) -> float:
        return round(MARGIN + (moment - window.begins) / length * (WIDTH - 2 * MARGIN), 1)

    def y(value: float) -> float:
        return round(HEIGHT - MARGIN - (value - low) / span * (HEIGHT - 2 * MARGIN), 1)

    parts = [f"<h3>{escape(title)}</h3><svg width={WIDTH} height={HEIGHT} role=img>"]
    parts += [
        f'<line x1="{x(at)}" x2="{x(at)}" y1="{MARGIN}" y2="{HEIGHT - MARGIN}" stroke="#888" stroke-dasharray="4"/>'
        for at in (window.started, window.ended)
    ]
    parts += [f'<text x="0" y="{y(value)}" font-size="10">{value:.4g}</text>' for value in (low, high)]
    labels = []
    for number, one in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [f"{x(at)},{y(value)}" for at, value in zip(one["Timestamps"], one["Values"], strict=True)]
        points = " ".join(places * 2 if len(places) == 1 else places)  # one alone is a dot
        dots = f'points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-linecap="round"'
        parts.append(f"<polyline {dots}/>")
        labels.append(f'<span style="color:{colour}">{escape(str(one.get("Label") or one["Id"]))}</span>')
    return "".join([*parts, "</svg><p>", ", ".join(labels), "</p>"])
