from __future__ import annotations

from kumoi.doorway import Hop
from kumoi.gateway.internal import edges


def hop(source: str, target: str, outcome: str, duration_us: int) -> Hop:
    return Hop(0, "1", "r", "t", "s", "p", source, target, "svc", "Op", outcome, duration_us, 0, 0, "id", "", {})


def test_edges_count_calls_errors_and_mean_durations() -> None:
    found = edges([hop("client", "a", "ok", 100), hop("client", "a", "SlowDown", 300), hop("a", "b", "ok", 50)])
    assert found == [
        {"source": "client", "target": "a", "operation": "Op", "calls": 2, "errors": 1, "mean_us": 200.0},
        {"source": "a", "target": "b", "operation": "Op", "calls": 1, "errors": 0, "mean_us": 50.0},
    ]
