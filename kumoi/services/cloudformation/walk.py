"""Acting on resources in the order of their needs, several at once; after a failure nothing more is begun."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping

from kumoi.wire.errors import AwsError

AT_ONCE = 10
"""Resources under way at once."""


class Failed(Exception):
    """Resources could not be brought to where they should be; their names are told."""

    def __init__(self, names: Iterable[str], what: str) -> None:
        self.names = list(names)
        super().__init__(f"The following resource(s) failed to {what}: [{', '.join(self.names)}]. ")


class Cancelled(Exception):
    """The operation was called off; what was under way has come to its end."""


async def in_order(
    needs: Mapping[str, set[str]],
    act: Callable[[str], Awaitable[None]],
    what: str,
    called_off: Callable[[], bool] = lambda: False,
) -> None:
    """Act on each resource once those it needs are done.

    Raises Failed with those whose action raised AwsError, Cancelled when `called_off` says so before all are done.
    """
    missing = {name: len(wanted) for name, wanted in needs.items()}
    needed_by: dict[str, list[str]] = {name: [] for name in needs}
    for name, wanted in needs.items():
        for needed in wanted:
            needed_by[needed].append(name)
    ready = deque(name for name, count in missing.items() if count == 0)
    failed: list[str] = []
    running: dict[asyncio.Task[None], str] = {}
    left = len(needs)
    try:
        while True:
            while ready and len(running) < AT_ONCE and not failed and not called_off():
                name = ready.popleft()
                running[asyncio.ensure_future(act(name))] = name
            if not running:
                break
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                name = running.pop(task)
                if isinstance(task.exception(), AwsError):
                    failed.append(name)
                    continue
                task.result()
                left -= 1
                for waiting in needed_by[name]:
                    missing[waiting] -= 1
                    if missing[waiting] == 0:
                        ready.append(waiting)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    if failed:
        raise Failed(failed, what)
    if left and called_off():
        raise Cancelled
