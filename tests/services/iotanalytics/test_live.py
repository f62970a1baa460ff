"""Live views: what is stored while the first answer is being made is told, too."""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.services.iotanalytics.operations.live import _events


class View:
    """A call whose store gets a row behind the first answer; nothing wakes the watch."""

    def __init__(self) -> None:
        self.state = self

    def watch(self, topic: str) -> View:
        return self

    async def __aenter__(self) -> View:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def wait(self, seconds: float) -> bool:
        return False

    def part(self, kind: Any) -> View:
        return self

    async def rows(self, *asked: Any) -> list[bytes]:
        return [b'{"n":1}']

    account = region = ""


async def _taken(first: bytes, count: int) -> list[bytes]:
    events = _events(View(), "SELECT count(*) AS n FROM s", first)  # type: ignore[arg-type]
    found = [await anext(events) for _ in range(count)]
    await events.aclose()  # type: ignore[attr-defined]
    return found


def test_rows_that_came_before_the_watch_are_told() -> None:
    found = asyncio.run(_taken(b'data: [{"n":0}]\n\n', 2))
    assert found == [b'data: [{"n":0}]\n\n', b'data: [{"n":1}]\n\n']


def test_an_answer_that_stands_is_told_once() -> None:
    found = asyncio.run(_taken(b'data: [{"n":1}]\n\n', 2))
    assert found == [b'data: [{"n":1}]\n\n', b": still here\n\n"]
