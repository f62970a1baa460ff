"""Where queries over objects run: in a few threads of their own, so that long ones hold up nobody else's work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
R = TypeVar("R")

AT_ONCE = 4
"""Queries that get on at the same time; those beyond take turns, a frame of records each."""


class Queries:
    """The threads, and the queries under way, which end with the platform. One of it belongs to a platform."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._under_way: WeakSet[Any] = WeakSet()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function in one of the threads."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(AT_ONCE, "s3-select")
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))

    def add(self, query: Any) -> None:
        """A query has begun; its `close` is called when the platform stops."""
        self._under_way.add(query)

    def stop(self) -> None:
        """End what is under way."""
        for query in self._under_way:
            query.close()
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
