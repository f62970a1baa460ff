from __future__ import annotations

from typing import Any

import click

from kumoi.cli.map import render as render_map
from kumoi.cli.trace import render as render_trace
from kumoi.cli.trace import without_idle_polls


def hop(span: str, parent: str, target: str, operation: str, **more: Any) -> dict[str, Any]:
    fields = {"time": int(span), "outcome": "ok", "duration_us": 1500, "fault": ""}
    return {"span": span, "parent": parent, "target": target, "operation": operation, **fields, **more}


def test_calls_stand_below_the_call_that_made_them() -> None:
    lines = [
        click.unstyle(line)
        for line in render_trace(
            [
                hop("1", "", "lambda:a", "Invoke"),
                hop("2", "1", "sts", "GetCallerIdentity"),
                hop("3", "1", "lambda:b", "Invoke", outcome="TooManyRequestsException", fault="fault-1"),
                hop("4", "3", "logs:g", "WriteFunctionLogs"),
                hop("5", "gone", "iam", "GetRole"),
                hop("6", "", "events", "PutEvents", source="cloudwatch:alarm"),
            ]
        )
    ]
    assert lines == [
        "lambda:a Invoke       1.50 ms  ok",
        "├─ sts GetCallerIdentity       1.50 ms  ok",
        "└─ lambda:b Invoke       1.50 ms  TooManyRequestsException  (fault-1)",
        "   └─ logs:g WriteFunctionLogs       1.50 ms  ok",
        "iam GetRole       1.50 ms  ok",
        "cloudwatch:alarm → events PutEvents       1.50 ms  ok",
    ]


def test_polls_that_led_to_nothing_are_left_out() -> None:
    hops = [
        hop("1", "", "sqs:q", "ReceiveMessages"),
        hop("2", "", "kinesis:s", "AwaitRecords", outcome="ResourceNotFoundException"),
        hop("3", "", "sqs:q", "ReceiveMessages"),
        hop("4", "3", "lambda:a", "Invoke"),
    ]
    assert [one["span"] for one in without_idle_polls(hops)] == ["2", "3", "4"]


def test_the_map_groups_edges_by_who_calls() -> None:
    def edge(source: str, target: str, errors: int) -> dict[str, Any]:
        return {
            "source": source,
            "target": target,
            "operation": "Invoke",
            "calls": 12,
            "errors": errors,
            "mean_us": 2000,
        }

    lines = [
        click.unstyle(line) for line in render_map([edge("client", "lambda:a", 0), edge("lambda:a", "lambda:bc", 3)])
    ]
    assert lines == [
        "client",
        "  → lambda:a Invoke     12×      2.00 ms",
        "lambda:a",
        "  → lambda:bc Invoke     12×      2.00 ms  3 failed",
    ]
