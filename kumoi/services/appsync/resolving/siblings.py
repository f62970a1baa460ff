"""Fields of one list that share a resolver: those that call the same function wait for each other and call it once.

A batch goes when it is full, or when every sibling that is not finished waits for one. One of those who wait makes the
call for all. Source: "Batching" of the developer guide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, NamedTuple

from kumoi.services.appsync.resolving.outcomes import FieldError

Batch = Callable[[list[Any]], Awaitable[Sequence[Any]]]
"""Calls for several payloads: an answer for each; raises FieldError for all."""


class _Waiting(NamedTuple):
    payload: Any
    future: asyncio.Future[Any]


class _Lead(NamedTuple):
    """Told to the one who has to call for a batch."""

    batch: list[_Waiting]


class Siblings:
    """So many fields that are resolved together."""

    def __init__(self, members: int) -> None:
        self._unfinished = members
        self._waiting: dict[Hashable, list[_Waiting]] = {}

    def left(self) -> None:
        """One of the fields is finished."""
        self._unfinished -= 1
        if self._waiting:
            self._go_if_all_wait()

    async def together(self, key: Hashable, most: int, payload: Any, call: Batch) -> Any:
        """The answer for one payload out of a call for up to `most` of those with the same key; raises FieldError."""
        mine = _Waiting(payload, asyncio.get_running_loop().create_future())
        batch = self._waiting.setdefault(key, [])
        batch.append(mine)
        if len(batch) >= most:
            self._go(key)
        else:
            self._go_if_all_wait()
        told = await mine.future
        if isinstance(told, _Lead):
            return await _lead(told.batch, call)
        return told

    def _go_if_all_wait(self) -> None:
        if sum(map(len, self._waiting.values())) == self._unfinished:
            for key in list(self._waiting):
                self._go(key)

    def _go(self, key: Hashable) -> None:
        batch = self._waiting.pop(key)
        leader = next((one for one in batch if not one.future.done()), None)
        if leader is not None:
            batch.remove(leader)
            leader.future.set_result(_Lead([leader, *batch]))


async def _lead(batch: list[_Waiting], call: Batch) -> Any:
    """Call for a batch and tell the others; the answer for the first."""
    others = batch[1:]
    try:
        answers = await call([one.payload for one in batch])
        if len(answers) != len(batch):
            told = f"The answer to a batch of {len(batch)} has {len(answers)} items."
            raise FieldError(told, "Lambda:IllegalArgument")
    except FieldError as error:
        for one in others:
            if not one.future.done():
                one.future.set_exception(FieldError(error.message, error.kind, error.data, error.info))
        raise
    except BaseException:
        for one in others:
            one.future.cancel()
        raise
    for one, answer in zip(others, answers[1:], strict=True):
        if not one.future.done():
            one.future.set_result(answer)
    return answers[0]
