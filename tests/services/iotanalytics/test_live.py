"""Live views: what is stored while the first answer is being made is told, too."""

from __future__ import annotations

import asyncio
from time import process_time
from typing import Any

import pytest

from kumoi.services.iotanalytics.operations.live import _events


class View:
    """A call whose store gets a row behind the first answer; `wakes` says whether something wakes the watch."""

    def __init__(self, wakes: bool = False) -> None:
        self.state = self
        self.wakes = wakes

    def watch(self, topic: str) -> View:
        return self

    async def __aenter__(self) -> View:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def wait(self, seconds: float) -> bool:
        return self.wakes

    def part(self, kind: Any) -> View:
        return self

    async def rows(self, *asked: Any) -> list[bytes]:
        return [b'{"n":1}']

    account = region = ""


async def _taken(first: bytes, count: int, wakes: bool = False) -> list[bytes]:
    events = _events(View(wakes), "SELECT count(*) AS n FROM s", first)  # type: ignore[arg-type]
    found = [await anext(events) for _ in range(count)]
    await events.aclose()  # type: ignore[attr-defined]
    return found


def test_rows_that_came_before_the_watch_are_told() -> None:
    found = asyncio.run(_taken(b'data: [{"n":0}]\n\n', 2))
    assert found == [b'data: [{"n":0}]\n\n', b'data: [{"n":1}]\n\n']


def test_an_answer_that_stands_is_told_once() -> None:
    found = asyncio.run(_taken(b'data: [{"n":1}]\n\n', 2))
    assert found == [b'data: [{"n":1}]\n\n', b": still here\n\n"]


def test_views_rest_no_longer_than_they_were_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr("kumoi.services.iotanalytics.operations.live.asyncio.sleep", rest)
    began = process_time()
    asyncio.run(_taken(b'data: [{"n":0}]\n\n', 12, wakes=True))
    assert len(rests) == 9
    assert sum(rests) <= process_time() - began
