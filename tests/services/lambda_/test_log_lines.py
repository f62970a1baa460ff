from __future__ import annotations

import json

import pytest

from kumoi.services.lambda_.log_lines import (
    Report,
    billed_milliseconds,
    end,
    init_start,
    platform_event,
    platform_line,
    report,
    report_record,
    start,
)

ID = "8f5b1e0c-0000-4000-8000-000000000001"


def test_the_lines_of_an_invocation() -> None:
    assert start(ID, "$LATEST") == f"START RequestId: {ID} Version: $LATEST\n"
    assert end(ID) == f"END RequestId: {ID}\n"
    assert init_start("python3.12", "arn:x") == "INIT_START Runtime Version: python:3.12\tRuntime Version ARN: arn:x\n"


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        (
            Report(ID, 0.00301, None, 128, 36),
            "Duration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n",
        ),
        (
            Report(ID, 0.00301, 0.1101, 128, 36),
            "Duration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
            "Init Duration: 110.10 ms\t\n",
        ),
        (
            Report(ID, 1.0, None, 128, 36, "timeout", "Sandbox.Timedout"),
            "Duration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
            "Status: timeout\n",
        ),
        (
            Report(ID, 0.5, None, 128, 128, "failure", "Runtime.ExitError"),
            "Duration: 500.00 ms\tBilled Duration: 500 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t"
            "Status: error\tError Type: Runtime.ExitError\n",
        ),
    ],
)
def test_the_report_line(usage: Report, line: str) -> None:
    assert report(usage) == f"REPORT RequestId: {ID}\t{line}"


def test_the_json_form() -> None:
    event = platform_line(platform_event("report", 1_767_225_600.5, report_record(Report(ID, 0.003, 0.1, 128, 36))))
    assert json.loads(event) == {
        "time": "2026-01-01T00:00:00.500Z",
        "type": "platform.report",
        "record": {
            "requestId": ID,
            "status": "success",
            "metrics": {
                "durationMs": 3.0,
                "billedDurationMs": 103,
                "memorySizeMB": 128,
                "maxMemoryUsedMB": 36,
                "initDurationMs": 100.0,
            },
        },
    }


@pytest.mark.parametrize(
    ("duration", "init", "billed"),
    [
        (0.0, None, 0),
        (0.000_000_4, None, 0),
        (0.000_001, None, 1),
        (0.004, None, 4),
        (0.004_000_4, None, 4),
        (0.004_000_6, None, 5),
        (0.004, 0.1, 104),
        (3.0, None, 3000),
    ],
)
def test_milliseconds_that_are_billed(duration: float, init: float | None, billed: int) -> None:
    assert billed_milliseconds(duration, init) == billed
