"""Following a log group reads what is new, not all of it again and again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from kumoi.cli import logs


class Client:
    """A client whose group has these events (timestamp, id) at each reading; `starts` are the times asked for."""

    exceptions = type("exceptions", (), {"ResourceNotFoundException": LookupError})

    def __init__(self, *readings: list[tuple[int, str]]) -> None:
        self._readings = iter(readings)
        self.starts: list[int] = []

    def get_paginator(self, _operation: str) -> Client:
        return self

    def paginate(self, *, startTime: int, **_asked: str) -> Iterator[dict[str, Any]]:
        self.starts.append(startTime)
        held = next(self._readings)
        yield {"events": [{"timestamp": time, "eventId": name} for time, name in held if time >= startTime]}


def test_following_goes_on_behind_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "POLL_SECONDS", 0)
    old, new, late = (1_000, "old"), (200_000, "new"), (150_000, "late")
    client = Client([old], [old, new], [old, late, new], [old, late, new, (300_000, "last")])
    followed = logs._events(client, "g", "", 500, follow=True)
    assert [event["eventId"] for event in islice(followed, 4)] == ["old", "new", "late", "last"]
    assert client.starts == [500, 500, 140_000, 140_000]
