from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.state.sqlite import SqliteState

ENGINES = ("memory", "file", "full")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine, and each durability, that must pass the behaviour suite."""
    return str(request.param)


@pytest.fixture
def run(engine: str, tmp_path: Path) -> Callable[[Callable[[SqliteState, Clock], Awaitable[Any]]], Any]:
    """Run a scenario with an empty state, bound to one account and region, and a held clock."""

    def start(scenario: Callable[[SqliteState, Clock], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            clock = Clock()
            clock.hold()
            path = None if engine == "memory" else tmp_path / "kumoi.db"
            state = await SqliteState.open(path, clock=clock, durability="full" if engine == "full" else "normal")
            try:
                return await scenario(state.at("111111111111", "us-east-1"), clock)
            finally:
                await state.close()

        return asyncio.run(main())

    return start
