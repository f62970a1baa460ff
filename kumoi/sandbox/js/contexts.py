"""Contexts by key, each pinned to one of a few threads and kept for the next call.

A context is made anew when its program changed (another key), when it broke, and after many calls. Those used least
recently are given up.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kumoi.sandbox.js.context import Answer, JsContext, JsError, JsOutcome

THREADS = 2
KEPT = 64
"""Contexts that a thread keeps."""
CALLS = 10_000
"""Calls after which a context is made anew."""


class JsContexts:
    """All contexts of one platform."""

    def __init__(self) -> None:
        self._lanes = [_Lane(number) for number in range(THREADS)]

    async def call(
        self,
        key: Hashable,
        make: Callable[[], JsContext],
        name: str,
        arguments: Sequence[Any],
        *,
        now: float,
        answers: Mapping[str, Answer] | None = None,
    ) -> JsOutcome:
        """Call a function of the program that `key` stands for; `make` builds its context, on its thread."""
        lane = self._lanes[hash(key) % THREADS]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(lane.thread, lane.call, key, make, name, arguments, now, answers)

    def close(self) -> None:
        """Let the threads end; contexts go with them."""
        for lane in self._lanes:
            lane.thread.submit(lane.contexts.clear)
            lane.thread.shutdown(wait=True, cancel_futures=False)


class _Lane:
    """A thread with its contexts."""

    def __init__(self, number: int) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=f"js-{number}")
        self.contexts: OrderedDict[Hashable, JsContext] = OrderedDict()

    def call(
        self,
        key: Hashable,
        make: Callable[[], JsContext],
        name: str,
        arguments: Sequence[Any],
        now: float,
        answers: Mapping[str, Answer] | None,
    ) -> JsOutcome:
        context = self.contexts.pop(key, None)
        if context is None:
            try:
                context = make()
            except JsError as error:
                return JsOutcome(error=error)
        outcome = context.call(name, arguments, now=now, answers=answers)
        if not context.broken and context.calls < CALLS:
            self.contexts[key] = context
            if len(self.contexts) > KEPT:
                self.contexts.popitem(last=False)
        return outcome
