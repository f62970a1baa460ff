"""Data points to CloudWatch's metric data: gauges, sums and histograms; the namespace is the service's name.

A cumulative sum repeats what was told before, which CloudWatch would add up: such points are refused, with the advice
to send deltas.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kumoi.services.xray.otlp.decoding import attributes

MOST_DIMENSIONS = 30
AT_ONCE = 500
_CUMULATIVE = 2
ADVICE = (
    "CloudWatch adds up what is put: send sums and histograms as deltas"
    " (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta)"
)


class Told(NamedTuple):
    """Metric data by namespace, and how many points were refused."""

    data: dict[str, list[dict[str, Any]]]
    refused: int


def data(request: Any) -> Told:
    """What a request's points are to CloudWatch."""
    found: dict[str, list[dict[str, Any]]] = {}
    refused = 0
    for group in request.resource_metrics:
        service = str(attributes(group.resource.attributes).get("service.name") or "unknown_service")
        namespace = service.replace(":", "_")[:255]
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                made, left = _of_metric(metric)
                refused += left
                if made:
                    found.setdefault(namespace, []).extend(made)
    return Told(found, refused)


def _of_metric(metric: Any) -> tuple[list[dict[str, Any]], int]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return [], 0
    points = getattr(metric, kind).data_points
    if kind == "gauge":
        return [_number(metric, point) for point in points], 0
    if kind not in ("sum", "histogram") or getattr(metric, kind).aggregation_temporality == _CUMULATIVE:
        return [], len(points)
    if kind == "sum":
        return [_number(metric, point) for point in points], 0
    return [_set(metric, point) for point in points if point.count], 0


def _number(metric: Any, point: Any) -> dict[str, Any]:
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    return {**_named(metric, point), "Value": float(value)}


def _set(metric: Any, point: Any) -> dict[str, Any]:
    mean = point.sum / point.count
    least = point.min if point.HasField("min") else mean
    most = point.max if point.HasField("max") else mean
    values = {"SampleCount": float(point.count), "Sum": point.sum, "Minimum": least, "Maximum": most}
    return {**_named(metric, point), "StatisticValues": values}


def _named(metric: Any, point: Any) -> dict[str, Any]:
    found = {name: str(value) for name, value in attributes(point.attributes).items() if str(value).strip()}
    dimensions = [{"Name": name[:255], "Value": value[:1024]} for name, value in sorted(found.items())]
    named: dict[str, Any] = {"MetricName": metric.name[:255] or "unnamed", "Dimensions": dimensions[:MOST_DIMENSIONS]}
    if point.time_unix_nano:
        named["Timestamp"] = point.time_unix_nano / 1e9
    if unit := {"s": "Seconds", "ms": "Milliseconds", "us": "Microseconds", "By": "Bytes", "%": "Percent"}.get(
        metric.unit
    ):
        named["Unit"] = unit
    return named
