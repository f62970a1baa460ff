"""Contexts by key: on a few threads of their own, those of quick programs on the loop's.

A context stays on the thread that made it. It is made anew when its program changed (another key), when it broke, and
after many calls; those used least recently are given up. A program that has been quick time after time is called
without leaving the loop's thread, which a thread's two hand-overs cost more than the call; cut off there after a few
milliseconds, it is called again on a thread, with all the time it may have. Cut off because memory is full of what
calls before it left (garbage in cycles is never collected), it is called again in a context of its own. Programs reach
nothing outside, so that a call which was cut off has left nothing behind.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kumoi.sandbox.js.context import SECONDS, Answer, JsContext, JsError, JsOutcome

THREADS = 2
KEPT = 64
"""Contexts that a thread keeps."""
CALLS = 10_000
"""Calls after which a context is made anew."""
QUICK = 0.001
"""Seconds of CPU time that a quick call takes at most."""
PROVEN = 20
"""Quick calls in a row after which a program is called on the loop's thread."""
PATIENCE = 0.005
"""Seconds of CPU time after which a call on the loop's thread is cut off."""

Make = Callable[[float], JsContext]
"""Makes a program's context, on the thread that calls it; its calls may take so many seconds of CPU time."""


class JsContexts:
    """All contexts of one platform."""

    def __init__(self) -> None:
        self._lanes = [_Lane(number) for number in range(THREADS)]
        self._here: OrderedDict[Hashable, JsContext] = OrderedDict()
        self._proven: OrderedDict[Hashable, int] = OrderedDict()

    async def call(
        self,
        key: Hashable,
        make: Make,
        name: str,
        arguments: Sequence[Any],
        *,
        now: float,
        answers: Mapping[str, Answer] | None = None,
    ) -> JsOutcome:
        """Call a function of the program that `key` stands for."""
        outcome = self.call_here(key, make, name, arguments, now=now, answers=answers)
        if outcome is not None:
            return outcome
        lane = self._lanes[hash(key) % THREADS]
        outcome = await asyncio.get_running_loop().run_in_executor(
            lane.thread, _called, lane.contexts, key, lambda: make(SECONDS), name, arguments, now, answers
        )
        quick = outcome.error is None and outcome.seconds < QUICK
        self._proven[key] = self._proven.pop(key, 0) + 1 if quick else 0
        if len(self._proven) > KEPT * THREADS:
            self._proven.popitem(last=False)
        return outcome

    def call_here(
        self,
        key: Hashable,
        make: Make,
        name: str,
        arguments: Sequence[Any],
        *,
        now: float,
        answers: Mapping[str, Answer] | None = None,
    ) -> JsOutcome | None:
        """Call a program that has proved to be quick, on this thread; None for another, or where it was cut off."""
        if self._proven.get(key, 0) < PROVEN:
            return None
        outcome = _called(self._here, key, lambda: make(PATIENCE), name, arguments, now, answers)
        if outcome.error is not None and outcome.error.limit == "time":
            self._proven[key] = 0
            return None
        return outcome

    def close(self) -> None:
        """Let the threads end; contexts go with them."""
        self._here.clear()
        for lane in self._lanes:
            lane.thread.submit(lane.contexts.clear)
            lane.thread.shutdown(wait=True, cancel_futures=False)


class _Lane:
    """A thread with its contexts."""

    def __init__(self, number: int) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=f"js-{number}")
        self.contexts: OrderedDict[Hashable, JsContext] = OrderedDict()


def _called(
    contexts: OrderedDict[Hashable, JsContext],
    key: Hashable,
    make: Callable[[], JsContext],
    name: str,
    arguments: Sequence[Any],
    now: float,
    answers: Mapping[str, Answer] | None,
) -> JsOutcome:
    """Call a program in its context among those of this thread."""
    context = contexts.pop(key, None)
    outcome = None if context is None else context.call(name, arguments, now=now, answers=answers)
    if context is None or outcome is None or (outcome.error is not None and outcome.error.limit == "memory"):
        try:
            context = make()
        except JsError as error:
            return JsOutcome(error=error)
        outcome = context.call(name, arguments, now=now, answers=answers)
    if not context.broken and context.calls < CALLS:
        contexts[key] = context
        if len(contexts) > KEPT:
            contexts.popitem(last=False)
    return outcome
