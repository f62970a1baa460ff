"""Which log events are metrics, and how many at most."""

from __future__ import annotations

import json
from typing import Any

from kumoi.services.logs.embedded_metrics import metrics_in


def _event(namespace: str = "Shop", sets: Any = ((),), directives: int = 1) -> str:
    directive = {"Namespace": namespace, "Dimensions": sets, "Metrics": [{"Name": "orders", "Unit": "Count"}]}
    return json.dumps({"_aws": {"Timestamp": 1_000, "CloudWatchMetrics": [directive] * directives}, "orders": 3})


def test_an_event_in_the_format_is_a_metric() -> None:
    (datum,) = metrics_in([_event(), "no metric", '"_aws"']).data["Shop"]
    assert datum["MetricName"] == "orders"
    assert 3 in (datum.get("Value"), *datum.get("Values", ()))


def test_the_namespaces_of_aws_are_its_own() -> None:
    assert metrics_in([_event("AWS/Lambda")]) == ({}, 0, 1)


def test_one_event_is_no_flood_of_metrics() -> None:
    assert len(metrics_in([_event(sets=[[]] * 200, directives=200)]).data["Shop"]) == 3_000


def test_what_breaks_a_rule_is_counted() -> None:
    broken = [
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [',
        '{"_aws": {"Timestamp": "now", "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": {}}}',
        _event().replace(": 3}", ': "three"}'),
        _event(sets=[["nosuch"], []]),
    ]
    found = metrics_in([*broken, '{"_aws": {"other": 1}}', 'a text with "_aws"'])
    assert (found.unparsed, found.invalid) == (1, 4)
    assert len(found.data["Shop"]) == 1
