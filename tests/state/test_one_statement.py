"""What is kept to the end of a transaction, or of its group, counts as if it had been written at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.clock import Clock
from kumoi.state import Transaction, transactional
from kumoi.state.group_commit import CommitFailed
from kumoi.state.sqlite import SqliteState

Run = Callable[[Callable[[SqliteState, Clock], Awaitable[Any]]], Any]
Step = tuple[str, str, int]

NAMES = st.sampled_from("abc")
STEPS = st.tuples(
    st.sampled_from(("put", "get", "delete", "range", "tally", "add", "count", "append", "bounds", "trim")),
    NAMES,
    st.integers(-2, 2),
)
TRANSACTIONS = st.lists(st.tuples(st.lists(STEPS, max_size=5), st.booleans()), max_size=6)


class Mistake(Exception):
    """What a transaction ends with that fails."""


@transactional
async def steps_of(tx: Transaction, steps: list[Step], fails: bool) -> list[Any]:
    found = [await step(tx, *one) for one in steps]
    if fails:
        raise Mistake
    return found


async def step(tx: Transaction, kind: str, name: str, number: int) -> Any:
    key = ("row", name)
    if kind == "put":
        return await tx.put(key, b"%d" % number)
    if kind == "get":
        return await tx.get(key)
    if kind == "delete":
        return await tx.delete(key)
    if kind == "range":
        return await tx.values(("row",))
    if kind == "append":
        return await tx.append(("stream", name), b"")
    if kind == "bounds":
        return (await tx.stream_bounds(("stream", name)))[1], len(await tx.read_stream(("stream", name)))
    if kind == "trim":
        return await tx.trim_stream(("stream", name), before=float("inf"))
    if kind == "tally":
        return await tx.tally(("counter", name), number)
    return await tx.add(("counter", name), number if kind == "add" else 0)


def model(rows: dict[str, bytes], counters: dict[str, int], kind: str, name: str, number: int) -> Any:
    """The same step of two dictionaries; a stream is its last number and how many of it are kept."""
    last, kept = f"last {name}", f"kept {name}"
    if kind == "append":
        counters[kept] = counters.get(kept, 0) + 1
        counters[last] = counters.get(last, 0) + 1
        return counters[last]
    if kind == "bounds":
        return counters.get(last, 0), counters.get(kept, 0)
    if kind == "trim":
        return counters.pop(kept, 0)
    if kind == "put":
        rows[name] = b"%d" % number
        return None
    if kind == "get":
        return rows.get(name)
    if kind == "delete":
        return rows.pop(name, None) is not None
    if kind == "range":
        return [rows[one] for one in sorted(rows)]
    if kind != "count":
        counters[name] = counters.get(name, 0) + number
    return None if kind == "tally" else counters.get(name, 0)


@pytest.mark.parametrize("path", [None, "file"])
@settings(max_examples=60, deadline=None)
@given(groups=st.lists(TRANSACTIONS, max_size=3))
def test_transactions_of_a_group_answer_as_if_each_step_were_written_at_once(
    path: str | None, groups: list[list[tuple[list[Step], bool]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def scenario() -> None:
        file = None if path is None else tmp_path_factory.mktemp("state") / "kumoi.db"
        state = await SqliteState.open(file, clock=Clock())
        rows: dict[str, bytes] = {}
        counters: dict[str, int] = {}
        for group in groups:
            answers = await asyncio.gather(*(steps_of(state, *one) for one in group), return_exceptions=True)
            for (steps, fails), answer in zip(group, answers, strict=True):
                before = dict(rows), dict(counters)
                expected = [model(rows, counters, *one) for one in steps]
                if fails:
                    rows, counters = before
                    assert isinstance(answer, Mistake)
                else:
                    assert answer == expected
        last = await steps_of(state, [("range", "", 0), *(("count", name, 0) for name in "abc")], fails=False)
        assert last == [[rows[one] for one in sorted(rows)], *(counters.get(name, 0) for name in "abc")]
        await state.close()

    asyncio.run(scenario())


def test_a_reset_takes_along_what_was_tallied_before_it(run: Run) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        tally = [("tally", "a", 2), ("append", "a", 0)]
        await asyncio.gather(steps_of(state, tally, fails=False), state.reset(), steps_of(state, tally, fails=False))
        assert await steps_of(state, [("count", "a", 0), ("bounds", "a", 0)], fails=False) == [2, (1, 1)]

    run(scenario)


def test_a_row_and_a_tally_that_cannot_be_written_fail_as_a_savepoint_would(run: Run) -> None:
    async def scenario(state: SqliteState, _clock: Clock) -> None:
        connection = state.engine.connection
        await steps_of(state, [("put", "before", 1)], fails=False)
        connection.execute(
            "CREATE TRIGGER no BEFORE INSERT ON rows WHEN new.v = x'39' BEGIN SELECT raise(FAIL, 'no'); END"
        )
        one, two, three = await asyncio.gather(
            steps_of(state, [("put", "a", 1), ("tally", "a", 1)], fails=False),
            steps_of(state, [("tally", "a", 5), ("put", "b", 9)], fails=False),
            steps_of(state, [("put", "c", 1)], fails=False),
            return_exceptions=True,
        )
        assert (one, three) == ([None, None], [None])
        assert isinstance(two, apsw.ConstraintError)
        assert await steps_of(state, [("range", "", 0), ("count", "a", 0)], fails=False) == [[b"1"] * 3, 1]
        connection.execute("CREATE TRIGGER nor BEFORE UPDATE ON counters BEGIN SELECT raise(FAIL, 'nor'); END")
        results = await asyncio.gather(
            steps_of(state, [("put", "d", 1)], fails=False),
            steps_of(state, [("tally", "a", 1)], fails=False),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [CommitFailed] * 2
        assert await steps_of(state, [("get", "d", 0), ("count", "a", 0)], fails=False) == [None, 1]

    run(scenario)


def test_what_was_cannot_be_put_nor_tallied(run: Run) -> None:
    async def scenario(state: SqliteState, clock: Clock) -> None:
        for kind in ("put", "tally", "append"):
            with pytest.raises(RuntimeError, match="cannot write"):
                await steps_of(state.as_of(clock.now()), [(kind, "a", 1)], fails=False)

    run(scenario)
