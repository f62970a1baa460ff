"""A call that is made again under its key does nothing twice, whatever its stored answer holds."""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from kumoi.clock import Clock
from kumoi.state.interface import Timer, Transaction, transactional
from kumoi.state.once import once
from kumoi.state.sqlite import SqliteState

Run = Callable[[Callable[[SqliteState, Clock], Awaitable[Any]]], Any]

ANSWERS: list[Any] = [
    None,
    {"a": [1, b"x", "y", (2.5, Decimal("1.5")), {"set"}]},
    Timer(1, 0.0, "t", b"payload", "k", "a", "r", 0),
]


@transactional
async def answer(tx: Transaction, given: Any) -> Any:
    await tx.add(("ran",))
    return given


@transactional
async def runs(tx: Transaction) -> int:
    return await tx.add(("ran",)) - 1


def test_its_answers_are_read_back(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        for number, given in enumerate(ANSWERS):
            for _ in range(2):
                with once(f"call {number}"):
                    assert await answer(state, given) == given
        assert await runs(state) == len(ANSWERS)

    run(scenario)


RAN: list[str] = []


def mark(text: str) -> str:
    """Stands for any function that a module holds."""
    RAN.append(text)
    return text


class Hostile:
    """What a snapshot from elsewhere may hold: something to be called as it is read."""

    def __init__(self, function: Any, *given: Any) -> None:
        self.reduced = (function, given)

    def __reduce__(self) -> Any:
        return self.reduced


@transactional
async def put(tx: Transaction, key: Any, content: bytes) -> None:
    await tx.at("", "").put(key, content)


def test_nothing_runs_that_a_stored_answer_names(run: Run) -> None:
    hostile = [Hostile(mark, "ours"), Hostile(exec, f"from {__name__} import mark; mark('exec')")]

    async def scenario(state: SqliteState, clock: Clock) -> None:
        for number, given in enumerate(hostile):
            await put(state, ("state.once", f"call {number}", f"{__name__}.answer", 0), pickle.dumps(given))
            with once(f"call {number}"):
                assert await answer(state, "its own") == "its own"

    run(scenario)
    assert not RAN
