"""`kumoi top`: figures out of hops."""

from __future__ import annotations

from typing import Any

from kumoi.cli.top import Line, lines


def hop(time: int, target: str, milliseconds: float, outcome: str = "ok") -> dict[str, Any]:
    told = {"time": time, "target": target, "operation": "Op", "duration_us": milliseconds * 1000, "outcome": outcome}
    return {**told, "units": {"requests": 1}}


def test_the_busiest_first_with_their_figures() -> None:
    hops = [
        hop(1, "sqs:old", 1),
        hop(10, "lambda:f", 5, "Unhandled"),
        hop(11, "lambda:f", 7, "TooManyRequestsException"),
        *(hop(10 + n, "lambda:f", n) for n in range(98)),
        hop(12, "sqs:q", 3),
    ]
    assert lines(hops, 10) == [
        Line("lambda:f", "Op", 100, 2, 48.0, 97.0, "TooManyRequestsException"),
        Line("sqs:q", "Op", 1, 0, 3.0, 3.0, ""),
    ]
    assert lines([], 0) == []


def test_once(kumoi: Any) -> None:
    from click.testing import CliRunner

    from kumoi.cli import main

    kumoi.client("sqs").create_queue(QueueName="busy")
    environment = {**kumoi.environment, "KUMOI_URL": kumoi.url, "COLUMNS": "160"}
    found = CliRunner().invoke(
        main, ["top", "--once", "--data", "/nonexistent", "--account", kumoi.account], env=environment
    )
    assert found.exit_code == 0, found.output
    assert "sqs:busy" in found.output and "CreateQueue" in found.output and "calls/s" in found.output
