from __future__ import annotations

import json

import pytest

from kumoi.sandbox.ends import error_payload, exit_reason, time_out


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (None, "Runtime exited with error: signal: killed"),
        (0, "Runtime exited without providing a reason"),
        (3 << 8, "Runtime exited with error: exit status 3"),
        (255 << 8, "Runtime exited with error: exit status 255"),
        (9, "Runtime exited with error: signal: killed"),
        (11, "Runtime exited with error: signal: segmentation fault"),
        (0x80 | 6, "Runtime exited with error: signal: aborted"),
        (15, "Runtime exited with error: signal: terminated"),
        (10, "Runtime exited with error: signal: SIGUSR1"),
    ],
)
def test_how_a_runtime_ended(status: int | None, reason: str) -> None:
    assert exit_reason({} if status is None else {"exited": status}) == reason


def test_what_is_answered_for_it() -> None:
    payload = error_payload("8f5a", "Sandbox.Timedout", time_out(3))
    assert json.loads(payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: 8f5a Error: Task timed out after 3.00 seconds",
    }
